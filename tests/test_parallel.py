"""Work in shares: all of it is done, each part once, and what fails is heard of."""

from __future__ import annotations

import threading

import pytest

from cellscope.parallel import at_once, in_shares


@pytest.mark.parametrize(("count", "grain", "each"), [(1, 8, 1), (7, 1, 4), (64, 8, 1), (100, 16, 3)])
def test_every_part_once(count: int, grain: int, each: int) -> None:
    """Shares begin at multiples of the grain and together are the whole range, each part once."""
    done: list[int] = []
    lock = threading.Lock()

    def share(first: int, last: int) -> None:
        assert first % grain == 0
        with lock:
            done.extend(range(first, last))

    in_shares(count, share, grain=grain, each=each)
    assert sorted(done) == list(range(count))


def test_several_at_once_may_share_their_own_work() -> None:
    """Work that is done beside other work may itself be cut into shares; nothing waits for ever."""
    done = [0] * 12

    def one(at: int) -> None:
        in_shares(4, lambda a, b: [done.__setitem__(at + k, at + k) for k in range(a, b)] and None, grain=1)

    at_once(lambda: one(0), lambda: one(4), lambda: one(8))
    assert done == list(range(12))


def test_what_fails_is_raised() -> None:
    """An error in one of several works is raised."""

    def fail() -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        at_once(lambda: None, fail, lambda: None)
