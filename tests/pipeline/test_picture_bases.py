"""Components of a network for pictures are searched, lesioned and drawn as its units are, and it stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from planted_network import SIDE, UP, planted_network, planted_pictures, planted_rows
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.errors import InputError, MissingError
from cellscope.hooks.outlets import choose_outlets
from cellscope.look import Glance, look
from cellscope.models.classifier import Classifier, wrap
from cellscope.pipeline.api import search
from cellscope.pipeline.bases import Choice
from cellscope.pipeline.find import SEED
from cellscope.pipeline.find_pictures import find_pictures
from cellscope.pipeline.picture_bases import grow, grown_for
from cellscope.pipeline.picture_pages.effort import QUICK
from cellscope.pipeline.picture_pages.write import write_picture_pages
from cellscope.vision.saliency import attribute


def turned() -> Classifier:
    """The planted network with its filters turned: what a filter saw is spread over all of them."""
    network = planted_network()
    turn = torch.from_numpy(np.linalg.qr(np.random.default_rng(1).standard_normal((8, 8)))[0]).float()
    with torch.no_grad():
        weight = network.module.get_parameter("filters.weight")
        weight.copy_(torch.einsum("uv,vcrs->ucrs", turn, weight.clone()))
    return network


def test_a_direction_tells_what_no_unit_does() -> None:
    """The concept is spread over eight filters: the best of them tells it less well than the probe's direction. That
    is no finding, because directions fitted to random filters tell it as well: all of them pass on what they see.
    """
    network, images = turned(), planted_pictures()
    unit = find_pictures(network, None, images, asked=["up"], sites=["filters"]).findings.evidence[0]
    found = find_pictures(network, None, images, asked=["up"], sites=["filters"], basis=Choice("probe"))
    (direction,) = found.findings.evidence
    assert str(direction.unit) == "filters.probe/0"
    assert direction.score > 0.99 > unit.score + 0.02
    assert direction.untrained > 0.99 > unit.untrained
    assert not direction.found
    assert "untrained" in direction.verdict
    assert found.network.name.endswith("-probe")
    assert json.loads(found.json())["basis"] == "probe"


@pytest.mark.parametrize("kind", ["pca", "ica", "dictionary"])
def test_every_basis_is_searched(kind: str) -> None:
    """By name, with the number of components in it where they hang on that, also from Python."""
    found = search(planted_network(), planted_pictures(), basis=kind, components=5, sites=["filters", "norm"])
    name = kind if kind == "pca" else f"{kind}-5"
    assert {str(unit.site) for unit in found.units} == {f"filters.{name}", f"norm.{name}"}
    assert len(found.units) == 10


def test_the_ends_of_blocks_have_components_by_default() -> None:
    """What each layer of weights hands on to the next."""
    assert grow(planted_network(), planted_pictures(), Choice("pca", 2)).sites == ("norm.pca",)


def test_directions_choose_on_the_pictures_that_they_were_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few directions there are, and though all concepts are noise: a search that showed other pictures together
    would report on some that were fitted to. Here as many are shown as the largest map of the network allows.
    """
    monkeypatch.setattr("cellscope.look._FLOATS", 2**15)
    images = planted_pictures(120)
    masks = np.random.default_rng(5).random((120, 1, SIDE, SIDE)) < 0.3
    noise = replace(images, masks=masks, concepts=("noise",))
    network = wide_network()
    grown = grow(network, noise, Choice("probe"), ["body.2"])
    assert grown.batch == 8
    seen: list[int] = []
    monkeypatch.setattr("cellscope.count_pictures.look", spied(seen))
    found = find_pictures(network, None, noise, sites=["body.2"], basis=Choice("probe")).findings.evidence[0]
    assert max(seen) == 8
    assert abs(found.score - 0.5) < 0.02
    assert grown.about[0].startswith("What are called units here are directions")
    assert grown.about[1] == "Directions: 0 noise."


def wide_network() -> Classifier:
    """Its first map is the largest by far, its last one has many units that a direction can be fitted to."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(5, 64, 1), nn.Conv2d(64, 32, 1), nn.Tanh())
    model = nn.Sequential()
    model.add_module("body", body)
    model.add_module("head", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 2)))
    return wrap(model, (5, SIDE, SIDE))


def spied(seen: list[int]) -> Any:
    """`look` that notes how many pictures it shows together."""

    def watched(*given: Any, **options: Any) -> Iterator[Glance]:
        for glance in look(*given, **options):
            seen.append(len(glance.index))
            yield glance

    return watched


def test_a_component_is_the_same_whatever_else_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """`find` learns many sites at a time, a command the one of its address: bit by bit the same."""
    monkeypatch.setattr("cellscope.look._FLOATS", 2**18)
    network, images = wide_network(), planted_pictures()
    for choice in (Choice("pca"), Choice("ica", 3), Choice("dictionary", 4), Choice("probe")):
        both = grow(network, images, choice, ["body.0", "body.2"]).bases[1]
        (alone,) = grow(network, images, choice, ["body.2", "body.2"]).bases
        assert np.array_equal(both.directions, alone.directions), choice.name


def test_a_concept_too_rare_among_the_pictures_of_the_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """The untrained network has a direction fewer, or none: what it can tell stands beside, the rest does not."""
    monkeypatch.setattr("cellscope.pipeline.find_pictures.CONTROL", 60)
    images = planted_pictures(200)
    control = np.random.default_rng(SEED).permutation(200)[:60]
    rare = images.masks[:, :1].copy()
    rare[control] = False
    masks = np.concatenate([rare, images.masks[:, 1:2]], 1)
    some = replace(images, masks=masks, concepts=("rare", "down"))
    network, basis = planted_network(), Choice("probe")
    one, other = find_pictures(network, None, some, sites=["filters"], basis=basis).findings.evidence
    assert one.score > 0.99
    assert np.isnan(one.untrained)
    assert other.untrained > 0.9
    alone = replace(images, masks=rare, concepts=("rare",))
    (found,) = find_pictures(network, None, alone, sites=["filters"], basis=basis).findings.evidence
    assert found.score > 0.99
    assert np.isnan(found.untrained)


def test_the_network_is_left_as_it_was() -> None:
    """Its modules, hooks, weights and answers; the one with components answers the same."""
    network, images = planted_network(), planted_pictures()
    before = {name: tensor.clone() for name, tensor in network.module.state_dict().items()}
    grown = grow(network, images, Choice("pca", 3), ["filters", "relu"])
    assert list(network.module.state_dict()) == list(before)
    assert all(torch.equal(network.module.state_dict()[name], tensor) for name, tensor in before.items())
    assert not any(module._forward_hooks for module in network.module.modules())
    inputs = network.prepare(images.pixels(slice(0, 4)))
    with torch.no_grad():
        network.module.eval(), grown.network.module.eval()
        assert torch.equal(grown.network.logits(inputs), network.logits(inputs))


def test_addresses_are_answered() -> None:
    """Components by number, directions by their concept; what names none is left alone."""
    network, images = planted_network(), planted_pictures()
    asked = ("filters/5", "filters.probe/red", "filters.pca/1", "norm.ica-3/0", "filters.probe")
    grown, told = grown_for(network, images, asked)
    assert told == ("filters/5", "filters.probe/2", "filters.pca/1", "norm.ica-3/0", "filters.probe")
    assert grown.name == network.name
    inputs = network.prepare(images.pixels(slice(0, 1)))
    map_ = attribute(grown, "gradient", inputs, Unit.parse(told[1]), place=(3, 3))
    assert np.abs(map_.values[0, :, 3, 3]).argmax() == 0  # red is drawn in the first channel
    several, told = grown_for(network, images, ("filters.pca/4", "filters.pca-2/1", "filters.pca"))
    assert told == ("filters.pca/4", "filters.pca/1", "filters.pca")
    assert several.module.get_submodule("filters.pca").directions.shape == (8, 8)
    bare, told = grown_for(*planted_rows(), ("pca/1", "model.pca/0"))
    assert told == ("pca/1", "pca/0")
    assert [str(o.site) for o in choose_outlets(bare.module, bare.example, ["pca"])] == ["pca"]
    same, _ = grown_for(network, images, ("filters/5", f"relu/{UP}"))
    assert same is network


def test_what_is_not_there_is_named() -> None:
    """A concept without a direction, a site, more components than units, and too few pictures to learn from."""
    network, images = planted_network(), planted_pictures()
    with pytest.raises(MissingError, match="no direction in filters.probe 'rad'; there is red"):
        grown_for(network, images, ["filters.probe/rad"])
    with pytest.raises(MissingError, match="no direction in filters.probe 'everywhere'"):
        grown_for(network, images, ["filters.probe/everywhere"])
    with pytest.raises(MissingError, match="no site 'filter'"):
        grown_for(network, images, ["filter.pca/0"])
    with pytest.raises(InputError, match="99 components of 8 units of filters"):
        grown_for(network, images, ["filters.pca-99/0"])
    with pytest.raises(InputError, match="x.npy is a file of directions, and those are for texts"):
        grow(network, images, Choice("x.npy"), ["filters"])
    with pytest.raises(InputError, match="learnt from pictures, and planted has 3"):
        grown_for(network, images.take(np.arange(3)), ["filters.pca/0"])


def test_pages_of_components_have_a_folder_of_their_own(tmp_path: Path) -> None:
    """All that the pages of units have, and in words what is called a unit."""
    found = find_pictures(planted_network(), None, planted_pictures(), sites=["filters"], basis=Choice("pca", 3))
    page = write_picture_pages(found, tmp_path, effort=QUICK)
    assert page.parent.name == f"{planted_network().name}-pca"
    said = (page.parent / "layer-filters.pca.html").read_text("utf-8")
    assert "What are called units here are principal components" in said
    assert Site("filters.pca") in {outlet.site for outlet in found.outlets}
