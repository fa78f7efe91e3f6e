"""What a command says of a user's mistake."""

from __future__ import annotations

from click.testing import Result


def refused(done: Result, error: type[Exception], said: str) -> None:
    """The command ended with this error, which says so in one line."""
    assert isinstance(done.exception, error), done.output
    assert said in str(done.exception)
    assert "\n" not in str(done.exception)
