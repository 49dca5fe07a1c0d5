#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generates the contract's modules into a copy of the package: generate_stubs.py FOLDER.

FOLDER is the one that holds (or will hold) `tokensvc/`. setup.py does this while it builds; nothing
generated is ever in the source tree. Needs protoc and grpc_python_plugin, which Debian has as
protobuf-compiler and protobuf-compiler-grpc. Standard library only.
"""

import os
import pathlib
import shutil
import subprocess
import sys

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_SECONDS = 60


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is needed (Debian: protobuf-compiler, protobuf-compiler-grpc)")
    return found


def _run(*arguments: "str | os.PathLike[str]") -> None:
    subprocess.run([_program("protoc"), *arguments], check=True, timeout=_SECONDS)


def generate(folder: "str | os.PathLike[str]") -> None:
    """Generates `tokensvc.v1.*_pb2` with types and stubs, and the error details, into `folder`."""
    package = pathlib.Path(folder) / "tokensvc"
    package.mkdir(parents=True, exist_ok=True)
    protos = _ROOT / "proto"
    contract = sorted(str(path.relative_to(protos)) for path in (protos / "tokensvc/v1").glob("*.proto"))
    if not contract:
        raise RuntimeError(f"{protos} has no contract: build the package within its repository")
    _run("-I", protos, f"--python_out={folder}", f"--pyi_out={folder}", f"--grpc_python_out={folder}",
         f"--plugin=protoc-gen-grpc_python={_program('grpc_python_plugin')}", *contract)
    # Our own names for google.rpc's messages, as in the C++ library: a process can register a name once.
    _run("-I", _ROOT / "client/rpc", f"--python_out={package}", f"--pyi_out={package}",
         "error_detail_messages.proto")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: generate_stubs.py FOLDER")
    generate(sys.argv[1])
