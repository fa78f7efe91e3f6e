"""A concept that is a part of a larger one is judged within it, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted_network import planted_network, planted_pictures
from sklearn.metrics import roc_auc_score

from cellscope.axes import Site
from cellscope.count_pictures import count_pictures
from cellscope.data.images import ImageSet
from cellscope.evidence.terms import WHOLE
from cellscope.features.concepts import concepts_of
from cellscope.findings import Findings
from cellscope.hooks.outlets import choose_outlets, outlets
from cellscope.judge import judge, kin_of
from cellscope.look import look


def with_parts() -> ImageSet:
    """The planted pictures with "some", all that is up in half of them by chance, and "either", up or down."""
    images = planted_pictures()
    up, down = images.masks[:, 0], images.masks[:, 1] & ~images.masks[:, 0]
    even = (np.random.default_rng(3).random(len(images)) < 0.5)[:, None, None]
    masks = np.stack([up, up & even, up | down], 1)
    return replace(images, masks=masks, concepts=("up", "some", "either"))


@pytest.fixture(scope="module")
def findings() -> Findings:
    network, images = planted_network(), with_parts()
    known = choose_outlets(network.module, network.example, ["filters"])
    return judge(*count_pictures(network, images, known, concepts_of(images)))


def test_the_smallest_whole_is_the_kin(findings: Findings) -> None:
    """Every concept knows the smallest other one that it lies in; one that lies in none has none."""
    assert kin_of(findings.counts).tolist() == [2, 0, -1]
    assert [e.kin for e in findings.evidence] == ["either", "up", ""]


def test_a_unit_that_is_on_all_over_the_whole_has_not_found_the_part(findings: Findings) -> None:
    """Nothing sets "some" apart from "up" but chance: its best unit is high in it, and the verdict says why."""
    some = findings.evidence[1]
    assert some.score > 0.8
    assert 0.35 < some.within < 0.65
    assert not some.found
    assert "all over up, of which some is a part" in some.verdict
    assert "within up" in some.verdict


def test_a_unit_that_tells_the_part_from_the_rest_has_found_it(findings: Findings) -> None:
    """The planted unit is high in "up" and nowhere else in "either"."""
    up = findings.evidence[0]
    assert up.within > 0.95
    assert up.found


def test_within_is_the_auc_inside_the_whole_alone(findings: Findings) -> None:
    """scikit-learn, on the places of the whole in the reporting half, says the same."""
    network, images = planted_network(), with_parts()
    values, masks = [], []
    for glance in look(network, images, choose_outlets(network.module, network.example, ["filters"])):
        chunk = glance.chunks[Site("filters")]
        odd = chunk.blocks % 2 == 1
        values.append(chunk.values[Site("filters")][:, odd].swapaxes(0, 1).reshape(-1, 8).copy())
        masks.append(images.masks_of(glance.index)[odd].reshape(odd.sum(), 3, -1).swapaxes(1, 2).reshape(-1, 3))
    x, on = np.concatenate(values), np.concatenate(masks)
    for part, whole in ((0, 2), (1, 0)):
        inside = on[:, whole]
        for unit in range(8):
            sign = findings.scores["sign"][part, unit]
            want = roc_auc_score(on[inside, part], sign * x[inside, unit])
            assert findings.scores["within"][part, unit] == pytest.approx(want, abs=2e-3)


def test_units_that_were_asked_something_else_track_nothing() -> None:
    """Where concepts are asked of places, a layer without places is asked whether they are anywhere: it has bars of its
    own, and is not counted among those that track them.
    """
    network, images = planted_network(), planted_pictures()
    found = judge(*count_pictures(network, images, outlets(network.module, network.example), concepts_of(images)))
    whole = np.concatenate([np.full(len(part.units), part.terms is WHOLE) for part in found.parts])
    assert 0 < whole.sum() < len(whole)
    assert (found.asked == ~whole).all()
    assert found.tracks().any()
    assert not found.tracks()[:, whole].any()
    for part in found.parts:
        own = found.scores["three"][:, found.units.index(part.units[0])]
        judged = ~np.isnan(own)
        assert judged.any()
        assert own[judged] == pytest.approx(part.contexts.aucs()[1].whole[judged])
