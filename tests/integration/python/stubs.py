# SPDX-License-Identifier: Apache-2.0
"""Python stubs of the contract, generated when a test runs, as a user of the service would."""

import importlib
import shutil
import subprocess
import sys
import types

import google
import grpc

from harness import ROOT


def generate(build, out):
    """Generates into the folder `out` and imports; returns the modules by short names."""
    plugin = shutil.which("grpc_python_plugin")
    protoc = shutil.which("protoc")
    if plugin is None or protoc is None:
        raise RuntimeError("protoc and grpc_python_plugin are needed (protobuf-compiler-grpc)")
    contract = sorted(str(p.relative_to(ROOT / "proto")) for p in (ROOT / "proto/tokensvc/v1").glob("*.proto"))
    subprocess.run(
        [protoc, f"--python_out={out}", f"--grpc_python_out={out}", f"--plugin=protoc-gen-grpc_python={plugin}",
         "-I", ROOT / "proto", "-I", build / "proto/google_rpc",
         "google/rpc/error_details.proto", "google/rpc/error_info.proto",
         "google/rpc/status.proto", "grpc/health/v1/health.proto",
         *contract],
        check=True, timeout=60)
    sys.path.insert(0, str(out))
    google.__path__.append(str(out / "google"))  # Debian's google package is not open to additions.
    grpc.__path__.append(str(out / "grpc"))  # Nor is grpc's.
    names = {
        "errors": "tokensvc.v1.errors_pb2",
        "token": "tokensvc.v1.token_pb2",
        "token_service": "tokensvc.v1.token_service_pb2",
        "token_service_grpc": "tokensvc.v1.token_service_pb2_grpc",
        "error_details": "google.rpc.error_details_pb2",
        "status": "google.rpc.status_pb2",
        "error_info": "google.rpc.error_info_pb2",
        "health": "grpc.health.v1.health_pb2",
    }
    return types.SimpleNamespace(**{k: importlib.import_module(v) for k, v in names.items()})


def channel(address):
    """A plaintext channel that uses no proxy."""
    return grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])


def details_of(stubs, error):
    """The `google.rpc.Status` details of a failed call, by the short name of their type."""
    trailers = {key: value for key, value in error.trailing_metadata()}
    status = stubs.status.Status.FromString(trailers["grpc-status-details-bin"])
    types_by_name = {
        "google.rpc.ErrorInfo": stubs.error_info.ErrorInfo,
        "google.rpc.BadRequest": stubs.error_details.BadRequest,
        "google.rpc.RetryInfo": stubs.error_details.RetryInfo,
        "tokensvc.v1.AuthorityError": stubs.errors.AuthorityError,
    }
    details = {}
    for packed in status.details:
        name = packed.type_url.rsplit("/", 1)[-1]
        details[name.rsplit(".", 1)[-1]] = types_by_name[name].FromString(packed.value)
    return details
