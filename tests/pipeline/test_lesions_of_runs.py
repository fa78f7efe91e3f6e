"""From a run to a verdict: the planted switch is needed, random units are not, and a map is its single lesions."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted_switch import SIZE, switch_run

from cellscope.axes import Site, Unit
from cellscope.errors import InputError, MissingError
from cellscope.evidence.lesions import lesion_changes
from cellscope.evidence.zones import ELSEWHERE, INSIDE
from cellscope.pipeline import lesion_map as maps
from cellscope.pipeline.causes import causes_of
from cellscope.pipeline.components import component_of
from cellscope.pipeline.explain import explain
from cellscope.pipeline.find import Search, find_in
from cellscope.pipeline.lesion_directions import components_by
from cellscope.pipeline.lesion_map import Mapped, map_in, read_map
from cellscope.pipeline.lesion_pages import write_lesion, write_map
from cellscope.pipeline.lesions import Lesioned, lesion_in
from cellscope.pipeline.unitpage import compose_unit
from cellscope.training.run import RunFolder, load_network

ASKED = ("inside=<[ab]*", "letter-a=a")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lesions")
    switch_run(folder)
    return folder


def lesioned(place: Path, *addresses: str, **options: Any) -> Lesioned:
    return lesion_in("switch", addresses, runs=place / "runs", **{"asked": ASKED[:1], "fill": "zero", **options})


@pytest.fixture(scope="module")
def mapped(place: Path) -> Mapped:
    return map_in("switch", runs=place / "runs", asked=ASKED, fill="zero")


def test_the_planted_switch_is_needed(place: Path) -> None:
    """The unit that carries a feature is needed inside it and nowhere else; another unit is not."""
    need = lesioned(place, "c/0").needs[0]
    assert need.verdict == "needed"
    assert need.sentence.startswith("The network needs lstm.0:cell/0 inside inside: held at zero, a character inside")
    assert need.above == 0
    assert len(need.random) == SIZE - 1
    assert abs(need.effect.elsewhere.value) < 0.05
    least, most = need.ratios
    assert 0 < least <= most
    assert need.likeness in need.sentence
    assert replace(need, ratios=(0.5, 3.0)).likeness == "of like variance (0.5 to 3 times its)"
    assert replace(need, ratios=(0.5, 30.0)).likeness == "of nearest variance (0.5 to 30 times its)"
    assert "none of it alike (12 to 25 times its)" in replace(need, ratios=(12.0, 25.0)).sentence
    other = lesioned(place, "c/3").needs[0]
    assert other.verdict == "not needed"
    assert other.above >= 1
    assert "lstm.0:cell/0" in {r.name for r in other.random}


def test_the_best_units_hold_the_switch(place: Path) -> None:
    """Of k = 1, 2, 4 ... best units the first is the switch, chosen on other text; keeping it alone saves most."""
    need = lesioned(place, "c/3").needs[0]
    own = lesioned(place, "c/0").needs[0]
    assert [s.k for s in need.several] == [1, 2, 4, 8, SIZE]
    assert need.several[0].best.inside.value == pytest.approx(own.effect.inside.value, abs=1e-4)
    assert need.several[1].best.inside.value > 1
    assert own.kept is not None
    assert need.kept is not None
    assert own.kept.restored > 0.9
    assert need.kept.restored < 0.2
    assert own.several[-1].best.inside.value > 1


def test_fills_are_those_of_the_text_before(place: Path) -> None:
    """The mean of the switch costs elsewhere too, its mean outside the feature and zero do not."""
    elsewhere = {
        fill: lesioned(place, "c/0", fill=fill).needs[0].effect.elsewhere.value for fill in ("mean", "outside")
    }
    assert elsewhere["mean"] > 0.1
    assert abs(elsewhere["outside"]) < 0.05


def test_sets_and_sites_are_lesioned_together(place: Path) -> None:
    """Two addresses are one lesion; a site alone means all its units, which leaves nothing to compare with."""
    both = lesioned(place, "c/0", "h/0", "c/0")
    assert both.needs[0].many == 2
    assert both.needs[0].name == "lstm.0:cell/0, lstm.0:hidden/0"
    whole = lesioned(place, "lstm.0:cell").needs[0]
    assert (whole.many, whole.random, whole.verdict) == (SIZE, (), "not judged")
    assert whole.name == "all of lstm.0:cell"


def test_without_a_feature_all_are_told(place: Path) -> None:
    """Every span feature of the library that the text has, what costs most first; what it has not is named."""
    found = lesioned(place, "c/0", asked=())
    inside = [need.effect.inside.value for need in found.needs]
    assert inside == sorted(inside, reverse=True)
    assert "url" in found.subject.left_out
    assert not found.needs[0].several


def test_json_has_every_figure(place: Path) -> None:
    """Verdict, sentence, zones, controls and seed are in the JSON; what is no number is null."""
    need = json.loads(lesioned(place, "c/0").json())["needs"][0]
    assert need["verdict"] == "needed"
    assert set(need["effect"]) == {"name", "inside", "end", "elsewhere", "over"}
    assert need["counted"]["inside"] + need["counted"]["elsewhere"] <= 6000
    assert need["seed"] == 123
    assert need["kept"]["restored"] > 0.9
    assert json.loads(lesioned(place, "lstm.0:cell").json())["needs"][0]["kept"] is None


def test_a_map_is_its_single_lesions(place: Path, mapped: Mapped) -> None:
    """Each row of the map is what a lesion of that unit alone changes."""
    subject, found = mapped.subject, mapped.map
    assert len(found.units) == 2 * SIZE
    for unit in (Unit(Site("lstm.0", "cell"), 0), Unit(Site("lstm.0", "hidden"), 5)):
        one = maps.held_at("one", {unit.site: np.array([unit.index])}, {unit.site: np.zeros(SIZE, np.float32)})
        alone = lesion_changes(subject.network, subject.corpus, subject.features, [one], start=subject.start)
        row = found.units.index(unit)
        assert np.allclose(found.changes.changed[row], alone.changed[0], atol=1e-3)
        assert found.inside[row, 0] == pytest.approx(alone.mean()[0, 0, INSIDE], abs=1e-5)


def test_the_leader_of_a_map_is_the_switch(mapped: Mapped) -> None:
    """Cell or hidden unit 0 is what the feature needs; the leader is reported on the blocks it was not chosen on."""
    leader = mapped.map.leaders()[0]
    assert leader.unit.index == 0
    assert leader.needed
    assert abs(leader.elsewhere.value) < 0.05
    assert leader.characters < mapped.map.changes.counts.sum(0)[0, INSIDE]
    odd = mapped.map.changes.take(slice(1, None, 2))
    assert leader.inside.value == pytest.approx(odd.mean()[mapped.map.units.index(leader.unit), 0, INSIDE])
    assert mapped.map.sentence.startswith(("1 of 2 features need", "2 of 2 features need"))
    value, low, high = mapped.map.intervals()
    assert value.shape == (2 * SIZE, 2, 3)
    assert (low[0, 0, ELSEWHERE] <= value[0, 0, ELSEWHERE]) & (value[0, 0, ELSEWHERE] <= high[0, 0, ELSEWHERE])


def test_an_interrupted_map_goes_on(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A map that was stopped after a batch is the whole one's equal, bit by bit, and plays only what is left."""
    monkeypatch.setattr("cellscope.evidence.lesions.LANES", 8 * 16)  # seven lesions a batch
    switch_run(tmp_path)
    played: list[int] = []

    class Stopped(Exception):
        pass

    def stop(done: int, total: int, text: str) -> None:
        played.append(done)
        if text == "" and done > 0.6 * total:
            raise Stopped

    with pytest.raises(Stopped):
        map_in("switch", runs=tmp_path / "runs", asked=ASKED, fill="zero", progress=stop)
    assert read_map(RunFolder(tmp_path / "runs" / "switch")) is None
    rest: list[int] = []
    resumed = map_in("switch", runs=tmp_path / "runs", asked=ASKED, fill="zero",
                     progress=lambda done, total, text: rest.append(done) if text == "" else None)  # fmt: skip
    assert min(rest) > 0.5 * max(rest)
    whole_run = tmp_path / "whole"
    whole_run.mkdir()
    switch_run(whole_run)
    whole = map_in("switch", runs=whole_run / "runs", asked=ASKED, fill="zero")
    assert np.array_equal(resumed.map.changes.changed, whole.map.changes.changed)
    assert np.array_equal(resumed.map.changes.free, whole.map.changes.free)


def test_a_kept_map_is_read(place: Path, mapped: Mapped) -> None:
    """The run's folder gives the same map back, for the same weights alone; a damaged file is none."""
    run = mapped.subject.run
    assert run is not None
    kept = read_map(run, mapped.subject.network)
    assert kept is not None
    assert kept.units == mapped.map.units
    assert np.array_equal(kept.changes.changed, mapped.map.changes.changed)
    assert read_map(run, mapped.subject.network.untrained(1)) is None
    again: list[int] = []
    map_in("switch", runs=place / "runs", asked=ASKED, fill="zero",
           progress=lambda done, total, text: again.append(done) if text == "" else None)  # fmt: skip
    assert again == []
    for file in (run.path / "lesions").glob("*.safetensors"):
        file.write_bytes(b"damaged")
    assert read_map(run) is None


def test_pages_are_written(place: Path, mapped: Mapped) -> None:
    """A study of some units and one of the map lie in the run's folder of reports, with the verdicts in their JSON."""
    reports = place / "reports"
    page = write_lesion(lesioned(place, "c/0"), reports)
    assert re.fullmatch(r"study-lesion-lstm.0-cell-0-at-inside-filled-with-zero-[0-9a-f]{8}.html", page.name)
    assert "The network needs lstm.0:cell/0" in page.read_text("utf-8")
    assert "Every unit in turn" in write_map(mapped, reports).read_text("utf-8")
    assert (reports / "switch" / "study-lesions~lesions.csv").exists()
    rows = (reports / "switch" / "study-lesions~units.csv").read_text("utf-8").splitlines()
    assert len(rows) == 1 + len(mapped.map.units)
    other = write_lesion(lesioned(place, "c/0", asked=(), draws=2), reports)
    assert re.fullmatch(r"study-lesion-lstm.0-cell-0-filled-with-zero-[0-9a-f]{8}.html", other.name)
    plain = write_lesion(lesioned(place, "c/0", asked=(), draws=2, fill="mean"), reports)
    assert plain == reports / "switch" / "study-lesion-lstm.0-cell-0.html"
    some = [write_lesion(lesioned(place, *units.split(), asked=(), draws=2, characters=3000), reports) for units in
            ("c/0 c/1 c/2 c/3 c/4", "c/0 c/1 c/2 c/3 c/5")]  # fmt: skip
    assert len({page, other, *some}) == 4
    index = (reports / "index.html").read_text("utf-8")
    assert all(written.name in index for written in (page, other, *some))


@pytest.mark.parametrize(
    ("addresses", "options", "error", "said"),
    [
        (("c/99",), {}, MissingError, "no unit 99 in lstm.0:cell; it has 0 to 11"),
        (("lstm.7:cell/0",), {}, MissingError, "no site 'lstm.7:cell'"),
        (("features.3/1",), {}, MissingError, "lstm.0:hidden"),
        ((), {}, InputError, "which unit"),
        (("c/0",), {"asked": ("url",)}, InputError, "feature 'url' is on 0 of the last 6,000"),
        (("c/0",), {"asked": ("column",)}, InputError, "column is a number at every character"),
        (("c/0",), {"asked": (), "fill": "outside"}, InputError, "name one"),
        (("c/0",), {"which": "77"}, MissingError, "snapshot"),
    ],
)
def test_what_cannot_be_lesioned_is_said(
    place: Path, addresses: tuple[str, ...], options: dict[str, Any], error: type[InputError], said: str
) -> None:
    """One line that says what was wrong and what there is."""
    with pytest.raises(error) as caught:
        lesioned(place, *addresses, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_text_may_be_too_short(tmp_path: Path) -> None:
    """A text that leaves nothing to choose on is refused."""
    switch_run(tmp_path, length=3000)
    with pytest.raises(InputError, match="3,000 characters, and lesions need 4,096"):
        lesioned(tmp_path, "c/0")


def test_a_map_has_one_value_for_all_features(tmp_path: Path) -> None:
    """--fill outside is refused for a map before any run is opened."""
    with pytest.raises(InputError, match="--fill zero or mean"):
        map_in("there is no such run", runs=tmp_path, fill="outside")


def searched(place: Path) -> Search:
    return find_in("switch", runs=place / "runs", asked=("inside=<[ab]*", "letter-a=a"))


def test_explain_says_what_is_lost_without_the_unit(place: Path) -> None:
    """The page and JSON of a unit have its causes: needed inside the feature, beside units of like variance."""
    for file in (place / "runs" / "switch" / "lesions").glob("*"):
        file.unlink()
    search = searched(place)
    explained = explain(search, Unit(Site("lstm.0", "cell"), 0))
    need = next(need for need in explained.causes if need.feature == "inside")
    assert need.needed
    assert need.fill == "mean"
    assert len(need.random) == SIZE - 1
    assert need.characters == 6000
    exhibit = next(one for one in compose_unit(explained).exhibits if one.key == "lesion")
    assert exhibit.sentence.startswith("The network needs lstm.0:cell/0")
    assert [cause["needed"] for cause in json.loads(explained.json())["causes"]] == [True, True]


def test_explain_takes_causes_from_the_map(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the run keeps a map of these weights and this text, its rows are the causes, and nothing is lesioned."""
    found = map_in("switch", runs=place / "runs", asked=ASKED, fill="mean").map
    monkeypatch.setattr("cellscope.pipeline.causes.planned", lambda *_, **__: pytest.fail("lesioned again"))
    unit = Unit(Site("lstm.0", "cell"), 0)
    causes = {need.feature: need for need in causes_of(searched(place), unit)}
    assert causes["inside"].effect.inside.value == pytest.approx(found.inside[found.units.index(unit), 0])
    assert causes["inside"].needed
    assert len(causes["inside"].random) == SIZE - 1


def test_a_direction_is_lesioned_like_a_unit(place: Path, tmp_path: Path) -> None:
    """The direction of one unit is that unit, with the same best units and complement; random directions of like
    variance stand beside; sizes are checked.
    """
    np.save(tmp_path / "own.npy", np.eye(SIZE, dtype=np.float32)[0] * 3)
    short: dict[str, Any] = {"characters": 3000, "draws": 6}
    need = lesioned(place, f"lstm.0.cell:{tmp_path / 'own.npy'}", **short).needs[0]
    own = lesioned(place, "c/0", **short).needs[0]
    assert need.effect.inside.value == pytest.approx(own.effect.inside.value, abs=1e-3)
    assert need.effect.elsewhere.value == pytest.approx(own.effect.elsewhere.value, abs=1e-3)
    assert len(need.random) == 6
    assert need.name == "lstm.0.cell:own.npy/0"
    assert "random directions of like variance" in need.sentence
    assert [s.k for s in need.several] == [s.k for s in own.several]
    assert need.several[0].best.inside.value == pytest.approx(own.several[0].best.inside.value, abs=1e-3)
    assert need.kept is not None
    assert own.kept is not None
    assert need.kept.only.inside.value == pytest.approx(own.kept.only.inside.value, abs=1e-3)
    assert need.kept.none.inside.value == pytest.approx(own.kept.none.inside.value, abs=1e-3)
    assert need.kept.restored > 0.9
    assert len(need.kept.random) == 5
    network = load_network(RunFolder(place / "runs" / "switch"))
    (asked,) = components_by(network, (), [f"lstm.0:cell={tmp_path / 'own.npy'}"])
    assert asked == component_of(network, f"lstm.0.c:{tmp_path / 'own.npy'}/0")
    np.save(tmp_path / "short.npy", np.ones(3, np.float32))
    with pytest.raises(InputError, match="must hold directions of 12 numbers"):
        lesioned(place, directions=[f"lstm.0:cell={tmp_path / 'short.npy'}"])
    with pytest.raises(InputError, match="is no direction"):
        lesioned(place, directions=["lstm.0:cell"])
    with pytest.raises(InputError, match="leave c/3 out"):
        lesioned(place, f"lstm.0.cell:{tmp_path / 'own.npy'}", "c/3")


def test_components_are_lesioned_by_their_addresses(place: Path, tmp_path: Path) -> None:
    """All principal components together are all units; one probed direction is held, and is fitted before the part
    that is read; a component twice, or over two streams, is refused.
    """
    short: dict[str, Any] = {"characters": 3000, "draws": 2, "asked": ()}
    every = lesioned(place, *(f"lstm.0.c:pca/{k}" for k in range(SIZE)), **short).needs[0]
    whole = lesioned(place, "lstm.0:cell", **short).needs[0]
    assert every.many == SIZE
    assert every.effect.inside.value == pytest.approx(whole.effect.inside.value, abs=1e-3)
    feature = short | {"asked": ASKED[:1]}
    probed = lesioned(place, "lstm.0.cell:probe/inside", **feature).needs[0]
    assert probed.name == "lstm.0.cell:probe/inside"
    assert probed.effect.inside.low > 0
    with pytest.raises(InputError, match="a direction is held in one stream"):
        lesioned(place, "all:probe/inside", **feature)
    with pytest.raises(MissingError, match="no component 12 in lstm.0.cell:pca; it has 0 to 11"):
        lesioned(place, "lstm.0.cell:pca/12")


def test_a_gate_has_causes_too(place: Path) -> None:
    """A unit of a gate is held in plain steps, on less text."""
    search = find_in("switch", runs=place / "runs", asked=ASKED[:1], streams="c,f")
    causes = causes_of(search, Unit(Site("lstm.0", "forget"), 0))
    assert causes[0].name == "lstm.0:forget/0"
    assert len(causes[0].random) == SIZE - 1


def test_characters_that_were_trained_on_are_said(tmp_path: Path) -> None:
    """Where less was held back than is read: how many, in words, in JSON and on the page; of another text nothing."""
    run = switch_run(tmp_path)
    held_back = lesioned(tmp_path, "c/0")
    assert (held_back.subject.learnt, held_back.subject.remark) == (0, "")
    info = run.info()
    info["corpus"] |= {"train": [0, 11_000], "validation": [11_000, 12_000]}
    (run.path / "run.json").write_text(json.dumps(info), encoding="utf-8")
    found = lesioned(tmp_path, "c/0")
    assert found.subject.remark.startswith("5,000 of these 6,000 characters were trained on")
    assert json.loads(found.json())["trained_on"] == 5000
    page = write_lesion(found, tmp_path / "reports").read_text("utf-8")
    assert "5,000 of these 6,000 characters were trained on" in page
    other = tmp_path / "other.txt"
    other.write_text((tmp_path / "switched.txt").read_text("utf-8")[1:], encoding="utf-8")
    assert lesioned(tmp_path, "c/0", text=other).subject.learnt == 0
