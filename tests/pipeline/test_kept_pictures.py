"""A search over pictures that was kept is the search, for every table and page; what it hangs on makes another file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted_network import planted_network, planted_pictures, planted_rows
from torch import nn

from cellscope.axes import Site
from cellscope.cli.find import say_findings
from cellscope.data.images import ImageSet
from cellscope.features.concepts import concepts_of
from cellscope.findings import Findings
from cellscope.models.classifier import Classifier
from cellscope.models.preprocessing import Preprocessing
from cellscope.pipeline import find_pictures as pipeline
from cellscope.pipeline import kept
from cellscope.pipeline.atlas import atlas
from cellscope.pipeline.atlaspage import compose_atlas
from cellscope.pipeline.exhibits import tracking
from cellscope.pipeline.find_pictures import PictureSearch, search_pictures
from cellscope.pipeline.picture_pages.concepts import Concepts
from cellscope.pipeline.picture_pages.material import Material

Pair = tuple[PictureSearch, PictureSearch]


def _rows() -> tuple[Classifier, ImageSet]:
    """Rows of which a class and a column have one name."""
    network, images = planted_rows()
    return network, replace(images, classes=("a", "high"))


SUBJECTS: dict[str, Callable[[], tuple[Classifier, ImageSet]]] = {
    "masks": lambda: (planted_network(), planted_pictures()),
    "classes": lambda: (planted_network(), replace(planted_pictures(120), masks=None, concepts=())),
    "rows": _rows,
}


@pytest.fixture(scope="module", params=SUBJECTS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A search, and the same again with counting switched off."""
    folder = tmp_path_factory.mktemp("kept")
    network, images = SUBJECTS[request.param]()
    made = PictureSearch(network, None, images, *search_pictures(network, images, control=folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "count_pictures", lambda *_, **__: pytest.fail("the pictures were shown again"))
        again = PictureSearch(network, None, images, *search_pictures(network, images, control=folder))
    return made, again


def test_what_was_kept_is_what_was_found(both: Pair) -> None:
    """Evidence, scores, table, JSON and the counts of every layer behind the figures, to the last digit."""
    made, again = both
    assert again.json() == made.json()
    _same(made.findings, again.findings)
    assert again.outlets == made.outlets


def _same(before: Findings, after: Findings) -> None:
    assert [repr(e) for e in after.evidence] == [repr(e) for e in before.evidence]
    assert (after.units, after.features) == (before.units, before.features)
    assert list(after.scores) == list(before.scores)
    for name, values in before.scores.items():
        np.testing.assert_array_equal(after.scores[name], values)
    assert after.table().equals(before.table())
    assert (after.summary(), after.draws, after.characters) == (before.summary(), before.draws, before.characters)
    np.testing.assert_array_equal(after.asked, before.asked)
    np.testing.assert_array_equal(after.tracks(), before.tracks())
    assert len(after.parts) == len(before.parts)
    for one, other in zip(before.parts, after.parts, strict=True):
        assert (other.units, other.features, other.spans) == (one.units, one.features, one.spans)
        assert other.terms is one.terms  # the question that a layer was asked is told by it
        assert (other.seed, other.characters, other.rounds) == (one.seed, one.characters, one.rounds)
        np.testing.assert_array_equal(other.labelled, one.labelled)
        np.testing.assert_array_equal(other.together, one.together)
        for name, values in one.tally.state().items():
            np.testing.assert_array_equal(other.tally.state()[name], values)


def test_the_atlas_and_the_terminal_are_the_same(both: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows, criterion, share and thumbnails of the atlas, and the lines of `find`."""
    one, other = (atlas(search) for search in both)
    assert other.json() == one.json()
    pages = [compose_atlas(made) for made in (one, other)]
    assert (pages[1].headline, pages[1].rows) == (pages[0].headline, pages[0].rows)
    np.testing.assert_array_equal(pages[1].sample.values, pages[0].sample.values)
    told = []
    for search in both:
        say_findings(search.findings, 0.9)
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "within" in told[0]


def test_pages_are_the_same(both: Pair) -> None:
    """What a concept's page shows of its units, curves, examples and readings of several units; the run's exhibit."""
    made, again = both
    material = Material.of(made)
    pages = [Concepts(one) for one in (material, replace(material, search=again))]
    for concept in range(len(made.findings.features)):
        one, other = (repr(concepts.page(concept)) for concepts in pages)
        assert other == one
    assert repr(tracking.exhibit(again.findings)) == repr(tracking.exhibit(made.findings))


def test_whatever_matters_makes_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, modules, preprocessing, pictures, labels, masks, columns, concepts, sites, seed, and this program."""
    network, images = planted_network(), planted_pictures(20)
    bare = replace(images, masks=None, concepts=())
    table, rows = planted_rows()
    bent = planted_network()
    bent.module.relu = nn.ReLU6(inplace=True)
    given: dict[str, Any] = {
        "network": network, "subject": images, "features": concepts_of(images), "sites": (Site("filters"),), "seed": 1
    }  # fmt: skip
    last = images.masks.shape
    variants: list[dict[str, Any]] = [
        {}, {"network": network.untrained(5)}, {"network": bent},
        {"network": replace(network, preprocessing=Preprocessing(mean=(0.5,) * 5, std=(1.0,) * 5))},
        {"subject": planted_pictures(20, seed=1)}, {"subject": planted_pictures(19)},
        {"subject": replace(images, labels=1 - images.labels)}, {"subject": bare},
        {"subject": replace(images, masks=images.masks[::-1].copy())},
        {"subject": replace(images, masks=images.masks.reshape(*last[:2], last[2] * 2, last[3] // 2))},
        {"features": concepts_of(images)[:2]}, {"features": concepts_of(images)[1::-1]},
        {"sites": (Site("relu"),)}, {"sites": (Site("filters"), Site("relu"))}, {"seed": 2},
        {"network": table, "subject": rows, "features": concepts_of(rows)[2:3]},
        {"network": table, "subject": replace(rows, columns=("b", "a", "c")), "features": concepts_of(rows)[2:3]},
    ]  # fmt: skip
    paths = {kept.place(tmp_path, **(given | variant)) for variant in variants}
    assert len(paths) == len(variants)
    assert kept.place(tmp_path, **given) in paths
    monkeypatch.setattr(kept, "_program", lambda: "another version")
    assert kept.place(tmp_path, **given) not in paths


@pytest.mark.parametrize("damage", ["nothing", "cut", "a part is missing", "an unknown word"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is believed that cannot be read."""
    network, images = planted_network(), planted_pictures(60)
    options: dict[str, Any] = {"sites": ("filters", "top"), "control": tmp_path}
    _, made = search_pictures(network, images, **options)
    (path,) = tmp_path.glob(kept.PATTERN)
    whole = path.read_bytes()
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    if damage == "a part is missing":
        np.savez(path, **{name: values for name, values in arrays.items() if name != "1 tally positive"})
    elif damage == "an unknown word":
        said = arrays["about"].tobytes().replace(b'"places"', b'"palace"')
        np.savez(path, **arrays | {"about": np.frombuffer(said, np.uint8)})
    else:
        path.write_bytes(whole[:-300] if damage == "cut" else b"")
    assert kept.recall(path, concepts_of(images)) is None
    _, again = search_pictures(network, images, **options)
    _same(made, again)
    monkeypatch.setattr(pipeline, "count_pictures", lambda *_, **__: pytest.fail("it was not kept again"))
    _same(made, search_pictures(network, images, **options)[1])


def test_what_is_too_large_is_not_kept(both: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packing ends as soon as it is known to be too much."""
    packed: list[int] = []
    narrow = kept._narrow
    monkeypatch.setattr(kept, "_narrow", lambda values: packed.append(values.nbytes) or narrow(values))
    monkeypatch.setattr(kept, "MOST_BYTES", 100)
    kept.keep(tmp_path / "findings-0.npz", both[0].findings)
    assert not any(tmp_path.iterdir())
    assert len(packed) == 1
