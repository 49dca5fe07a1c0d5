# SPDX-License-Identifier: Apache-2.0
"""Builds the package; what it is called and needs is in pyproject.toml."""

import os
import sys

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from generate_stubs import generate  # noqa: E402  (it is beside this file)


class BuildWithStubs(build_py):
    """Adds the contract's generated modules to what is built, and nothing to the source tree."""

    def run(self) -> None:
        super().run()
        generate(self.build_lib)


setup(cmdclass={"build_py": BuildWithStubs})
