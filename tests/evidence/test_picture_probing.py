"""Probes of planted pictures: one unit of a layer, some, all or none tell a concept, and in which layer."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from torch import nn

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.evidence.colours import own_colours
from cellscope.evidence.columns import row_types
from cellscope.evidence.concept_reading import ConceptReader
from cellscope.evidence.picture_probing import PictureProbes, measure_pictures, probe_pictures
from cellscope.evidence.probes import Probe
from cellscope.features.concepts import concepts_of
from cellscope.hooks.outlets import Outlet, choose_outlets
from cellscope.look import look
from cellscope.models.classifier import Classifier, wrap

sys.path.insert(0, str(Path(__file__).parent.parent))
from planted_network import DOWN, UP, planted_network, planted_pictures, planted_rows

SIDE, CHANNELS = 8, 16


class Turned(nn.Module):
    """Channels as they are, then turned at random among one another, then averaged over the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.turned = nn.Conv2d(CHANNELS, CHANNELS, 1), nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.top = nn.Linear(CHANNELS, 2)
        turn = np.linalg.qr(np.random.default_rng(3).standard_normal((CHANNELS, CHANNELS)))[0]
        with torch.no_grad():
            self.first.weight.copy_(torch.eye(CHANNELS)[:, :, None, None])
            self.turned.weight.copy_(torch.from_numpy(turn)[:, :, None, None])

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.top(self.turned(self.first(pictures)).mean((2, 3)))


@cache
def turned() -> tuple[Classifier, ImageSet]:
    """Noise in sixteen channels; a square, where there is one, is in channel 4 alone."""
    rng = np.random.default_rng(0)
    pixels = rng.random((400, CHANNELS, SIDE, SIDE), np.float32)
    masks = np.zeros((400, 1, SIDE, SIDE), bool)
    for picture in np.flatnonzero(rng.random(400) < 0.6):
        row, column = rng.integers(0, SIDE - 3, 2)
        masks[picture, 0, row : row + 3, column : column + 3] = True
    pixels[:, 4] = 0.1 * pixels[:, 4] + masks[:, 0]
    network = wrap(Turned(), (CHANNELS, SIDE, SIDE))
    return network, ImageSet("turned", pixels, rng.integers(0, 2, 400), ("a", "b"), masks, ("square",))


def layers(network: Classifier, *sites: str) -> tuple[Outlet, ...]:
    return choose_outlets(network.module, network.example, sites)


@cache
def found() -> PictureProbes:
    network, images = turned()
    return probe_pictures(network, images, layers(network, "first", "turned", "top"), concepts_of(images), seed=1,
                          each=True, draws=3)  # fmt: skip


def of(layer: str) -> Probe:
    return next(p for p in found().probes if p.layer == layer)


def test_a_concept_in_one_channel_is_local_and_turned_it_is_distributed() -> None:
    """The verdict is that of the layer that is asked, and so are the units."""
    one, many = of("first"), of("turned")
    assert (one.spread, str(one.chosen[0]), one.of) == ("local", "first/4", CHANNELS)
    assert one.verdict.startswith("square in first is local: unit 4 of first alone has 100% of ")
    assert (many.spread, {u.site.path for u in many.chosen}) == ("distributed", {"turned"})
    assert many.all.score == pytest.approx(one.all.score, abs=1e-3)  # what is turned is all there
    assert many.rungs[0].score < 0.7 * many.all.score
    assert one.terms.items == "places of maps"


def test_the_layer_is_that_of_the_best_unit() -> None:
    """Where nothing is named the layer whose best unit tells most is read; one without places is not in question."""
    network, images = turned()
    chosen = probe_pictures(network, images, layers(network), concepts_of(images), seed=1, draws=1)
    assert [p.layer for p in chosen.probes] == ["first"]
    assert list(chosen.told("square")) == ["first", "turned"]
    assert chosen.told("square")["first"] > 0.9


def test_scores_are_scikit_learns_on_stored_activations() -> None:
    """R2 is that of Ridge on the places of the pictures that choose, scored on those of the pictures that report."""
    network, images = turned()
    (outlet,) = layers(network, "turned")
    parts = {0: [], 1: []}
    for glance in look(network, images, [outlet], seed=1):
        chunk = glance.chunks[outlet.site]
        labels = images.masks_of(glance.index)[:, 0].reshape(len(glance.index), -1)
        for parity, some in parts.items():
            lanes = chunk.blocks % 2 == parity
            rows = chunk.values[outlet.site].swapaxes(0, 1)[lanes].reshape(-1, CHANNELS).copy()
            some.append((rows, labels[lanes].ravel()))
    (x, y), (u, v) = (map(np.concatenate, zip(*parts[parity], strict=True)) for parity in (0, 1))
    p = of("turned")
    for rung in p.rungs:
        units = np.arange(CHANNELS) if rung is p.all else np.array([c.index for c in p.chosen[: rung.units]])
        model = Ridge(alpha=1e-5 * len(x)).fit(x[:, units], y)
        assert rung.score == pytest.approx(r2_score(v, model.predict(u[:, units])), abs=2e-3)
    best = max(np.corrcoef(x[:, unit], y)[0, 1] ** 2 for unit in range(CHANNELS))
    assert found().told("square")["turned"] == pytest.approx(best, abs=2e-3)


def test_planted_filters_are_local_whether_they_rise_or_fall() -> None:
    """The unit that is high in a concept and the one that is low in it; what is everywhere or nowhere has a remark."""
    network, images = planted_network(), planted_pictures()
    made = probe_pictures(network, images, layers(network, "filters"), concepts_of(images), draws=1)
    by = {p.feature: p for p in made.probes}
    assert {name: by[name].chosen[0].index for name in ("up", "down")} == {"up": UP, "down": DOWN}
    assert by["up"].spread == by["down"].spread == "local"
    assert by["everywhere"].remark.startswith("everywhere is too common to be probed")
    assert by["nowhere"].remark.endswith("0 of 61,440 places of maps that were counted")


def test_a_layer_that_knows_colours_by_heart_reads_the_control() -> None:
    """The control's label is one function of a place's colour: a unit for each colour tells all of it, and the
    concept no better.
    """
    rng = np.random.default_rng(0)
    palette = np.array([[r, g, b] for r in (0.1, 0.9) for g in (0.1, 0.9) for b in (0.1, 0.9)], np.float32)
    which = rng.integers(0, 8, (200, 4, 4))
    pixels = palette[which].transpose(0, 3, 1, 2)
    filters = nn.Conv2d(3, 8, 1)
    with torch.no_grad():
        filters.weight.copy_(torch.from_numpy(np.sign(palette - 0.5))[:, :, None, None])
        filters.bias.copy_(torch.from_numpy(-2 - (np.sign(palette - 0.5) * 0.5).sum(1) + 1.2))
    network = wrap(nn.Sequential(filters, nn.ReLU(), nn.Flatten(), nn.Linear(128, 2)), (3, 4, 4))
    images = ImageSet("palette", pixels, masks=(which == 3)[:, None], concepts=("third",))
    (p,) = probe_pictures(network, images, layers(network, "1"), concepts_of(images), draws=1).probes
    assert p.spread == "local"
    assert p.all.control > 0.99
    assert p.selective < 0.01


def test_rows_are_read_with_their_columns() -> None:
    """A column is a number, a class is on or off; both have the unit that hands them on."""
    network, images = planted_rows()
    made = probe_pictures(network, images, layers(network), concepts_of(images), draws=1)
    by = {p.feature: p for p in made.probes}
    assert (by["a"].chosen[0].index, by["a"].spread, by["a"].kind) == (1, "local", "numeric")
    assert by["a"].all.score > 0.85
    assert by["high"].chosen[0].index == 0
    assert by["c"].spread == "nothing"
    assert by["c"].terms.items == "rows"


def test_without_masks_classes_are_the_concepts() -> None:
    """A class is on in all of its pictures; so few pictures as make a block each are enough to be asked."""
    network, images = planted_network(), planted_pictures(40)
    bare = ImageSet("bare", images.pictures, images.labels, images.classes)
    made = probe_pictures(network, bare, layers(network, "filters"), concepts_of(bare), draws=1)
    assert [p.feature for p in made.probes] == ["even", "odd"]
    assert all(p.rungs for p in made.probes)


def test_types_come_again() -> None:
    """The own colour alone, whatever lies beside it; the sides of at most eight columns."""
    colours = np.array([5 | 7 << 21 | 9 << 42, 5 | 1 << 42, 6], np.uint64)
    assert own_colours(colours).tolist() == [5, 5, 6]
    rows = np.random.default_rng(0).standard_normal((500, 20)).astype(np.float32)
    types = row_types(rows, np.zeros(20, np.float32))
    assert len(np.unique(types)) > 200
    assert types.max() < 256
    assert row_types(rows * 3, np.zeros(20, np.float32)).tolist() == types.tolist()


def test_a_damaged_network_is_told() -> None:
    """A value that is not finite is an error that names the unit."""
    network, images = turned()
    broken = Turned()
    with torch.no_grad():
        broken.turned.weight[3] = torch.inf
    bad = Classifier(broken, network.shape, network.classes)
    with pytest.raises(InputError, match="turned/3 gives values that are not finite"):
        measure_pictures(bad, images, layers(network, "turned"), concepts_of(images))


def test_the_same_seed_gives_the_same_answer() -> None:
    """Halves, random sets and control are matters of the seed alone."""
    network, images = turned()
    some = layers(network, "turned")
    one, same, other = (
        probe_pictures(network, images, some, concepts_of(images), seed=seed, draws=2) for seed in (1, 1, 2)
    )
    assert repr(one.probes) == repr(same.probes)
    assert one.probes[0].rungs[1].random != other.probes[0].rungs[1].random


def test_labels_are_those_of_the_masks_at_the_centres() -> None:
    """A reader's labels are the masks where the places' centres lie, picture after picture."""
    network, images = turned()
    (outlet,) = layers(network, "first")
    glance = next(look(network, images, [outlet]))
    reader = ConceptReader(outlet.grid, images, concepts_of(images))
    masks = images.masks_of(glance.index)
    grid = reader.grid(glance, masks.swapaxes(0, 1), glance.rounds[outlet.site])
    np.testing.assert_array_equal(grid.spans[0], masks[:, 0].reshape(-1))


def test_small_batches_have_fewer_blocks_and_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where maps are so large that few pictures are shown at a time, no block is left empty."""
    network, images = turned()
    monkeypatch.setattr("cellscope.look._FLOATS", 1)  # eight at a time
    made = probe_pictures(network, images, layers(network, "turned"), concepts_of(images), seed=1, draws=1)
    assert (made.found[0].choosing, made.found[0].reporting) == (3, 4)
    assert made.probes[0].all.score == pytest.approx(of("turned").all.score, abs=2e-3)
    assert made.probes[0].rows == len(images) * SIDE**2
