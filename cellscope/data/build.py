"""Corpora that are built from this machine: no network, the same bytes every time on the same installation."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sysconfig
import tokenize
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cellscope.axes import Progress as Progress
from cellscope.errors import CellscopeError, InputError

Builder = Callable[[BinaryIO, "Progress | None"], str]
"""Writes a corpus to an open file and says in one line what went into it."""

PYTHON_CAP = 8_500_000
LITTLE = 1_000_000

_NOT_SOURCE = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "_bundled"}
_GENERATED = {"encodings", "pydoc_data"}  # tables that a program wrote; nobody's code


def build_python(out: BinaryIO, progress: Progress | None = None) -> str:
    """The standard library's own sources, tests and generated tables left out, in an order shuffled by hash.

    So any beginning of the text is a fair sample of all of it; it stops at about 8.5 MB.
    """
    root = Path(sysconfig.get_path("stdlib"))
    names = sorted((p.relative_to(root).as_posix() for p in root.rglob("*.py")), key=_hash)
    names = [name for name in names if _is_source(name)]
    written = taken = 0
    for done, name in enumerate(names):
        if written >= PYTHON_CAP:
            break
        text = _source(root / name)
        if not text:
            continue
        written += out.write(text.encode() + b"\n")
        taken += 1
        if progress is not None:
            progress(done, len(names), name)
    if not taken:
        raise CellscopeError(f"no Python sources in {root}; this Python ships without them, so take another corpus")
    return f"{taken} files of the standard library, {written:,} bytes"


def build_readmes(out: BinaryIO, progress: Progress | None = None) -> str:
    """The long descriptions of all installed packages, each once, in an order shuffled by hash."""
    texts: dict[str, str] = {}
    for package in importlib.metadata.distributions():
        text = _description(package)
        if len(text) >= 200:
            texts.setdefault(text, _name(package))
    written = 0
    for done, text in enumerate(sorted(texts, key=lambda text: _hash(texts[text] + "\0" + text))):
        written += out.write(text.encode() + b"\n\n")
        if progress is not None:
            progress(done + 1, len(texts), texts[text])
    if not texts:
        raise CellscopeError(
            "no installed package has a long description here; take another corpus, for instance python"
        )
    said = f"descriptions of {len(texts)} packages, {written:,} bytes"
    if written < LITTLE:
        said += "; that is little to train on (a million is a beginning): it grows with every package installed"
    return said


BUILDERS: dict[str, Builder] = {"python": build_python, "readmes": build_readmes}


@contextmanager
def written_whole(target: Path) -> Iterator[BinaryIO]:
    """A file that appears at `target` only when it is complete; after an error nothing is left behind."""
    if target.is_dir():
        raise InputError(f"{target} is a directory; give the name of the file to write")
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as out:
            yield out
        os.replace(draft, target)
    except OSError as error:
        raise CellscopeError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            draft.unlink()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _is_source(name: str) -> bool:
    *folders, file = name.split("/")
    if file.startswith("_sysconfigdata") or (folders and folders[0] in _GENERATED):
        return False
    return not _NOT_SOURCE.intersection(folders)


def _source(path: Path) -> str:
    """The text of a source file, in the encoding that it declares, or "" where it cannot be read."""
    try:
        with tokenize.open(path) as file:
            text = file.read()
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError):
        return ""
    return "" if "\0" in text else text


def _description(package: importlib.metadata.Distribution) -> str:
    """A package's long description with plain line ends, or "" where its metadata is broken or says UNKNOWN."""
    try:
        metadata = package.metadata
        payload = metadata.get_payload()  # type: ignore[attr-defined]  # a Message, whatever the protocol shows
        text = str(metadata["Description"] or payload or "")
    except Exception:  # noqa: BLE001 - a broken package among the installed ones is no reason to stop
        return ""
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.strip()


def _name(package: importlib.metadata.Distribution) -> str:
    return str(package.metadata["Name"] or "")
