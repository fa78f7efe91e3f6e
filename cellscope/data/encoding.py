"""The encodings a text can have: UTF-8, and the single-byte ones that agree with ASCII below 128."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from cellscope.errors import InputError

_SINGLE_BYTE = re.compile(r"ascii|iso8859-\d+|cp(125\d|437|85[0258]|866)|koi8-[rtu]|mac-(roman|latin2|cyrillic|greek)")


@dataclass(frozen=True)
class Encoding:
    """How bytes become characters: `codec` is Python's name of it; `wide` if a character may take several bytes."""

    codec: str

    @property
    def wide(self) -> bool:
        return self.codec == "utf-8"

    @classmethod
    def named(cls, name: str) -> Encoding:
        """The encoding of that name or alias; InputError where there is none that is supported."""
        try:
            codec = codecs.lookup(name).name
        except (LookupError, ValueError, UnicodeError):
            codec = ""
        if codec in ("utf-8", "utf-8-sig"):
            return cls("utf-8")
        if not _SINGLE_BYTE.fullmatch(codec):
            raise InputError(
                f"no encoding {name!r}; there is utf-8, latin-1, windows-1252, ascii and other single-byte ones; "
                "convert the file to UTF-8 first (iconv -t utf-8), or read it with --bytes"
            )
        return cls(codec)

    def decode(self, data: bytes, offset: int, name: str) -> str:
        """The text of whole characters that begin at byte `offset` of `name`; InputError where they are none."""
        try:
            return data.decode(self.codec)
        except UnicodeDecodeError as error:
            other = "latin-1" if self.wide or self.codec == "ascii" else "utf-8"
            raise InputError(
                f"{name} is not {self.codec}: byte {offset + error.start:,} is 0x{data[error.start]:02x} "
                f"({error.reason}); try --encoding {other}, or --bytes to read it as bytes"
            ) from None
