"""The one family of errors a user can cause: each says what was wrong, what was there, and what to try."""

from __future__ import annotations


class CellscopeError(Exception):
    """Something could not be done; the command line prints it as one line and leaves with `exit_code`."""

    exit_code = 1


class InputError(CellscopeError):
    """What the user gave (a file, a pattern, an option, a name) cannot be used as it is."""

    exit_code = 2


class MissingError(InputError):
    """A name that is not there; the message lists what is."""


def not_found(kind: str, name: str, known: list[str] | tuple[str, ...]) -> MissingError:
    """`no site 'lstm.3' in this model; it has lstm.0, lstm.1`, with the nearest names first and at most twelve."""
    import difflib

    near = difflib.get_close_matches(name, known, n=12, cutoff=0.5)
    rest = [k for k in known if k not in near]
    shown = (near + rest)[:12]
    more = "" if len(known) <= 12 else f" and {len(known) - 12} more"
    there = ", ".join(shown) + more if known else "none"
    return MissingError(f"no {kind} {name!r}; there is {there}")
