"""One pool of threads, one core each: work that is cut into independent shares runs in them side by side."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import torch


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers, "cellscope", initializer=torch.set_num_threads, initargs=(1,))
    for _ in pool.map(lambda _: None, range(workers)):
        pass
    torch.set_num_threads(threads)  # the workers' setting is also the default of threads started later
    return pool


def in_shares(count: int, work: Callable[[int, int], None], *, grain: int = 8, each: int = 1) -> None:
    """Call `work(first, last)` for shares of range(count), `each` for each core, at the same time; a share is a
    multiple of `grain`. With several for each, a core that other work slows down gets fewer of them.

    Inside, torch uses one core: shares do not wait for one another.
    """
    workers = max(1, min(torch.get_num_threads(), count // grain))
    if workers == 1:
        work(0, count)
        return
    shares = min(workers * each, count // grain)
    borders = [count * i // (shares * grain) * grain for i in range(shares)] + [count]
    futures: list[Future[None]] = [
        _pool(workers).submit(work, first, last) for first, last in itertools.pairwise(borders)
    ]
    for future in futures:
        future.result()


def at_once(*work: Callable[[], None]) -> None:
    """Call all of `work` at the same time, each on one core; what they write must not overlap.

    Where there are more cores than that, one after the other: each may then use them all.
    """
    if torch.get_num_threads() > len(work):
        for one in work:
            one()
        return

    def share(first: int, last: int) -> None:
        for one in work[first:last]:
            one()

    in_shares(len(work), share, grain=1, each=len(work))
