"""Addresses of components: one way to write them, and what they mean to a portrait, an edit and a search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cellscope.axes import Site, Unit
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.evidence.bases import Basis
from cellscope.evidence.portraits import portray
from cellscope.evidence.steering import Held, edits_of
from cellscope.features.library import select
from cellscope.models.network import Network
from cellscope.pipeline.bases import Choice
from cellscope.pipeline.components import component_of, learnt_from, named
from cellscope.pipeline.steering import steer

CELL = Site("lstm.0", "cell")


@pytest.mark.parametrize(
    ("typed", "choice", "which"),
    [
        ("lstm.0.cell:pca/3", Choice("pca"), "3"),
        ("lstm.0.c:ica/3", Choice("ica"), "3"),
        ("lstm.0.cell:ica-4/3", Choice("ica", 4), "3"),
        ("lstm.0.cell:dictionary-40/39", Choice("dictionary", 40), "39"),
        ("lstm.0.cell:probe/parentheses", Choice("probe"), "parentheses"),
        ("lstm.0.cell:a folder/url.npy", Choice("a folder/url.npy"), "0"),
        ("lstm.0.cell:a folder/url.npy/2", Choice("a folder/url.npy"), "2"),
        ("lstm.0.cell:probe/url.npy", Choice("probe/url.npy"), "0"),
        ("lstm.0.cell:ica-3/2026112900/url.npy/1", Choice("ica-3/2026112900/url.npy"), "1"),
    ],
)
def test_an_address_says_what_is_meant(latch: Network, typed: str, choice: Choice, which: str) -> None:
    """Stream, basis (with the number of its components where that was chosen, or a file), and component."""
    component = component_of(latch, typed)
    assert component is not None
    assert (component.over, component.choice, component.which) == ((CELL,), choice, which)


def test_units_keep_their_addresses(latch: Network) -> None:
    """What is no component is a unit."""
    assert component_of(latch, "lstm.0:cell/3") is None
    assert named(latch, "c/3") == Unit(CELL, 3)


@pytest.mark.parametrize(
    ("typed", "kind", "said"),
    [
        ("lstm.7.cell:pca/0", MissingError, "no stream 'lstm.7.cell'; there is"),
        ("lstm.0.cell:pca", InputError, "give its number, as in lstm.0.cell:pca/0"),
        ("lstm.0.cell:pca/url", InputError, "give its number"),
        ("lstm.0.cell:pca/8", MissingError, "no component 8 in lstm.0.cell:pca; it has 0 to 7"),
        ("lstm.0.cell:ica-4/4", MissingError, "it has 0 to 3"),
        ("lstm.0.cell:ica-0/0", InputError, "a basis of no components has none; write ica-1"),
        ("lstm.0.cell:probe-3/url", InputError, "leave the number of components out"),
        ("lstm.0.cell:pca/" + 5000 * "1", MissingError, "no basis of lstm.0.cell has so many components"),
        ("lstm.0.cell:ica-" + 5000 * "1" + "/1", MissingError, "has so many components"),
        ("lstm.0.cell:probe/" + 5000 * "1", MissingError, "has so many components"),
        ("lstm.0.cell:url.npy/" + 5000 * "1", MissingError, "has so many components"),
        ("lstm.0:cell/" + 5000 * "1", InputError, "is no unit"),
        ("all:pca/0", MissingError, "write lstm.0.hidden, lstm.0.cell in place of all"),
        ("lstm.0.cell:tsne/0", MissingError, "no site 'lstm.0.cell:tsne'"),
    ],
)
def test_what_is_not_there_is_told(latch: Network, typed: str, kind: type[InputError], said: str) -> None:
    """One line that says what there is."""
    with pytest.raises(kind) as told:
        named(latch, typed)
    assert said in str(told.value)


def test_a_component_that_is_a_unit_has_its_portrait(latch: Network, bracket_corpus: Corpus) -> None:
    """Kind, levels and effect on the next character are those of the unit; gates it has none."""
    basis = Basis(Site("lstm.0.cell", "own.npy"), (CELL,), 2 * np.eye(8, dtype=np.float32)[:, :1], np.float32([1.0]))
    feature = select(["parentheses"])[0]
    unit = portray(latch, bracket_corpus, Unit(CELL, 0), feature)
    same = portray(latch, bracket_corpus, Unit(basis.site, 0), feature, basis=basis)
    assert same.kind.name == unit.kind.name
    assert same.kind.inside == pytest.approx(2 * unit.kind.inside + 1, rel=1e-4)
    assert (same.moves.gates, same.moves.memory) == ({}, None)
    assert unit.effect is not None
    assert same.effect is not None
    assert same.effect.moved == pytest.approx(unit.effect.moved, abs=1e-5)


def test_a_held_component_has_its_value(latch: Network, bracket_corpus: Corpus) -> None:
    """Held beside a unit of the same stream, both are at their values on every character."""
    learn = learnt_from(latch, lambda _: bracket_corpus, seed=1)
    steered = steer(latch, ["lstm.0.cell:pca/1=2.5", "c/3=0.25"], length=40, learn=learn)
    np.testing.assert_allclose(steered.with_hold.values[:, 0], 2.5, atol=1e-3)
    np.testing.assert_allclose(steered.with_hold.values[:, 1], 0.25, atol=1e-4)
    assert steered.name == "lstm.0.cell:pca/1 held at +2.5, lstm.0:cell/3 held at +0.25"
    with pytest.raises(InputError, match="held twice"):
        steer(latch, ["lstm.0.cell:pca/1=1", "lstm.0.c:pca/1=2"], learn=learn)
    with pytest.raises(InputError, match="cellscope probe --save"):
        steer(latch, ["lstm.0.cell:pca/1=1"])
    with pytest.raises(InputError, match="a direction is held in one stream"):
        steer(latch, ["all:probe/parentheses=1"], learn=learn)


def test_a_saved_direction_needs_no_text(latch: Network, tmp_path: Path) -> None:
    """The state's product with the file's direction is the value; a file of another size is refused."""
    direction = np.linspace(-1, 1, 8, dtype=np.float32)
    np.save(tmp_path / "one.npy", direction)
    steered = steer(latch, [f"lstm.0.cell:{tmp_path / 'one.npy'}=-3"], length=10)
    np.testing.assert_allclose(steered.with_hold.values[:, 0], -3, atol=1e-3)
    np.save(tmp_path / "short.npy", np.ones(5))
    with pytest.raises(InputError, match="must hold directions of 8 numbers for lstm.0:cell"):
        steer(latch, [f"lstm.0.cell:{tmp_path / 'short.npy'}=1"])
    with pytest.raises(MissingError, match=r"no component 1 in lstm.0.cell:one.npy; it has 0 to 0"):
        steer(latch, [f"lstm.0.cell:{tmp_path / 'one.npy'}/1=1"])


def test_a_unit_as_a_direction_is_that_unit() -> None:
    """The edit of a one-hot component does what the edit of the unit does."""
    basis = Basis(Site("lstm.0.cell", "x"), (CELL,), np.eye(4, dtype=np.float32), np.zeros(4, np.float32))
    values = torch.arange(8.0).view(2, 4)
    own, same = edits_of([Held(Unit(CELL, 2), 0.5)]), edits_of([Held(Unit(basis.site, 2), 0.5, basis)])
    assert torch.allclose(own[CELL](values.clone(), 0), same[CELL](values.clone(), 0))


def test_what_is_held_twice_is_one_direction_of_one_name() -> None:
    """Two that are the first of their bases may be held together, and one may not be held twice."""
    site, none = Site("lstm.0.cell", "probe"), np.zeros(1, np.float32)
    both = []
    for k, name in enumerate(("url", "quote")):
        direction = np.eye(4, dtype=np.float32)[:, k : k + 1]
        both.append(Held(Unit(site, 0), 0.5 + k, Basis(site, (CELL,), direction, none, names=(name,))))
    held = edits_of(both)[CELL](torch.zeros(1, 4), 0)
    assert torch.allclose(held, torch.tensor([[0.5, 1.5, 0.0, 0.0]]), atol=1e-6)
    with pytest.raises(InputError, match=r"lstm.0.cell:probe/url is held twice, at 0.5 and 0.5"):
        edits_of([both[0], both[0]])
