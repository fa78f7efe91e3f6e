"""The symbols that a network knows, and their ids."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress as Progress
from cellscope.data.text import Corpus
from cellscope.errors import InputError

Kind = Literal["characters", "bytes"]

CAP = 1024
UNKNOWN = "\ufffd"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Vocabulary:
    """`symbols[id]` is one character; "" where no character has that id, and `other` is the id of everything else."""

    symbols: tuple[str, ...]
    kind: Kind = "characters"
    other: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("characters", "bytes"):
            raise InputError(f"a vocabulary of kind {self.kind!r}; there is characters and bytes")
        if not self.symbols:
            raise InputError("a vocabulary without symbols; it needs at least one")
        seen: dict[str, int] = {}
        given: tuple[Any, ...] = self.symbols
        for index, symbol in enumerate(given):
            if not isinstance(symbol, str) or len(symbol) > 1 or "\ud800" <= symbol <= "\udfff":
                raise InputError(f"symbol {index} of the vocabulary is {symbol!r:.60}; every symbol is one character")
            if symbol and symbol in seen:
                raise InputError(f"the vocabulary has {symbol!r} twice, as ids {seen[symbol]} and {index}")
            if self.kind == "bytes" and symbol > "\xff":
                raise InputError(f"symbol {index} of a vocabulary of bytes is {symbol!r}, which is no byte")
            seen[symbol] = index
        other, last = self.other, len(self.symbols) - 1
        if other is not None and (type(other) is not int or not 0 <= other < len(self.symbols)):
            raise InputError(f"the other symbol has id {other!r:.60}; this vocabulary has ids 0 to {last}")
        if other is not None and self.symbols[other]:
            raise InputError(f"the other symbol has id {other}, but that is the id of {self.symbols[other]!r}")

    def __len__(self) -> int:
        return len(self.symbols)

    @classmethod
    def count(cls, corpus: Corpus, *, cap: int = CAP, progress: Progress | None = None) -> Vocabulary:
        """The corpus's most frequent characters, ordered by code point, and last the other symbol: at most `cap` ids.

        Ties go to the lower code point. A corpus of bytes has all 256, whatever occurs.
        """
        if cap < 2:
            raise InputError(f"a vocabulary of at most {cap} symbols; it needs 2 or more, one of them for the others")
        if corpus.as_bytes:
            return cls.of_bytes()
        counts = np.zeros(128, np.int64)
        for start in range(0, len(corpus), _BLOCK):
            stop = min(start + _BLOCK, len(corpus))
            block = np.bincount(corpus.codes(start, stop), minlength=len(counts))
            block[: len(counts)] += counts
            counts = block
            if progress is not None:
                progress(stop, len(corpus), "counting characters")
        order = np.argsort(-counts, kind="stable")[: cap - 1]
        kept = sorted(int(code) for code in order if counts[code])
        return cls((*map(chr, kept), ""), other=len(kept))

    @classmethod
    def of_bytes(cls) -> Vocabulary:
        """The 256 bytes, each its own id."""
        return cls(tuple(map(chr, range(256))), kind="bytes")

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """Id of every code point up to the highest known one, and last that of all beyond; -1 where there is none."""
        highest = max((ord(symbol) for symbol in self.symbols if symbol), default=0)
        table = np.full(highest + 2, -1 if self.other is None else self.other, np.int64)
        for index, symbol in enumerate(self.symbols):
            if symbol:
                table[ord(symbol)] = index
        return table

    def encode(self, codes: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The id of every code point, int64 [position]; InputError at an unknown one where there is no other symbol."""
        table = self._table
        ids: NDArray[np.int64] = table.take(codes, mode="clip")
        if self.other is None and ids.size and ids.min() < 0:
            code = int(np.asarray(codes)[ids < 0][0])
            try_ = "open the text with --bytes" if self.kind == "bytes" else "use a text in this network's alphabet"
            raise InputError(
                f"{chr(code)!r} (U+{code:04X}) is not in the vocabulary of {len(self)} symbols, "
                f"and it has no symbol for others; {try_}"
            )
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The characters of the ids; the other symbol as U+FFFD."""
        return "".join(self.symbols[index] or UNKNOWN for index in ids)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {"kind": self.kind, "symbols": list(self.symbols), "other": self.other}

    @classmethod
    def from_json(cls, data: object) -> Vocabulary:
        """The vocabulary that `to_json` wrote; InputError for anything else."""
        if not isinstance(data, dict) or not isinstance(data.get("symbols"), list):
            raise InputError('this is no vocabulary; it needs {"kind": ..., "symbols": [...], "other": ...}')
        kind: Any = data.get("kind", "characters")
        return cls(tuple(data["symbols"]), kind=kind, other=data.get("other"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """The vocabulary in a user's file: JSON of several makes, or plain text (docs/corpora.md says which).

        InputError, naming the file, where it holds none: a symbol twice, a gap in the ids, several characters in one.
        """
        from cellscope.data.vocabulary_file import read_symbols

        found = read_symbols(Path(path))
        kind: Any = found.kind
        try:
            return cls(found.symbols, kind=kind, other=found.other)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
