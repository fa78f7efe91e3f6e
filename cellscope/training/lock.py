"""One training at a time in a run folder: the operating system holds its lock, and lets go when a process dies."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import IO

from cellscope.errors import InputError

NAME = "lock"
_FAR = 1 << 20
"""Windows keeps others from reading what is locked, so a byte beyond the words is."""


class Lock:
    """The lock of a run folder; held until `release`, or until this process ends, however it ends.

    The file stays where it is: who it names is believed only while the lock is held.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take the lock, unless it is held by this object already; InputError names the process that trains here."""
        if self._file is not None:
            return
        try:
            file = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror or error}") from error
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            file.seek(0)
            who = file.read().strip() or "another process"
            file.close()
            raise InputError(
                f"run {self.path.parent.name} is being trained by {who}; wait for that, or end it first"
            ) from None
        except OSError:
            pass  # a file system without locks: then nobody can be kept out
        file.truncate(0)
        now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        file.write(f"process {os.getpid()} on {_host()} since {now}")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _host() -> str:
    import platform

    return platform.node() or "this machine"
