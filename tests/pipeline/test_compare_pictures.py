"""Two networks on the same pictures: one and itself with its channels shuffled, at other sizes, prepared otherwise, and
before any training.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from planted_network import DOWN, SIDE, UP, Planted, planted_network, planted_pictures, planted_rows
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, MissingError
from cellscope.features.concepts import concepts_of
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.preprocessing import Preprocessing
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.pipeline.compare_pictures import compare_pictures
from cellscope.pipeline.comparison import Comparison
from cellscope.pipeline.exhibits.compare import study, write_comparison
from cellscope.report.exhibits import HeatMap, Lines

IMAGES = planted_pictures()
NORM = Site("norm")
ORDER = np.array([3, 0, 7, 1, 2, 6, 4, 5])
"""Channel k of the shuffled network is channel ORDER[k] of the other."""


def shuffled(network: Classifier) -> Classifier:
    """The same network with its channels in another order: nothing but numbers changes."""
    module = Planted()
    module.load_state_dict(network.module.state_dict())
    with torch.no_grad():
        for name, tensor in [*module.filters.named_parameters(), *module.norm.named_parameters()]:
            tensor.copy_(tensor[ORDER]) if name else None
        module.top.weight.copy_(module.top.weight[:, ORDER])
    return replace(network, module=module, name="shuffled")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare_pictures(planted_network(), shuffled(planted_network()), IMAGES)


def test_a_shuffled_network_corresponds_channel_for_channel(comparison: Comparison) -> None:
    """Every channel finds itself under its new number, at r = 1, by best match and by assignment, after its norm."""
    for match in comparison.cells.second:
        assert match.other == Unit(NORM, int(ORDER[match.unit.index]))
        assert match.assigned == match.other
        assert match.r > 0.9999
        assert match.found
    assert comparison.cells.assigned[0] > 0.9999
    assert comparison.sentences[0] == "8 of 8 units of planted correspond to one of the 8 of shuffled"


def test_both_have_what_one_has(comparison: Comparison) -> None:
    """The planted channels are found in both, with one score, and correspond; what colours show is in neither."""
    shared = {f.feature: f for f in comparison.features}
    for name, unit in (("up", UP), ("down", DOWN)):
        one = shared[name]
        assert one.who == "both"
        assert one.counterpart
        assert (one.first.unit, one.second.unit) == (Unit(NORM, unit), Unit(NORM, ORDER.tolist().index(unit)))
        assert one.first.score == pytest.approx(one.second.score, abs=1e-6)
        assert not one.apart
    assert shared["red"].who == "neither"
    assert shared["everywhere"].r is None
    assert comparison.sentences[2] == (
        "concepts found in both: 2 (up, down); in planted alone: none; in shuffled alone: none; in neither: 3 of 5"
    )


def test_an_untrained_network_does_not_have_what_was_planted() -> None:
    """The concepts are found in the planted network alone, and no unit of the other is their counterpart."""
    network = planted_network()
    found = compare_pictures(network, replace(network.untrained(0), name="bare"), IMAGES)
    shared = {f.feature: f for f in found.features}
    for name in ("up", "down"):
        assert shared[name].who == "first"
        assert shared[name].apart
        assert not shared[name].counterpart
    assert not any(match.found for match in found.cells.first if match.unit.index in (UP, DOWN))


@pytest.mark.slow
def test_untrained_networks_hardly_correspond() -> None:
    """Two draws of weights see the same pixels, and their units go together no closer than with a third draw; now and
    then one does by luck: of 192 units at most 1 in 20.
    """
    module = SmallCNNConfig((5, SIDE, SIDE), 2, widths=(8, 8, 8), hidden=8).build()
    deep = wrap(module, (5, SIDE, SIDE), name="deep")
    bare = replace(IMAGES, masks=None, labels=None, concepts=(), classes=())
    found = [compare_pictures(deep.untrained(10 + seed), deep.untrained(seed), bare) for seed in range(6)]
    assert all(len(one.cells.first) == 32 for one in found)
    assert sum(len(one.pairs) for one in found) <= 9


def test_maps_of_another_size_say_the_same() -> None:
    """On one grid of places a channel is what it is at half the size; a unit without places is the same in all."""
    network = planted_network()
    half = wrap(nn.Sequential(nn.AvgPool2d(2), Planted()), (5, SIDE, SIDE), name="half")
    found = compare_pictures(network, half, IMAGES, sites=("norm", "1.norm"))
    assert [side.sites for side in found.sides] == [(NORM,), (Site("1.norm"),)]
    assert all(m.other.index == m.unit.index and m.r > 0.9999 for m in found.cells.first)
    assert "at 8 x 8 places" in found.subject.met
    answers = compare_pictures(network, half, IMAGES, sites=("top", "1.top"))
    assert answers.subject.met == "240 pictures of planted, shown to"
    assert answers.cells.positions == 240


def test_another_preparation_is_no_difference() -> None:
    """A network whose pictures come centred does what it did: each is prepared as its own network wants it."""
    network = planted_network()
    centred = replace(network, preprocessing=Preprocessing(mean=(0.25,)), name="centred")
    found = compare_pictures(network, centred, IMAGES, sites=("filters",))
    assert all(m.other == m.unit and m.r > 0.9999 for m in found.cells.first)
    networks = json.loads(found.json())["networks"]
    assert [n["preprocessing"]["mean"] for n in networks] == [[0.0], [0.25]]
    assert "the other: " in study(found).header.preprocessing


def test_rows_are_compared_one_number_a_row() -> None:
    """Of a bare layer its outputs, against columns as concepts; in the other order they are found again."""
    network, images = planted_rows()
    turned = nn.Linear(3, 2)
    with torch.no_grad():
        turned.weight.copy_(network.module.weight.flip(0))
        turned.bias.copy_(network.module.bias.flip(0))
    found = compare_pictures(network, replace(network, module=turned, name="turned"), images)
    assert [m.other.index for m in found.cells.first] == [1, 0]
    assert found.subject.met == "400 rows of rows, shown to"
    assert found.subject.position == "row"
    assert {f.feature: f.counterpart for f in found.features if f.who == "both"}


def test_pictures_without_concepts_have_a_correspondence() -> None:
    """Neither masks nor classes: units are matched, and no concept is looked for."""
    bare = replace(IMAGES, masks=None, labels=None, concepts=(), classes=())
    found = compare_pictures(planted_network(), shuffled(planted_network()), bare)
    assert found.features == ()
    assert len(found.pairs) == 8
    assert study(found).exhibits[1].table.rows == ()


def test_json_has_every_match_and_concept(comparison: Comparison) -> None:
    """Keys are stable, units are addresses, and what does not exist is null."""
    content = json.loads(comparison.json(), parse_constant=pytest.fail)
    assert (content["images"], content["pictures"], content["grid"]) == ("planted", 240, [8, 8])
    assert "corpus" not in content
    assert [len(side) for side in content["matches"]] == [8, 8]
    assert content["matches"][1][1]["other"] == "norm/0"
    assert content["corresponding"] == 8
    assert [c["concept"] for c in content["concepts"]] == [c.name for c in concepts_of(IMAGES)]
    assert content["concepts"][3]["r"] is None


def test_the_page_shows_what_was_found(comparison: Comparison, tmp_path: Path) -> None:
    """How close matches are and the closest pairs, how it was measured, and every concept; no text to read."""
    page = study(comparison)
    first, second = page.exhibits
    lines, heat = first.figures
    assert isinstance(lines, Lines)
    assert isinstance(heat, HeatMap)
    np.testing.assert_allclose(np.diag(heat.values), [m.r for m in comparison.pairs], atol=1e-6)
    assert (second.key, second.title) == ("concepts", "Which concepts either has")
    assert any("8 x 8 places" in line for line in page.headline.method)
    path = write_comparison(comparison, tmp_path)
    assert path.name == "study-compare-planted-shuffled.html"
    assert path.name in (tmp_path / "index.html").read_text("utf-8")


def test_one_module_is_compared_with_itself_and_left_as_it_was() -> None:
    """The very same network twice; afterwards it has its mode and no hook, and gradients are taken as before."""
    network = planted_network()
    found = compare_pictures(network, network, IMAGES)
    assert all(m.other == m.unit and m.r > 0.9999 for m in found.cells.first)
    assert torch.is_grad_enabled()
    assert all(part.training and not part._forward_hooks for part in network.module.modules())


def test_what_cannot_be_compared_is_refused() -> None:
    """Sites that are not there, pictures that do not fit or are too few, sets of two lengths: one line each."""
    network, other = planted_network(), shuffled(planted_network())
    with pytest.raises(MissingError, match="no site 'filter'; there is filters"):
        compare_pictures(network, other, IMAGES, sites=("filter",))
    rows, images = planted_rows()
    with pytest.raises(InputError, match="rows has none of the sites norm; it has model"):
        compare_pictures(network, replace(rows, name="rows"), (IMAGES, images), sites=("norm",))
    grey = ImageSet("grey", np.zeros((200, 1, SIDE, SIDE), np.float32))
    with pytest.raises(InputError, match="planted takes pictures of 5 x 16 x 16"):
        compare_pictures(network, other, grey)
    with pytest.raises(InputError, match="100 pictures are too few to compare two networks on"):
        compare_pictures(network, other, planted_pictures(100))
    with pytest.raises(InputError, match="were shown 240 and 200 pictures"):
        compare_pictures(network, other, (IMAGES, planted_pictures(200)))
