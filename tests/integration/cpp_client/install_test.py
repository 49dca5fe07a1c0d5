# SPDX-License-Identifier: Apache-2.0
"""The C++ library as a user has it: installed, found by find_package, linked into the example."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import harness  # noqa: E402  (it is beside the other scripts)

SCOPE = "api://orders-api/.default"
BUILD_SECONDS = 200


class InstallTest(harness.ServiceTest):
    def build_step(self, *arguments):
        done = subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=BUILD_SECONDS,
                              env=harness.environment(), check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def build_example(self):
        """Installs into the test's folder, and builds the example against nothing but that."""
        prefix = self.folder / "prefix"
        self.build_step("cmake", "--install", self.build, "--prefix", prefix, "--component", "tokensvc_client")
        build = self.folder / "example"
        self.build_step("cmake", "-S", harness.ROOT / "examples/cpp-client", "-B", build, "-G", "Ninja",
                        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
        self.build_step("cmake", "--build", build)
        return prefix, build / "cpp_client"

    def assert_names_no_build_tree(self, prefix):
        for path in sorted(prefix.rglob("*")):
            if path.suffix in (".cmake", ".h"):
                text = path.read_text()
                self.assertNotIn(str(self.build), text, path)
                self.assertNotIn(str(harness.ROOT) + os.sep, text, path)
                self.assertNotIn('#include "client/', text, path)
                self.assertNotIn('#include "base/', text, path)

    def test_the_example_builds_against_the_installed_library_and_gets_a_token(self):
        prefix, example = self.build_example()
        self.assert_names_no_build_tree(prefix)
        address = self.start_service()
        done = harness.run([example, address, "orders", SCOPE])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"expires at 20\d\d-")
        self.assertIn("Authorization: Bearer", done.stdout)
        self.assertNotIn("eyJ", done.stdout)  # Nothing of the token itself.

        refused = harness.run([example, address, "nobody", SCOPE])
        self.assertEqual(refused.returncode, 1)
        self.assertIn("POLICY_DENIED", refused.stderr)
        self.assertIn("ask the operator", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
