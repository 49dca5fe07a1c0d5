# SPDX-License-Identifier: Apache-2.0
"""Makes `import tokensvc` work: the package as a user has it, with stubs, in a folder that goes away."""

import atexit
import pathlib
import shutil
import subprocess
import sys
import tempfile

_SOURCES = pathlib.Path(__file__).resolve().parents[3] / "client/python"
_GENERATE_SECONDS = 60


def install():
    """Imports of this process find the package; the source tree stays as it is."""
    folder = tempfile.TemporaryDirectory(prefix="tokensvc-package-")
    atexit.register(folder.cleanup)
    shutil.copytree(_SOURCES / "tokensvc", pathlib.Path(folder.name) / "tokensvc")
    subprocess.run([sys.executable, "-B", _SOURCES / "generate_stubs.py", folder.name], check=True,
                   timeout=_GENERATE_SECONDS)
    sys.path.insert(0, folder.name)
