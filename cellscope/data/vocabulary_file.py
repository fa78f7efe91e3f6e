"""A vocabulary from a file that somebody else wrote: JSON of several makes, or plain text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellscope.errors import InputError

LIMIT = 64 << 20
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}
_OTHER_WORDS = ("unk", "oov", "other", "unknown")


@dataclass(frozen=True)
class Symbols:
    """What a file says: the symbol of each id, the kind, and the id of the other symbol, as `Vocabulary` has them."""

    symbols: tuple[str, ...]
    kind: str = "characters"
    other: int | None = None


def read_symbols(path: Path) -> Symbols:
    """The symbols in a file, in the order of their ids; InputError, naming the file, where it holds no vocabulary.

    JSON: what cellscope writes, a list of symbols, an object symbol -> id or id -> symbol, or torch-rnn's
    `token_to_idx`. Plain text: one symbol a line (an empty line is the line end, and \\n, \\t, \\\\ are understood), or
    all symbols in one string, whose last line end does not count. Words such as <pad> get an id that no character has;
    of them <unk> is the other symbol.
    """
    text = _read(path)
    is_json = path.suffix.lower() == ".json"
    if is_json or text.lstrip()[:1] in ("[", "{"):
        try:
            data = json.loads(text, object_pairs_hook=_once)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        except (ValueError, RecursionError) as error:
            if is_json:
                raise InputError(f"{path} is not JSON: {error}") from None
        else:
            return _from_json(data, path)
    return _named(_from_lines(text), path)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
        if len(data) > LIMIT:
            raise InputError(f"{path} is larger than {LIMIT >> 20} MB, which no vocabulary is")
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise InputError(f"no vocabulary file {str(path)!r} here; look at the name and the folder") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start:,}); write the vocabulary as UTF-8 or JSON") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot read the vocabulary {str(path)!r}: {reason}") from None
    if not text.strip("\n"):
        raise InputError(f"{path} holds no symbols")
    return text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, unless a key is there twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InputError(f"{key!r:.60} is there twice")
        found[key] = value
    return found


def _from_json(data: object, path: Path) -> Symbols:
    if isinstance(data, dict) and isinstance(data.get("symbols"), list):
        return Symbols(tuple(data["symbols"]), data.get("kind", "characters"), data.get("other"))
    if isinstance(data, dict) and isinstance(data.get("token_to_idx"), dict):
        ids = data["token_to_idx"]
        lua = bool(ids) and 0 not in ids.values()  # torch-rnn counts from 1; the rows of its weights do not
        data = {symbol: index - 1 if lua and type(index) is int else index for symbol, index in ids.items()}
    if isinstance(data, dict):
        data = _in_order(data, path)
    if not isinstance(data, list):
        raise InputError(f"{path} holds no vocabulary; it needs a JSON list of symbols or an object symbol -> id")
    return _named(data, path)


def _in_order(ids: dict[str, Any], path: Path) -> list[Any]:
    """The symbols of an object symbol -> id (or id -> symbol), sorted by id; the ids must be 0 to n - 1, each once."""
    if ids and all(key.isdecimal() and isinstance(value, str) for key, value in ids.items()):
        ids = {value: int(key) for key, value in ids.items()}
    found: dict[int, str] = {}
    for symbol, index in ids.items():
        if type(index) is not int:
            raise InputError(f"{path}: the id of {symbol!r:.60} is {index!r:.60}, not a whole number")
        if index in found:
            raise InputError(f"{path}: {found[index]!r:.60} and {symbol!r:.60} both have id {index}")
        found[index] = symbol
    for expected, index in enumerate(sorted(found)):
        if index != expected:
            raise InputError(f"{path}: no symbol has id {expected}, the next is {index}; ids go from 0 without a gap")
    return [found[index] for index in range(len(found))]


def _from_lines(text: str) -> list[Any]:
    lines = text.removesuffix("\n").split("\n")
    symbols = [_ESCAPES.get(line, line) for line in lines]
    if len(lines) > 1 and all(len(symbol) <= 1 or _is_word(symbol) for symbol in symbols):
        return [symbol or "\n" for symbol in symbols]
    return list(text.removesuffix("\n"))


def _is_word(symbol: object) -> bool:
    """Whether this is a word in brackets, such as <unk> or [PAD], that stands for no character."""
    return isinstance(symbol, str) and 2 < len(symbol) < 40 and symbol[0] + symbol[-1] in ("<>", "[]")


def _named(symbols: list[Any], path: Path) -> Symbols:
    """Words in brackets become ids without a character; what is no character and no such word is an InputError."""
    other = None
    for index, symbol in enumerate(symbols):
        if not isinstance(symbol, str) or (len(symbol) > 1 and not _is_word(symbol)):
            raise InputError(
                f"{path}: symbol {index} is {symbol!r:.60}; every symbol is one character (or <unk>, <pad>)"
            )
        if other is None and (symbol == "" or symbol[1:-1].lower() in _OTHER_WORDS):
            other = index
    return Symbols(tuple("" if len(symbol) > 1 else symbol for symbol in symbols), other=other)
