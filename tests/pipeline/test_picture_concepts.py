"""What the pages of concepts show of the best units, and how much of it is held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from planted_network import planted_network, planted_pictures

from cellscope.pipeline.find_pictures import find_pictures
from cellscope.pipeline.picture_pages import concepts as module
from cellscope.pipeline.picture_pages.concepts import Concepts
from cellscope.pipeline.picture_pages.material import Material


@pytest.fixture(scope="module")
def material() -> Material:
    return Material.of(find_pictures(planted_network(), None, planted_pictures()))


def test_maps_are_held_of_few_concepts_at_a_time(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples are the same whether all best units are heard in one pass or each in its own."""
    passes: list[int] = []
    heard = module.maps_of_pairs

    def noted(network: Any, images: Any, pairs: Any) -> Any:
        passes.append(sum(len(units) for _, units in pairs.values()))
        return heard(network, images, pairs)

    monkeypatch.setattr(module, "maps_of_pairs", noted)
    shown = [k for k, e in enumerate(material.search.findings.evidence) if e.unit is not None]
    together = Concepts(material)
    usual = [together.examples(k)[1] for k in shown]
    assert len(passes) == 1
    monkeypatch.setattr(module, "HELD", 1)
    monkeypatch.setattr(module, "PART", 7)
    alone = Concepts(material)
    for k, expected in zip(shown, usual, strict=True):
        made = alone.examples(k)[1]
        assert [(one.kind, one.input) for one in made] == [(one.kind, one.input) for one in expected]
        for one, other in zip(made, expected, strict=True):
            np.testing.assert_allclose(one.map, other.map, rtol=1e-5, atol=1e-6)
            assert np.array_equal(one.mask, other.mask)
    assert set(passes[1:]) == {240}  # one unit on every picture
    assert len(passes) > 2
