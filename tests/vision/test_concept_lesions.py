"""What lesions change in pictures with a concept and without, by law."""

from __future__ import annotations

import numpy as np
import pytest
from digit_networks import NAMES, cnn, half_of

from cellscope.axes import Site, Unit
from cellscope.evidence.lesions import Lesion
from cellscope.evidence.zones import ELSEWHERE, END, INSIDE
from cellscope.vision.concept_lesions import BLOCKS, concept_changes, having_of
from cellscope.vision.labelled import halves
from cellscope.vision.lesions import answers, remove

SITE = Site("features.6")
ZERO = np.zeros(1, np.float32)


@pytest.fixture(scope="module")
def two():
    return halves(cnn(), half_of(1))


def test_changes_are_those_of_pictures_one_by_one(two) -> None:
    """Sums over blocks are the differences of the surprise, and of what is told right, with the concept and without;
    for a class, those of `remove`.
    """
    having = having_of(two.reporting, ["3", "8"])
    np.testing.assert_array_equal(having, two.reported[:, None] == [3, 8])
    lesions = [Lesion("one", {SITE: (np.array([1]), ZERO)}), Lesion("none", {SITE: (np.array([], int), ZERO[:0])})]
    nats, right = concept_changes(cnn(), two.reporting, two.reported, having, lesions)
    scores = remove(cnn(), two, [Unit(SITE, 1)])
    value, low, high = nats.of(0)
    assert value[0, INSIDE] == pytest.approx(scores.surprise[1, 3] - scores.surprise[0, 3], abs=1e-6)
    assert right[:2, having[:, 0]].mean(1).tolist() == pytest.approx(scores.recall[:2, 3].tolist())
    others = np.delete(np.arange(10), 3)
    weight = scores.pictures[others] / scores.pictures[others].sum()
    assert value[0, ELSEWHERE] == pytest.approx((scores.surprise[1] - scores.surprise[0])[others] @ weight, abs=1e-6)
    assert (low[:, [INSIDE, ELSEWHERE]] < high[:, [INSIDE, ELSEWHERE]]).all()
    assert np.isnan(value[:, END]).all()
    assert not nats.changed[1].any()  # what holds nothing changes nothing
    assert nats.counts.shape == (BLOCKS, 2, 3)
    assert nats.counts.sum(0)[0].tolist() == [int((two.reported == 3).sum()), 0, int((two.reported != 3).sum())]


def test_every_lesion_has_a_fill_of_its_own(two) -> None:
    """Two lesions of a unit at two values answer as each by itself."""
    masks = np.zeros((2, 16), bool)
    masks[:, 4] = True
    both = np.zeros((2, 16), np.float32)
    both[1, 4] = 2.0
    given = answers(cnn(), two.reporting, two.reported, {SITE: masks}, {SITE: both})
    for row in (0, 1):
        alone = answers(cnn(), two.reporting, two.reported, {SITE: masks[:1]}, {SITE: both[row]})
        np.testing.assert_array_equal(given.surprise[row], alone.surprise[0])
    assert (given.surprise[0] != given.surprise[1]).any()


def test_the_seed_deals_out_blocks_and_nothing_else(two) -> None:
    """With another seed the changes are the same and the intervals nearly."""
    having = having_of(two.reporting, NAMES)
    lesions = [Lesion("some", {SITE: (np.arange(4), np.zeros(4, np.float32))})]
    one, other = (concept_changes(cnn(), two.reporting, two.reported, having, lesions, seed=s)[0] for s in (0, 1))
    np.testing.assert_allclose(one.mean(), other.mean(), atol=1e-9)
    assert (one.of(0)[1] != other.of(0)[1]).any()
