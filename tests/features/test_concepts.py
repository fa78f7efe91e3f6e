"""The concepts that a set of pictures or of rows has."""

from __future__ import annotations

import numpy as np

from cellscope.data.images import ImageSet
from cellscope.features.concepts import Concept, concepts_of

PICTURES = np.zeros((4, 1, 2, 2), np.float32)
LABELS = np.array([0, 1, 1, 0])


def test_masks_come_before_classes() -> None:
    """A set with masks has those; without them its classes; with neither it has none."""
    masks = np.zeros((4, 3, 2, 2), bool)
    masked = ImageSet("m", PICTURES, LABELS, ("cat", "dog"), masks, ("ear", "paw", "tail"))
    assert [(c.name, c.kind) for c in concepts_of(masked)] == [("ear", "span"), ("paw", "span"), ("tail", "span")]
    classes = concepts_of(ImageSet("c", PICTURES, LABELS, ("cat", "dog")))
    assert [(c.name, c.kind, c.description) for c in classes] == [
        ("cat", "span", "a class of the set"),
        ("dog", "span", "a class of the set"),
    ]
    assert concepts_of(ImageSet("n", PICTURES)) == ()


def test_columns_of_rows_are_numbers() -> None:
    """Rows have a numeric concept a column, after their classes."""
    rows = ImageSet("r", np.zeros((4, 2), np.float32), LABELS, ("low", "high"), columns=("age", "height"))
    assert [(c.name, c.kind) for c in concepts_of(rows)] == [
        ("low", "span"),
        ("high", "span"),
        ("age", "numeric"),
        ("height", "numeric"),
    ]


def test_a_digest_tells_concepts_apart() -> None:
    """Another name or another kind is filed elsewhere; the description is for people."""
    one = Concept(name="a")
    assert one.digest == Concept(name="a", description="other").digest
    assert len({one.digest, Concept(name="b").digest, Concept(name="a", kind="numeric").digest}) == 3
