# SPDX-License-Identifier: Apache-2.0
"""The contract's generated modules (proto/tokensvc/v1): `token_service_pb2`, `errors_pb2` and so on."""
