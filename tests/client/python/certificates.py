# SPDX-License-Identifier: Apache-2.0
"""Certificates of a test's own, made by openssl when the test runs."""

import pathlib
import subprocess

_SECONDS = 30


class Authority:
    """A certificate authority whose files are in `folder`."""

    def __init__(self, folder, name="ca"):
        self._folder = pathlib.Path(folder)
        self.ca_file = self._folder / f"{name}.pem"
        self._key = self._folder / f"{name}.key"
        self.openssl("req", "-x509", *self._new_key(self._key), "-subj", f"/CN={name}", "-days", "1",
                      "-addext", "keyUsage=critical,keyCertSign", "-out", self.ca_file)

    def issue(self, name, subject_alternative_name="IP:127.0.0.1"):
        """The files of a certificate and its key."""
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        request, extensions = self._folder / f"{name}.request", self._folder / f"{name}.extensions"
        extensions.write_text(f"subjectAltName={subject_alternative_name}\n")
        self.openssl("req", *self._new_key(key), "-subj", f"/CN={name}", "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self._key, "-CAcreateserial",
                      "-days", "1", "-extfile", extensions, "-out", certificate)
        return certificate, key

    @staticmethod
    def _new_key(path):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=_SECONDS)
