"""A search over pictures from end to end: untrained control, dissection, and what is written of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from planted_network import DOWN, RED, UP, planted_network, planted_pictures, planted_rows
from torch import nn

from cellscope.axes import Site
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, MissingError
from cellscope.features.concepts import concepts_of
from cellscope.hooks.outlets import outlets
from cellscope.models.classifier import wrap
from cellscope.pipeline.find_pictures import PictureSearch, find_pictures, search_pictures, untrained_bars


@pytest.fixture(scope="module")
def search() -> PictureSearch:
    return find_pictures(planted_network(), None, planted_pictures())


def test_the_planted_units_beat_the_untrained_network(search: PictureSearch) -> None:
    """Over all layers the planted units come first, and the same search with weights drawn anew comes less far."""
    up, down, red = search.findings.evidence[:3]
    assert (up.unit.index, down.unit.index, red.unit.index) == (UP, DOWN, RED)
    assert up.unit.site in (Site("filters"), Site("relu"))
    for e in (up, down):
        assert e.found
        assert 0.5 <= e.untrained < e.low
    assert not red.found


def test_what_is_written_is_json_without_nan(search: PictureSearch) -> None:
    """Every concept has its unit, verdict, reason and overlap; what does not exist is null."""
    said = json.loads(search.json(), parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    assert said["pictures"] == 240
    assert said["summary"]["concepts_tracked"] == 2
    by = {e["feature"]: e for e in said["concepts"]}
    assert by["up"]["unit"].endswith(f"/{UP}")
    assert by["up"]["found"]
    assert 0 < by["up"]["dissection_iou"] <= by["up"]["attainable_iou"] <= 1
    for name in ("everywhere", "nowhere"):
        assert by[name]["unit"] is None
        assert by[name]["dissection_iou"] is None
        assert name in by[name]["verdict"]


def test_dissection_of_a_unit_with_its_own_mask() -> None:
    """A concept that is the one bright pixel of each picture overlaps wholly with the unit that sees it, and with a
    unit of noise as a concept of chance does.
    """
    rng = np.random.default_rng(0)
    pixels = rng.random((300, 2, 16, 16), np.float32) * 0.3
    masks = np.zeros((300, 1, 16, 16), bool)
    masks.reshape(300, -1)[np.arange(300), rng.integers(0, 256, 300)] = True
    pixels[:, :1][masks] = 1
    layer = nn.Conv2d(2, 2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(2)[:, :, None, None])
    network = wrap(nn.Sequential(layer, nn.Flatten(), nn.Linear(512, 2)), (2, 16, 16))
    images = ImageSet("dots", pixels, masks=masks, concepts=("dot",))
    _, findings = search_pictures(network, images, sites=("0",))
    own, other = findings.scores["dissection"][0]
    assert own == pytest.approx(1)
    assert findings.scores["attainable"][0, 0] == pytest.approx(1)
    q = g = 1 / 256
    assert other == pytest.approx(q * g / (q + g - q * g), abs=0.01)


def test_sites_and_concepts_are_chosen_by_name() -> None:
    """Only what was asked for is searched; what is not there is named beside what is."""
    network, images = planted_network(), planted_pictures(60)
    some = find_pictures(network, None, images, asked=("down", "up"), sites=("filters",))
    assert [e.feature for e in some.findings.evidence] == ["down", "up"]
    assert [e.unit.index for e in some.findings.evidence] == [DOWN, UP]
    assert {str(u.site) for u in some.findings.units} == {"filters"}
    with pytest.raises(MissingError, match="no concept in planted 'uq'; there is up"):
        find_pictures(network, None, images, asked=("uq",))
    with pytest.raises(MissingError, match="no site 'filter'; there is filters"):
        find_pictures(network, None, images, sites=("filter",))
    bare = replace(images, masks=None, labels=None, concepts=(), classes=())
    with pytest.raises(InputError, match="neither masks nor classes"):
        find_pictures(network, None, bare)


def test_the_control_is_kept_and_made_anew_for_other_masks(tmp_path: Path) -> None:
    """Scores of the untrained network are read again for the same search; other masks, or damage, make them anew."""
    network, images = planted_network(), planted_pictures(60)
    known = outlets(network.module, network.example)[:1]
    first = untrained_bars(network, images, known, concepts_of(images), folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text(json.dumps(dict.fromkeys(first, (0.123, 0.1, None))))
    again = untrained_bars(network, images, known, concepts_of(images), folder=tmp_path)
    assert {(bar.value, bar.low) for bar in again.values()} == {(0.123, 0.1)}
    assert all(math.isnan(bar.high) for bar in again.values())
    kept.write_text("{")
    np.testing.assert_equal(dict(untrained_bars(network, images, known, concepts_of(images), folder=tmp_path)), first)
    turned = replace(images, masks=images.masks[::-1].copy())
    other = untrained_bars(network, turned, known, concepts_of(images), folder=tmp_path)
    assert other["up"] != first["up"]
    assert len(list(tmp_path.iterdir())) == 2


def test_the_network_is_left_as_it_was() -> None:
    """A whole search changes no weight, gradient, statistic, mode or hook of the network."""
    network = planted_network()
    module = network.module
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    find_pictures(network, None, planted_pictures(60))
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert all(part.training for part in module.modules())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_a_bare_layer_over_rows_is_searched() -> None:
    """Logistic regression, a network of one module, has findings for classes and for columns."""
    network, images = planted_rows()
    found = find_pictures(network, None, images).findings
    by = {e.feature: e for e in found.evidence}
    assert str(by["b"].unit) == "model/0"
    assert str(by["a"].unit) == "model/1"
    assert by["high"].score > 0.99
    assert by["b"].score > 0.99


def test_units_that_could_not_be_judged_are_named() -> None:
    """A class of twelve pictures has places enough for a map, and too few pictures for a unit without places, which
    might have told it: the verdict says so. Of masks such a unit is asked another question, and is not missed.
    """
    images = planted_pictures()
    labels = (np.arange(240) % 20 == 0).astype(np.int64)
    network = planted_network()
    few = find_pictures(network, None, replace(images, masks=None, concepts=(), labels=labels, classes=("most", "few")))
    one = {e.feature: e for e in few.findings.evidence}["few"]
    assert one.unit is not None
    assert not one.found
    assert one.unjudged.startswith("units of top could not be judged: few is too rare to be judged: 12 of 240")
    assert one.verdict.count(one.unjudged) == 1
    told = find_pictures(network, None, images).findings.evidence
    assert {e.unjudged for e in told} == {""}
