"""`cellscope --help`: the median of several starts, after one that warms the disk's cache."""

from __future__ import annotations

import statistics

from command import seconds

STARTS = 11
REACH = 0.3


def rows() -> list[tuple[str, str, str, bool]]:
    """Seconds from the command to its help."""
    seconds("--help")
    taken = [seconds("--help") for _ in range(STARTS)]
    value = statistics.median(taken)
    measured = f"{value:.2f} s ({min(taken):.2f}-{max(taken):.2f}, {STARTS} starts)"
    return [("`cellscope --help`", f"<= {REACH} s", measured, value <= REACH)]
