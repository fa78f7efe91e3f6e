"""A feature of a text: which characters have it (span), or how much of it each character has (numeric)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import regex

from cellscope.errors import InputError

Kind = Literal["span", "numeric"]
Where = Literal["inside", "start", "end", "before"]
Scan = Literal["search", "runs", "words", "brackets"]

FLAGS = ("ASCII", "DOTALL", "FULLCASE", "IGNORECASE", "MULTILINE", "UNICODE", "VERBOSE", "VERSION1", "WORD")
TEXT_COUNTERS = ("column", "line-length", "indentation-depth", "word-length", "since-blank-line")
"""Counters of the whole text; they take no pattern."""
SPAN_COUNTERS = ("since", "along", "depth")
"""Counters of a pattern's spans: characters since the span began, way through it from 0 to 1, spans around."""
LABELS = 1
"""Goes up whenever the same definition gives other labels than before, so that nothing stale is taken from a cache."""
_OPEN = "()[]{}<>"


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What is looked for in a text; InputError, naming the feature, where the definition cannot be used.

    `scan` says how `pattern` is looked for, and the labels are the same as those of the regular expression that
    `as_regex` gives:
        search    a regular expression of the `regex` package, from left to right, without overlap
        runs      a class of characters, as in [0-9]: the longest stretches of characters of the class
        words     a regular expression that a whole word (a run of \\w of at most 256 characters) has to match
        brackets  pairs of characters, as in ()[]: balanced and nested, each pair by itself, unmatched ones ignored
    `where` says which characters of a span (of its capture `group`) are labelled: all of them, the first, the last, or
    the one before the first ("it is about to begin").
    A span of more than `reach` characters is not labelled, and the search goes on behind its first character; runs may
    have any length.
    """

    name: str
    pattern: str = ""
    kind: Kind = "span"
    description: str = ""
    scan: Scan = "search"
    flags: tuple[str, ...] = ("MULTILINE",)
    group: int | str = 0
    where: Where = "inside"
    reach: int = 2_000
    needs: str = ""
    """A literal that every match contains: only its surroundings are searched."""
    counter: str = ""
    """The function of a numeric feature: one of TEXT_COUNTERS, or one of SPAN_COUNTERS on the spans of `pattern`."""
    example: str = ""
    """A text with what is labelled between ⟦ and ⟧."""
    counterexample: str = ""
    """A text that has no labelled character."""
    values: tuple[float, ...] = ()
    """Of a numeric feature: the value at every character of `example`; nan where a character does not count."""

    def __post_init__(self) -> None:
        check_name(self.name)
        self._check_words()
        if self.kind == "numeric":
            self._check_counter()
        elif self.counter:
            raise self.error("a counter makes numbers; say kind = 'numeric', or leave the counter out")
        if not self.pattern and self.counter not in TEXT_COUNTERS:
            raise self.error("no pattern; give a regular expression")
        if self.scan == "brackets":
            self._check_brackets()
        elif self.pattern:
            self._check_pattern()

    @classmethod
    def from_option(cls, text: str) -> Feature:
        """`ticket=JIRA-\\d+` is the span feature `ticket`; InputError where it is not NAME=PATTERN."""
        name, equals, pattern = text.partition("=")
        if not equals or not pattern:
            raise InputError(f"{text!r} is not a feature; write NAME=PATTERN, as in 'ticket=JIRA-\\d+'")
        return cls(name=name.strip(), pattern=pattern, description=f"every {pattern}")

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change whenever the labels can change."""
        law = [LABELS, self.kind, self.scan, self.pattern, sorted(self.flags), str(self.group), self.where]
        text = json.dumps([*law, self.reach, self.needs, self.counter])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def everywhere(self) -> bool:
        """Whether every position has its label; the other numbers count in places alone."""
        return self.kind == "span" or self.counter in (*TEXT_COUNTERS, "depth")

    @property
    def as_regex(self) -> str:
        """The regular expression whose matches from left to right are the spans."""
        if self.scan == "runs":
            return f"(?:{self.pattern})++"
        if self.scan == "words":
            return rf"(?<!\w)(?:{self.pattern})(?!\w)"
        if self.scan == "brackets":
            pairs = [self.pattern[i : i + 2] for i in range(0, len(self.pattern), 2)]
            return "|".join(
                rf"(\{pair[0]}(?:[^\{pair[0]}\{pair[1]}]++|(?{i}))*+\{pair[1]})" for i, pair in enumerate(pairs, 1)
            )
        return self.pattern

    def compiled(self) -> regex.Pattern[str]:
        """The pattern, compiled as it stands in the definition; InputError with the place where it is wrong."""
        flags = 0
        for flag in self.flags:
            flags |= int(getattr(regex, flag))
        try:
            return _compiled(self.pattern, flags)
        except regex.error as error:
            place = getattr(error, "pos", None)
            at = "in" if place is None else f"at character {place} of"
            what = getattr(error, "msg", "")
            raise self.error(f"invalid pattern: {what} {at} {shown(self.pattern)}") from None
        except Exception as error:  # noqa: BLE001  the compiler answers nonsense with KeyError, RecursionError and others
            raise self.error(f"invalid pattern: {type(error).__name__} in {shown(self.pattern)}") from None

    def error(self, text: str) -> InputError:
        """An InputError that names this feature."""
        return InputError(f"feature {self.name!r}: {text}")

    def _check_words(self) -> None:
        for what, choices in (("kind", Kind), ("where", Where), ("scan", Scan)):
            value, known = getattr(self, what), get_args(choices)
            if value not in known:
                raise self.error(f"unknown {what} {value!r}; there is {', '.join(known)}")
        for flag in self.flags:
            if flag not in FLAGS:
                raise self.error(f"unknown flag {flag!r}; there is {', '.join(FLAGS)}")
        if not 1 <= self.reach <= 1_000_000:
            raise self.error(f"reach is {self.reach}; give a number of characters from 1 to 1,000,000")

    def _check_counter(self) -> None:
        known = TEXT_COUNTERS if not self.pattern else SPAN_COUNTERS
        if self.counter not in known:
            other = "without a pattern" if not self.pattern else "with a pattern"
            raise self.error(f"unknown counter {self.counter!r}; {other} there is {', '.join(known)}")
        if self.scan in ("runs", "words"):
            raise self.error(f"a counter counts on spans of a search or of brackets, not of {self.scan}")
        if self.where != "inside":
            raise self.error("a counter has no 'where'; leave it out")

    def _check_pattern(self) -> None:
        compiled = self.compiled()
        if compiled.flags & regex.REVERSE or "(?r" in self.pattern:
            raise self.error("the flag (?r) searches backwards, which a text that is read front to back cannot do")
        if self.scan != "search" and self.group != 0:
            raise self.error(f"{self.scan} have no groups; leave group out")
        if self.scan == "runs" and not _is_class(self.pattern):
            raise self.error(f"{shown(self.pattern)} is not one class of characters, such as [0-9] or \\d")
        known = compiled.groupindex
        if isinstance(self.group, str) and self.group not in known:
            there = ", ".join(known) if known else f"{compiled.groups} unnamed"
            raise self.error(f"no group {self.group!r} in {shown(self.pattern)}; it has {there}")
        if isinstance(self.group, int) and not 0 <= self.group <= compiled.groups:
            raise self.error(f"no group {self.group} in {shown(self.pattern)}; it has {compiled.groups}")

    def _check_brackets(self) -> None:
        pairs = {_OPEN[i : i + 2] for i in range(0, len(_OPEN), 2)}
        given = [self.pattern[i : i + 2] for i in range(0, len(self.pattern), 2)]
        if not set(given) <= pairs or len(set(given)) != len(given):
            raise self.error(f"{shown(self.pattern)} is not one or more of the pairs {' '.join(sorted(pairs))}")


@lru_cache(maxsize=256)
def _compiled(pattern: str, flags: int) -> regex.Pattern[str]:
    """A pattern, compiled once: the long ones of the library take longer than a search of a short text."""
    return regex.compile(pattern, flags, cache_pattern=False)


def check_name(name: str) -> None:
    """A name becomes a file's name, so it is letters, digits, - _ and . inside; InputError otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])?", name):
        raise InputError(f"{shown(name)} cannot be a feature's name; use letters, digits, - _ . (at most 64)")


def shown(text: str) -> str:
    """A pattern as it may stand in a one-line message: quoted, white space as one space, cut after 80 characters."""
    text = " ".join(text.split()) if "\n" in text else text
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _is_class(pattern: str) -> bool:
    single = r"\\[pP]\{[^{}]*\}|\\[^A-Za-z0-9]|\\[dDsSwWnt]|[^\\\[\](){}.*+?^$|]"
    return re.fullmatch(rf"\[\^?(?:\\.|[^\\\[\]])+\]|{single}", pattern, re.DOTALL) is not None
