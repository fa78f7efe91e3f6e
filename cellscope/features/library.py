"""The features that come with cellscope, those of a user, and the choice among them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from cellscope.errors import InputError, not_found
from cellscope.features.feature import Feature

FORMS = ("pattern", "characters", "words", "brackets")
_SCANS = {"pattern": "search", "characters": "runs", "words": "words", "brackets": "brackets"}
_SHARED = ("flags", "group", "reach", "needs")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "description": str, "pattern": str, "characters": str, "words": str, "brackets": str, "like": str, "flags": list,
    "group": (int, str), "where": str, "reach": int, "needs": str, "counter": str, "example": str,
    "counterexample": str, "values": list,
}  # fmt: skip
KEYS = tuple(_TYPES)
"""What a feature's table may hold."""


@cache
def library() -> tuple[Feature, ...]:
    """The features that come with cellscope, in the order of library.toml."""
    text = (package_files("cellscope.features") / "library.toml").read_text(encoding="utf-8")
    return parse_features(text, source="library.toml")


def load_features(path: str | os.PathLike[str]) -> tuple[Feature, ...]:
    """The features of a TOML file; InputError, naming file, feature and key, where it cannot be used."""
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}; give a TOML file of features") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return parse_features(text, source=file.name)


def parse_features(text: str, *, source: str) -> tuple[Feature, ...]:
    """The features of a TOML text, a table each; InputError where it is malformed."""
    try:
        tables = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        hint = "; patterns go between ''' and ''', where a backslash is itself" if "escape" in str(error) else ""
        raise InputError(f"{source} is not TOML: {_line(str(error))}{hint}") from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"{source} is not TOML: {_line(str(error))}") from None
    if not tables:
        raise InputError(f"{source} has no features; write a table [name] with a pattern for each")
    found: dict[str, Feature] = {}
    shared: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        try:
            found[name] = _feature(name, table, shared)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
    return distinct(found.values(), source)


def select(asked: Sequence[str] = (), files: Sequence[str | os.PathLike[str]] = ()) -> tuple[Feature, ...]:
    """The features of `files`, then those asked for (names or NAME=PATTERN); the library's where nothing is given.

    A name means the file's feature before the library's. InputError where two have one name, MissingError where a name
    is nobody's.
    """
    if not asked and not files:
        return library()
    loaded = [feature for file in files for feature in load_features(file)]
    mine, known = {f.name for f in loaded}, {f.name: f for f in library()}
    chosen = list(loaded)
    for text in asked:
        if "=" in text:
            chosen.append(Feature.from_option(text))
        elif text not in mine:
            if text not in known:
                raise not_found("feature", text, [*mine, *known])
            chosen.append(known[text])
    return distinct(chosen, "the choice of features")


def distinct(features: Iterable[Feature], source: str) -> tuple[Feature, ...]:
    """The features, none twice: upper and lower case are one, as they are in the file names of some systems."""
    seen: dict[str, Feature] = {}
    for feature in features:
        other = seen.setdefault(feature.name.lower(), feature)
        if other is not feature:
            raise InputError(f"{source} has two features named {other.name!r} and {feature.name!r}; name one otherwise")
    return tuple(seen.values())


def _feature(name: str, table: object, shared: dict[str, dict[str, Any]]) -> Feature:
    if not isinstance(table, dict):
        raise InputError(f"{name!r} is not a table; write [{name}] and below it pattern = '''...'''")
    for key, value in table.items():
        if key not in _TYPES:
            raise InputError(f"feature {name!r}: unknown key {key!r}; there is {', '.join(KEYS)}")
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            raise InputError(f"feature {name!r}: {key} is {type(value).__name__} {str(value)[:40]!r}, not {_word(key)}")
    given = dict(table)
    if like := given.pop("like", None):
        if like not in shared:
            raise InputError(f"feature {name!r}: like {like!r}, but no feature of that name stands above it")
        given = shared[like] | given
    forms = [form for form in FORMS if form in given]
    if len(forms) > 1:
        raise InputError(f"feature {name!r}: has {' and '.join(forms)}; give one of them")
    shared[name] = {key: given[key] for key in (*forms, *_SHARED) if key in given}
    if forms:
        given["scan"] = _SCANS[forms[0]]
        given["pattern"] = given.pop(forms[0])
    given["kind"] = "numeric" if "counter" in given else "span"
    given["flags"] = _texts(name, "flags", given.get("flags", ["MULTILINE"]))
    given["values"] = tuple(float(v) for v in _numbers(name, given.get("values", [])))
    return Feature(name=name, **given)


def _texts(name: str, key: str, values: list[object]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise InputError(f"feature {name!r}: {key} is a list of names in quotes")
    return tuple(str(value).upper() for value in values)


def _numbers(name: str, values: list[object]) -> list[float]:
    if not all(isinstance(value, (int, float)) for value in values):
        raise InputError(f"feature {name!r}: values is a list of numbers")
    return [float(value) for value in values if isinstance(value, (int, float))]


def _word(key: str) -> str:
    kind = _TYPES[key]
    names = {str: "text", int: "a whole number", list: "a list", (int, str): "a number or a name"}
    return names[kind]


def _line(text: str) -> str:
    return " ".join(text.split())
