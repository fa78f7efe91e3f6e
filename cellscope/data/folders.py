"""Files under a folder that somebody else filled: found in a fixed order, without hidden ones or ways out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
"""How picture files are called."""


def files_under(root: Path, suffixes: tuple[str, ...], *, skip: Path | None = None) -> Iterator[str]:
    """Paths of files relative to `root`, with `/`, sorted folder by folder; `skip` is a folder that is left out.

    Hidden files and folders, linked folders, links to files outside, and what is no regular file are passed over.
    """
    inside = root.resolve()
    left_out = skip.resolve() if skip is not None else None
    for folder, folders, files in os.walk(inside):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and here / name != left_out)
        for name in sorted(files):
            file = here / name
            if name.startswith(".") or not name.lower().endswith(suffixes) or not file.is_file():
                continue
            if not file.is_symlink() or file.resolve().is_relative_to(inside):
                yield file.relative_to(inside).as_posix()


def shown(name: str) -> str:
    """A file's name as it can be printed: what is not UTF-8 or moves the cursor becomes a replacement character."""
    readable = os.fsencode(name).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in readable)


def listed(items: list[str], most: int = 8) -> str:
    """The first few of a list, in words."""
    return "; ".join(items[:most]) + (f"; and {len(items) - most:,} more" if len(items) > most else "")
