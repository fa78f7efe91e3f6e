"""The component that is searched is the one that is lesioned and held; directions from files say what weakens them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted_switch import SIZE, switch_run

from cellscope.axes import Site
from cellscope.errors import InputError, MissingError
from cellscope.models.network import Network
from cellscope.pipeline.components import Component, component_of, learnt_from
from cellscope.pipeline.find import SEED, find_in
from cellscope.pipeline.probing import probe_in
from cellscope.pipeline.saved import beside
from cellscope.pipeline.searched import search_with
from cellscope.pipeline.training import run_corpus
from cellscope.training.run import RunFolder, load_network

CELL = Site("lstm.0", "cell")
INSIDE, LETTER = "inside=<[ab]*", "letter-a=a"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    switch_run(folder)
    return folder


def searched(place: Path, address: str, **options: Any) -> Any:
    return search_with("switch", address, runs=place / "runs", **{"asked": (INSIDE,), **options})


def component(network: Network, address: str) -> Component:
    found = component_of(network, address)
    assert found is not None
    return found


@pytest.mark.parametrize("address", ["lstm.0.cell:ica/3", "lstm.0.forget:dictionary-5/4"])
def test_a_component_is_the_same_wherever_it_is_asked_for(place: Path, address: str) -> None:
    """A search and what lesions and holds learn it from the same rows, beside the same others, with the same seed."""
    search, unit = searched(place, address)
    run = RunFolder(place / "runs" / "switch")
    network = load_network(run)
    basis, again = learnt_from(network, lambda _: run_corpus(run), seed=SEED)(component(network, address))
    (own,) = (b for b in search.bases if b.site == unit.site)
    assert again == unit
    np.testing.assert_array_equal(basis.directions, own.directions)
    np.testing.assert_array_equal(basis.offset, own.offset)


def test_a_direction_of_a_feature_is_found_whatever_else_is_asked_for(place: Path) -> None:
    """Its feature is searched for beside those that were asked for; one that is nobody's is refused at once."""
    search, unit = searched(place, "lstm.0.cell:probe/word-start", asked=(LETTER,))
    assert search.bases[0].names[unit.index] == "word-start"
    assert [f.name for f in search.findings.features] == ["letter-a", "word-start"]


def test_what_is_not_there_is_said_before_anything_is_heard(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No feature of that name, no such row, no such file, too few numbers."""
    monkeypatch.setattr("cellscope.pipeline.searched.find_in", lambda *_, **__: pytest.fail("searched"))
    np.save(tmp_path / "one.npy", np.ones(SIZE, np.float32))
    np.save(tmp_path / "short.npy", np.ones(3, np.float32))
    for which, error, said in (
        ("probe/hurl", MissingError, "no feature 'hurl'"),
        (f"{tmp_path}/one.npy/1", MissingError, "no component 1 in lstm.0.cell:one.npy; it has 0 to 0"),
        (f"{tmp_path}/none.npy", InputError, "no file"),
        (f"{tmp_path}/short.npy", InputError, "must hold directions of 12 numbers"),
    ):
        with pytest.raises(error, match=said):
            searched(place, f"lstm.0.cell:{which}")


def test_a_direction_from_a_file_has_no_untrained_control(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was fitted to fresh weights, so they are no bar; that is said."""
    monkeypatch.setattr(Network, "untrained", lambda *_: pytest.fail("asked"))
    np.save(tmp_path / "own.npy", np.eye(SIZE, dtype=np.float32)[0])
    search, unit = searched(place, f"lstm.0.cell:{tmp_path / 'own.npy'}")
    (e,) = search.findings.evidence
    assert e.unit == unit
    assert e.found
    assert math.isnan(e.untrained)
    control, text = search.caveats
    assert "no untrained control of a saved direction" in control
    assert "Nothing beside own.npy says which text it was fitted to" in text


def test_a_saved_direction_knows_its_text(place: Path, tmp_path: Path) -> None:
    """Where a search chooses on the blocks that it was fitted to nothing is to be said; where it cuts otherwise, or
    what lies beside is damaged, its scores are doubted.
    """
    file = tmp_path / "inside.npy"
    probe_in("switch", runs=place / "runs", asked=(INSIDE,), streams="c", draws=1, save=file)
    content = json.loads(beside(file).read_text())
    assert (content["feature"], content["stream"], content["start"], content["stop"]) == (
        "inside", "lstm.0:cell", 0, 12_000,
    )  # fmt: skip
    same, other = (searched(place, f"lstm.0.cell:{file}", characters=n)[0] for n in (0, 8_000))
    assert len(same.caveats) == 1
    assert "was fitted to every other block of characters 0 to 12,000 of 'switched.txt'" in other.caveats[1]
    for damage in ("", "[]", "{", '{"a": 1}', json.dumps({**content, "start": "0"}), "[" * 100_000):
        beside(file).write_text(damage)
        assert "Nothing beside inside.npy says" in searched(place, f"lstm.0.cell:{file}")[0].caveats[1]
    (tmp_path / "other.json").write_text("somebody's")
    with pytest.raises(InputError, match=r"other.json is there already"):
        probe_in("switch", runs=place / "runs", asked=(INSIDE,), streams="c", save=tmp_path / "other.npy")


def test_other_bases_have_no_such_caveats(place: Path) -> None:
    """What is learnt for the network is learnt for the untrained one as well."""
    search = find_in("switch", runs=place / "runs", asked=(INSIDE,), basis="pca")
    assert search.caveats == []
    assert not math.isnan(search.findings.evidence[0].untrained)
