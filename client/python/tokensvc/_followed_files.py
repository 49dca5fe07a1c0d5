# SPDX-License-Identifier: Apache-2.0
"""What is made of files, and made anew when they change (as client/core/followed_files.h)."""

import os
import stat
import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

_T = TypeVar("_T")

# In a file's place a FIFO must not hold the thread.
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class ChangedError(Exception):
    """The files changed while they were being read: they may not belong together."""


def _identity(path: str) -> tuple[int, ...] | None:
    """What tells one state of a file from another without reading it; links are followed."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return _identity_of(found)


def _identity_of(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def read(option: str, path: str, max_bytes: int) -> tuple[tuple[int, ...], bytes]:
    """What identifies a regular file, and its content; OSError, ValueError, ChangedError.

    Errors name the option and never the path: what was written there may be the secret itself.
    """
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, _FLAGS)) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise ValueError(f"{option}: not a regular file")
            content = file.read(max_bytes + 1)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise OSError(error.errno, f"{option}: {error.strerror}") from None
    if len(content) > max_bytes:
        raise ValueError(f"{option}: the file is too large")
    if _identity_of(before) != _identity_of(after) or len(content) != before.st_size:
        raise ChangedError(f"{option}: changed while it was being read")
    return _identity_of(before), content


class FollowedFiles(Generic[_T]):
    """What `make` made of the files last: each use looks at them (one `stat` for each), and there is no thread.

    It stays while what lies there now is missing or `make` refuses it (OSError, ValueError). Thread-safe;
    nobody waits for a file that another thread reads.
    """

    def __init__(self, files: Mapping[str, str | os.PathLike[str]], max_bytes: int,
                 make: Callable[..., _T]) -> None:
        """Reads `files` (path by option) now, and gives their contents to `make`.

        OSError, ValueError: one can't be read; and what `make` raises.
        """
        self._files = {option: os.fspath(path) for option, path in files.items()}
        self._max_bytes = max_bytes
        self._make = make
        self._lock = threading.Lock()
        self._reads = False
        self._refusal = ""
        for attempt in range(4):
            try:
                self._seen, self._contents = self._read_together()
                self._current = make(*self._contents)
                break
            except ChangedError as error:
                if attempt == 3:
                    raise ValueError(str(error)) from None

    def current(self) -> _T:
        """What is in force."""
        present = [_identity(path) for path in self._files.values()]
        with self._lock:
            if present == self._seen or self._reads:
                return self._current
            self._reads = True
        try:
            self._read_anew(present)
        finally:
            with self._lock:
                self._reads = False
        return self.in_force()

    def in_force(self) -> _T:
        """The same without a look at the files."""
        with self._lock:
            return self._current

    def refusal(self) -> str:
        """Why what lies there now is not in force; empty: it is."""
        with self._lock:
            return self._refusal

    def _read_together(self) -> tuple[list[tuple[int, ...] | None], list[bytes]]:
        found = [read(option, path, self._max_bytes) for option, path in self._files.items()]
        identities: list[tuple[int, ...] | None] = [identity for identity, _ in found]
        if [_identity(path) for path in self._files.values()] != identities:
            raise ChangedError(f"{next(iter(self._files))}: changed while it was being read")
        return identities, [content for _, content in found]

    def _read_anew(self, present: list[tuple[int, ...] | None]) -> None:
        """By the one thread that has set `_reads`; without the lock, as it blocks."""
        try:
            seen, contents = self._read_together()
            made = self._make(*contents) if contents != self._contents else self._current
        except ChangedError:
            return  # Looked at again by the next use.
        except (OSError, ValueError) as error:
            with self._lock:
                self._seen = present
                self._refusal = error.strerror if isinstance(error, OSError) else str(error)
            return
        with self._lock:
            self._seen, self._contents, self._current, self._refusal = seen, contents, made, ""
