"""Known corpora: what there is by name, where it is kept, and how it comes there."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cellscope.axes import Progress as Progress
from cellscope.errors import InputError, MissingError, not_found

FOLDER = Path("corpora")
"""Where corpora are kept, under the current directory: corpora/built and corpora/fetched."""


@dataclass(frozen=True)
class Known:
    """One entry of `corpora.toml`, whose head says what the fields mean."""

    name: str
    how: Literal["built", "fetched"]
    file: str
    size: int
    licence: str
    description: str
    address: str = ""
    sha256: str = "unknown"
    member: str = ""
    content_sha256: str = ""

    def place(self, folder: Path = FOLDER) -> Path:
        """Where this corpus is kept."""
        return folder / self.how / self.file

    @property
    def checksum(self) -> str | None:
        """The SHA-256 that the download must have; None where nobody has pinned one."""
        return None if self.sha256 == "unknown" else self.sha256


@dataclass(frozen=True)
class Made:
    """What `make` did: the file, whether it was `kept` as it was, the SHA-256 received if fetched, and a remark."""

    path: Path
    kept: bool = False
    received: str = ""
    remark: str = ""


def manifest() -> Path:
    """`corpora/corpora.toml` of the checkout, or the copy of it that is installed with the package."""
    package = Path(__file__).parents[1]
    checkout = package.parent / "corpora" / "corpora.toml"
    if checkout.is_file() and (package.parent / "pyproject.toml").is_file():
        return checkout
    return package / "data" / "corpora.toml"


def known_corpora() -> tuple[Known, ...]:
    """Every corpus that has a name, in the order of the manifest."""
    entries = tomllib.loads(manifest().read_text("utf-8"))
    return tuple(Known(name=name, **entry) for name, entry in entries.items())


def known_corpus(name: str) -> Known:
    """The corpus of that name; MissingError, naming those there are, where there is none."""
    corpora = {known.name: known for known in known_corpora()}
    if name not in corpora:
        raise not_found("corpus", name, list(corpora))
    return corpora[name]


def make(
    name: str, *, to: Path | None = None, folder: Path = FOLDER, force: bool = False, progress: Progress | None = None
) -> Made:
    """Build or fetch a known corpus; a file that is there is kept as it is, unless `force`."""
    from cellscope.data.build import BUILDERS, written_whole
    from cellscope.data.fetch import download

    known = known_corpus(name)
    target = to or known.place(folder)
    if target.is_dir():
        raise InputError(f"{target} is a directory; give the name of the file to write")
    if target.exists() and not force:
        return Made(target, kept=True)
    if known.how == "built":
        with written_whole(target) as out:
            remark = BUILDERS[name](out, progress)
        return Made(target, remark=remark)
    received = download(
        known.address,
        target,
        sha256=known.checksum,
        member=known.member,
        content_sha256=known.content_sha256 or None,
        size=known.size,
        progress=progress,
    )
    return Made(target, received=received)


def resolve(name_or_path: str | os.PathLike[str], *, folder: Path = FOLDER, progress: Progress | None = None) -> Path:
    """The file that is meant: a path, or the name of a known corpus, which is built if it can be.

    A file comes before a corpus of the same name. MissingError for what is neither, and for what is yet to be fetched.
    """
    text = os.fspath(name_or_path)
    path = Path(text)
    corpora = {known.name: known for known in known_corpora()}
    try:
        there = path.is_file() or (path.exists() and text not in corpora)
    except OSError:  # no possible name of a file: opening it says why
        there = True
    if there:
        return path
    if text not in corpora:
        raise MissingError(f"no file {text!r}, and no corpus of that name; give a file, or one of {', '.join(corpora)}")
    known = corpora[text]
    if known.how == "fetched" and not known.place(folder).exists():
        raise MissingError(f"the corpus {text} is not here yet; fetch it with: cellscope corpus get {text}")
    return make(text, folder=folder, progress=progress).path
