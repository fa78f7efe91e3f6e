from __future__ import annotations

import numpy as np
import pytest

from cellscope.axes import Site
from cellscope.chunks import Chunk
from cellscope.sinks.saturation import Saturation

SITE = Site("lstm.0", "forget")


def chunk(values: np.ndarray) -> Chunk:
    steps, lanes, _ = values.shape
    return Chunk(np.arange(lanes) * steps, np.zeros(lanes, np.int64), {SITE: values.astype(np.float32)}, 0, steps)


def test_planted_gates_have_their_fractions() -> None:
    """A gate that is closed, open, or open every fourth step is counted as such; the borders themselves are neither."""
    values = np.full((400, 3, 4), 0.5)
    values[..., 0], values[..., 1] = 0.01, 0.99
    values[::4, :, 2] = 0.95
    values[..., 3] = np.float32(0.1)
    sink = Saturation({SITE: 4})
    sink.add(chunk(values))
    left, right = sink.fractions(SITE)
    assert left.tolist() == [1, 0, 0, 0]
    assert right.tolist() == [0, 1, 0.25, 0]
    assert sink.positions == 1200


def test_any_cutting_gives_the_same_counts() -> None:
    """Chunks one after the other, merged in any order, are one chunk."""
    values = np.random.default_rng(2).random((700, 5, 6))
    whole = Saturation({SITE: 6})
    whole.add(chunk(values))
    parts = []
    for rows in (slice(0, 1), slice(1, 300), slice(300, 700)):
        parts.append(Saturation({SITE: 6}))
        parts[-1].add(chunk(values[rows]))
    merged = parts[2].merge(parts[0]).merge(parts[1])
    assert merged.positions == whole.positions
    for side in ("left", "right"):
        assert getattr(merged, side)[SITE].tolist() == getattr(whole, side)[SITE].tolist()
    assert whole.left[SITE].tolist() == (values < 0.1).sum((0, 1)).tolist()


def test_counts_of_other_sites_are_not_merged() -> None:
    """ValueError for different sites or sizes."""
    with pytest.raises(ValueError, match="same sites"):
        Saturation({SITE: 4}).merge(Saturation({SITE: 5}))
