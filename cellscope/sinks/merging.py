"""What sinks have in common that merge by adding up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Sink = TypeVar("Sink")


def added_up(own: Sink, other: Sink, sums: Sequence[str], alike: Sequence[str]) -> Sink:
    """`own` with the arrays `sums` of another sink of its kind added in place.

    ValueError where what has to be `alike` in both is not, or a sum has another shape.
    """
    differ = [name for name in alike if not np.array_equal(getattr(own, name), getattr(other, name))]
    differ += [name for name in sums if getattr(own, name).shape != getattr(other, name).shape]
    if differ:
        raise ValueError(f"only {type(own).__name__} with the same {', '.join(differ)} can be merged")
    for name in sums:
        getattr(own, name).__iadd__(getattr(other, name))
    return own
