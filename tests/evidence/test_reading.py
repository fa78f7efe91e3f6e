"""Reading ahead: every round once, in order, and what is learnt of it is learnt before the end."""

from __future__ import annotations

import pytest

from cellscope.chunks import Round
from cellscope.evidence.reading import ahead
from cellscope.observe import rounds

PARTS = rounds(1000, size=300, lanes=2, blocks=2)


def test_every_round_is_read_and_learnt_in_order() -> None:
    """Rounds come in order, each read and then learnt from, whoever waits."""
    events: list[tuple[str, int]] = []

    def read(part: Round) -> int:
        events.append(("read", part.start))
        return part.start

    def learn(part: Round, found: int) -> None:
        assert found == part.start
        events.append(("learn", found))

    assert [(part.start, wait()) for part, wait in ahead(read, PARTS, learn)] == [(p.start, p.start) for p in PARTS]
    assert events == [(what, part.start) for part in PARTS for what in ("read", "learn")]


def test_what_cannot_be_learnt_is_raised_at_the_end() -> None:
    """An error of learning is not lost, though nobody waits for it."""

    def learn(part: Round, found: int) -> None:
        raise ValueError(f"round {found}")

    with pytest.raises(ValueError, match="round 0"):
        list(ahead(lambda part: part.start, PARTS, learn))


def test_what_cannot_be_read_is_raised_where_it_is_needed() -> None:
    """An error of reading is raised by the call that waits for that round."""

    def read(part: Round) -> int:
        if part.start:
            raise ValueError("unreadable")
        return part.start

    coming = ahead(read, PARTS, lambda part, found: None)
    assert next(coming)[1]() == 0
    wait = next(coming)[1]
    with pytest.raises(ValueError, match="unreadable"):
        wait()
