"""Random units are of like variance, others than the lesioned, and drawn alike from one seed."""

from __future__ import annotations

import numpy as np

from cellscope.axes import Site
from cellscope.evidence.controls import alike, held_at, others, powers, random_sets, ratios

CELL, HIDDEN = Site("lstm.0", "cell"), Site("lstm.0", "hidden")
VARIANCE = {CELL: np.exp(np.random.default_rng(0).normal(0, 2, 256)), HIDDEN: np.ones(6)}


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_random_units_are_of_like_variance() -> None:
    """The twenty units of nearest variance, none the lesioned one, in an order that is the seed's."""
    held = {CELL: np.array([17])}
    drawn = alike(held, VARIANCE, 20, rng())
    units = [int(d[CELL][0]) for d in drawn]
    assert len(set(units)) == 20
    away = np.abs(np.log(VARIANCE[CELL]) - np.log(VARIANCE[CELL][17]))
    assert max(away[units]) == np.sort(away)[20]
    assert 17 not in units
    assert units == [int(d[CELL][0]) for d in alike(held, VARIANCE, 20, rng())]
    assert units != [int(d[CELL][0]) for d in alike(held, VARIANCE, 20, np.random.default_rng(6))]


def test_how_alike_variances_are_is_known() -> None:
    """The least and the most of the drawn variances, as multiples of the held ones; of sets, of their sums."""
    variance = {CELL: np.array([1.0, 2.0, 0.5, 8.0]), HIDDEN: np.array([1.0, 1.0, 3.0, 9.0])}
    drawn = [{CELL: np.array([1])}, {CELL: np.array([2])}, {CELL: np.array([3])}]
    assert ratios({CELL: np.array([0])}, drawn, variance) == (0.5, 8.0)
    two = {CELL: np.array([0, 1]), HIDDEN: np.array([0, 1])}
    assert ratios(two, [{CELL: np.array([1, 3]), HIDDEN: np.array([2, 3])}], variance) == (6.0, 6.0)
    assert np.isnan(ratios(two, [], variance)).all()


def test_sets_have_as_many_units_of_each_site() -> None:
    """A set's controls have its size in each site, without repeats and without its units where others are enough."""
    held = {CELL: np.arange(100), HIDDEN: np.array([1, 2])}
    for drawn in alike(held, VARIANCE, 5, rng()):
        assert len(set(drawn[CELL].tolist())) == 100
        assert set(drawn[CELL].tolist()).isdisjoint(range(100))
        assert len(set(drawn[HIDDEN].tolist()) - {1, 2}) == 2


def test_a_small_site_has_few_controls() -> None:
    """A site of six units has five others; a lesion of all of them has no control."""
    one = alike({HIDDEN: np.array([0])}, VARIANCE, 20, rng())
    assert sorted(int(d[HIDDEN][0]) for d in one) == [1, 2, 3, 4, 5]
    assert alike({HIDDEN: np.arange(6)}, VARIANCE, 20, rng()) == []


def test_the_complement_is_all_others() -> None:
    """Keeping units means holding all others of their sites, each at its own value."""
    rest = others({HIDDEN: np.array([1, 4])}, {HIDDEN: 6})
    assert rest[HIDDEN].tolist() == [0, 2, 3, 5]
    lesion = held_at("kept", rest, {HIDDEN: np.arange(6, dtype=np.float32)})
    assert lesion.units[HIDDEN][1].tolist() == [0, 2, 3, 5]


def test_k_grows_to_all() -> None:
    """1, 2, 4 ... and all; the set of all is one."""
    assert powers(6) == [1, 2, 4, 6]
    sets = random_sets(6, powers(6), 3, rng())
    assert [[len(s) for s in some] for some in sets] == [[1] * 3, [2] * 3, [4] * 3, [6]]
