"""The search over pictures: its counts are those of all activations, and a planted filter comes first."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from planted_network import CONCEPTS, DOWN, RED, SIDE, UP, planted_network, planted_pictures
from scipy.stats import binom, kstest
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn

from cellscope.axes import Site
from cellscope.count_pictures import count_pictures
from cellscope.data.images import ImageSet
from cellscope.features.concepts import concepts_of
from cellscope.findings import Findings
from cellscope.hooks.outlets import choose_outlets
from cellscope.judge import judge
from cellscope.look import look
from cellscope.models.classifier import Classifier, wrap

FILTERS = Site("filters")


def found(network: Classifier, images: ImageSet, sites: tuple[str, ...] = (), **options) -> Findings:
    known = choose_outlets(network.module, network.example, sites)
    return judge(*count_pictures(network, images, known, options.pop("concepts", concepts_of(images)), **options))


def rows_network(units: int) -> Classifier:
    """Hands its columns on, each as a unit."""
    layer = nn.Linear(units, units, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(units))
    return wrap(nn.Sequential(layer), (units,))


@pytest.fixture(scope="module")
def planted() -> Findings:
    return found(planted_network(), planted_pictures(), ("filters",))


@pytest.fixture(scope="module")
def halves() -> tuple[np.ndarray, np.ndarray]:
    """(activations [place, unit], masks [place, concept]) of the filters on the reporting half, kept in full."""
    network, images = planted_network(), planted_pictures()
    values, masks = [], []
    for glance in look(network, images, choose_outlets(network.module, network.example, ["filters"])):
        chunk = glance.chunks[FILTERS]
        odd = chunk.blocks % 2 == 1
        values.append(chunk.values[FILTERS][:, odd].swapaxes(0, 1).reshape(-1, 8).copy())
        masks.append(images.masks_of(glance.index)[odd].reshape(odd.sum(), len(CONCEPTS), -1).swapaxes(1, 2))
    return np.concatenate(values), np.concatenate(masks).reshape(-1, len(CONCEPTS))


def test_planted_filters_come_first(planted: Findings) -> None:
    """The unit that is high in a concept and the one that is low in it are found, with sign and sentence."""
    up, down = planted.evidence[:2]
    assert (up.unit.index, up.sign, up.found) == (UP, 1, True)
    assert (down.unit.index, down.sign, down.found) == (DOWN, -1, True)
    assert up.score > 0.99
    assert down.score > 0.99
    assert up.p < 1e-5  # some draws leave a part of the set unturned, and keep a part of the effect
    assert up.sentence == f"unit {UP} of filters is on inside up"
    assert down.sentence == f"unit {DOWN} of filters is off inside down"


def test_what_colours_give_away_is_no_finding(planted: Findings) -> None:
    """A unit that follows red comes first for it, and is said to tell no more than colours do."""
    red = planted.evidence[2]
    assert red.unit.index == RED
    assert red.score > 0.99
    assert red.three > 0.99
    assert not red.found
    assert red.plain
    assert "colours alone give that away" in red.sentence
    assert planted.evidence[0].three < 0.6


def test_everywhere_and_nowhere_get_a_remark(planted: Findings) -> None:
    """A concept that fills every picture and one that is in none are not judged, and said to be so."""
    for e, word in zip(planted.evidence[3:], ("every", "nothing"), strict=True):
        assert e.unit is None
        assert word in e.remark
        assert math.isnan(e.score)
        assert e.sentence == e.remark
        assert not e.found
    assert np.isnan(planted.scores["auc"][3:]).all()


def test_scores_are_those_of_stored_activations(planted: Findings, halves) -> None:
    """AUC and average precision are scikit-learn's on the activations of the reporting half, but for ties in a bin."""
    values, masks = halves
    for concept in range(3):
        for unit in range(8):
            sign = planted.scores["sign"][concept, unit]
            want = roc_auc_score(masks[:, concept], sign * values[:, unit])
            assert planted.scores["auc"][concept, unit] == pytest.approx(want, abs=1e-3)
            want = average_precision_score(masks[:, concept], sign * values[:, unit])
            assert planted.scores["ap"][concept, unit] == pytest.approx(want, abs=0.02)  # ties cost more of it


def test_labels_are_counted_at_the_places_of_the_map(planted: Findings) -> None:
    """A concept's places are the pixels of its mask where the map is as large as the picture; all are heard."""
    images = planted_pictures()
    assert planted.characters == len(images) * SIDE**2
    for concept, e in enumerate(planted.evidence):
        assert e.labelled == int(images.masks[:, concept].sum())


def test_a_vector_is_told_what_is_anywhere_in_its_picture() -> None:
    """For a layer without places a concept is on in a picture that has any of it."""
    network, images = planted_network(), planted_pictures()
    part = found(network, images, ("top",))
    for concept, e in enumerate(part.evidence[:3]):
        assert e.characters == len(images)
        assert e.labelled == int(images.masks[:, concept].any((1, 2)).sum())


def test_the_order_of_concepts_is_the_callers() -> None:
    """Asked for in another order, or some of them alone, every concept keeps its own evidence."""
    network, images = planted_network(), planted_pictures()
    known = concepts_of(images)
    whole = {e.feature: e for e in found(network, images, ("filters",)).evidence}
    for chosen in ((2, 1, 0, 4, 3), (1, 0), (2,)):
        part = found(network, images, ("filters",), concepts=tuple(known[k] for k in chosen))
        assert [e.feature for e in part.evidence] == [CONCEPTS[k] for k in chosen]
        for e in part.evidence:
            assert (e.unit, e.labelled, e.score) == (
                whole[e.feature].unit,
                whole[e.feature].labelled,
                pytest.approx(whole[e.feature].score, nan_ok=True),
            )


def test_layers_of_many_sizes_are_judged_together() -> None:
    """The best unit is that of all layers; each layer's scores are what it has alone, and p counts all units."""
    network, images = planted_network(), planted_pictures()
    both = found(network, images, ("filters", "relu", "top"))
    assert [str(unit) for unit in both.units[:2]] == ["filters/0", "filters/1"]
    assert len(both.units) == 8 + 8 + 2
    assert both.evidence[0].unit.index == UP
    alone = found(network, images, ("top",))
    np.testing.assert_allclose(both.scores["auc"][:, 16:], alone.scores["auc"], atol=1e-9)
    together, by_itself = both.scores["p"][:3, 16:], alone.scores["p"][:3]
    beyond = by_itself < 1e-3  # all draws: p is read off their tail, which has a shape of its own in each
    assert (together >= by_itself - 1e-9)[~beyond].all()
    assert (together[beyond] < 0.01).all()
    part, unit = both.part_of(17)
    assert part.units[unit] == both.units[17]


def test_classes_are_concepts_without_masks() -> None:
    """Without masks a class is on in all places of its pictures; a unit that follows it is found."""
    rng = np.random.default_rng(0)
    images = planted_pictures(300)
    labels = rng.integers(0, 3, 300)
    pixels = images.pictures.copy()
    pixels[:, 3] = rng.random((300, SIDE, SIDE)) + (labels == 1)[:, None, None]
    images = replace(images, pictures=pixels, labels=labels, classes=tuple("abc"), masks=None, concepts=())
    e = found(planted_network(), images, ("filters",)).evidence[1]
    assert (e.feature, e.unit.index, e.sign) == ("b", UP, 1)
    assert e.labelled == (labels == 1).sum() * SIDE**2


@pytest.mark.parametrize("many", [256, 1000])
def test_pictures_sorted_by_class_are_judged_as_well(many: int) -> None:
    """A folder that comes class after class loses no finding: its p is about that of the same pictures mixed."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, many)
    rows = rng.standard_normal((many, 6)).astype(np.float32)
    rows[:, 3] += 1.2 * labels
    images = ImageSet("rows", rows, labels, ("a", "b"))
    mixed, in_order = (
        found(rows_network(6), s).evidence[1] for s in (images, images.take(np.argsort(labels, kind="stable")))
    )
    for e in (mixed, in_order):
        assert (e.unit.index, e.sign) == (3, 1)
        assert e.p < 1e-3
        assert "no unit beats the single columns" in e.reason  # it is one of them


def test_a_unit_of_rows_must_beat_the_best_column() -> None:
    """A sum of two columns that tells a class is a finding; the baseline is the better of the two, held out."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 2000)
    rows = rng.standard_normal((2000, 3)).astype(np.float32)
    rows[:, 0] += labels
    rows[:, 1] -= 0.9 * labels
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]]))
    e = found(wrap(nn.Sequential(layer), (3,)), ImageSet("rows", rows, labels, ("a", "b"))).evidence[1]
    assert (e.unit.index, e.sign, e.found) == (0, 1, True)
    assert e.three == pytest.approx(roc_auc_score(labels, rows[:, 0]), abs=0.03)
    assert "single columns" in e.verdict


def test_masks_of_other_pictures_are_not_followed() -> None:
    """With the masks moved on to other pictures, p is not small, though shapes and pictures are what they were."""
    network, images = planted_network(), planted_pictures()
    order = np.random.default_rng(3).permutation(len(images))
    e = found(network, replace(images, masks=images.masks[order]), ("filters",)).evidence
    assert all(one.p > 0.01 for one in e[:3])
    assert not any(one.found for one in e)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["places", "rows"])
def test_false_alarms_come_at_the_nominal_rate(kind: str) -> None:
    """Over many searches where nothing is, p of the only unit is even from 0 to 1: 5 % of it lie below .05."""
    p = []
    network = rows_network(1)
    if kind == "places":
        layer = nn.Conv2d(1, 1, 1)
        network = wrap(nn.Sequential(layer, nn.Flatten(), nn.Linear(64, 2)), (1, 8, 8))
    for seed in range(150):
        rng = np.random.default_rng(seed)
        if kind == "rows":
            rows = rng.standard_normal((200, 1)).astype(np.float32)
            images = ImageSet("rows", rows, rng.integers(0, 2, 200), ("a", "b"))
            sites: tuple[str, ...] = ()
        else:
            smooth = np.repeat(np.repeat(rng.random((200, 1, 2, 2), np.float32), 4, 2), 4, 3)
            masks = np.repeat(np.repeat(rng.random((200, 1, 2, 2)) < 0.3, 4, 2), 4, 3)
            images, sites = ImageSet("blocks", smooth, masks=masks, concepts=("blocks",)), ("0",)
        p.append(found(network, images, sites, seed=seed).evidence[0].p)
    alarms = int((np.array(p) <= 0.05).sum())
    assert binom.ppf(0.001, 150, 0.05) <= alarms <= binom.ppf(0.999, 150, 0.05)
    assert kstest(p, "uniform").pvalue > 0.001


def test_columns_of_rows_are_numeric() -> None:
    """A unit that falls with a column is found for it by rank correlation; the classes are judged beside it."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((400, 5)).astype(np.float32)
    images = ImageSet("rows", rows, (rows[:, 0] > 0).astype(np.int64), ("low", "high"), columns=tuple("abcde"))
    layer = nn.Linear(5, 4)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(5)[:4].neg())
        layer.weight[3] = torch.randn(5, generator=torch.Generator().manual_seed(0))
    findings = found(wrap(nn.Sequential(layer), (5,)), images)
    by = {e.feature: e for e in findings.evidence}
    assert [e.kind for e in findings.evidence] == ["span"] * 2 + ["numeric"] * 5
    assert (by["b"].unit.index, by["b"].sign) == (1, -1)
    assert by["b"].score > 0.99
    assert by["b"].found
    assert "falls with b" in by["b"].sentence
    assert (by["high"].unit.index, by["high"].sign) == (0, -1)
    assert "in rows of high" in by["high"].sentence


def test_the_network_is_left_as_it_was() -> None:
    """Weights, gradients, running statistics, modes and hooks are what they were; so are torch's random numbers."""
    network, images = planted_network(), planted_pictures(40)
    module = network.module.train()
    module.top.weight.grad = torch.ones_like(module.top.weight)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    random = torch.get_rng_state()
    found(network, images)
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert torch.equal(module.top.weight.grad, torch.ones_like(module.top.weight))
    assert module.filters.weight.grad is None
    assert all(part.training for part in module.modules())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_too_few_pictures_get_a_remark() -> None:
    """Three pictures are said to be too few, or a concept to be too rare in them; no unit is named, p is no number."""
    for site, word in (("top", "3 pictures"), ("filters", "too rare to be judged: 25 of 768 places of maps")):
        e = found(planted_network(), planted_pictures(3), (site,)).evidence[0]
        assert e.remark.endswith(word)
        assert e.unit is None
        assert math.isnan(e.p)


def test_the_same_seed_gives_the_same_findings(planted: Findings) -> None:
    """Twice the same search is the same to the last bit; another seed draws other halves."""
    again = found(planted_network(), planted_pictures(), ("filters",))
    for name, scores in planted.scores.items():
        np.testing.assert_array_equal(scores, again.scores[name])
    other = found(planted_network(), planted_pictures(), ("filters",), seed=7)
    assert not np.array_equal(other.scores["auc"], again.scores["auc"], equal_nan=True)
    assert other.counts.seed == 7


@pytest.mark.parametrize("side", [16, 32])
@pytest.mark.parametrize("column", [0, 5, 13])
def test_the_null_meets_a_concept_wherever_it_lies(side: int, column: int) -> None:
    """A unit that sees a concept which is always in one column follows it more than by chance, whichever it is."""
    rng = np.random.default_rng(column)
    masks = np.zeros((200, 1, side, side), bool)
    for picture, row in zip(masks[::2, 0], rng.integers(0, side - 3, 100), strict=True):
        picture[row : row + 3, column] = True
    pixels = rng.random((200, 1, side, side), np.float32) * 0.5
    pixels[masks] += 0.4
    layer = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(layer.weight)
    network = wrap(nn.Sequential(layer, nn.Flatten(), nn.Linear(side * side, 2)), (1, side, side))
    (evidence,) = found(network, ImageSet("columns", pixels, masks=masks, concepts=("stroke",)), ("0",)).evidence
    assert evidence.score > 0.6
    assert evidence.p < 0.01
