"""The atlas of a network for pictures: the same rows and criterion as for a text, over a planted network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from planted_network import DOWN, UP, planted_network, planted_pictures, planted_rows

from cellscope.data.images import ImageSet
from cellscope.pipeline.atlas import Atlas, atlas
from cellscope.pipeline.atlas_scenes import chosen, scenes
from cellscope.pipeline.atlaspage import compose_atlas, write_atlas
from cellscope.pipeline.find_pictures import PictureSearch, find_pictures
from cellscope.pipeline.picture_pages.material import maps_of
from cellscope.report.atlas import Scenes


@pytest.fixture(scope="module")
def search() -> PictureSearch:
    return find_pictures(planted_network(), None, planted_pictures())


@pytest.fixture(scope="module")
def made(search: PictureSearch) -> Atlas:
    return atlas(search)


def test_the_planted_units_are_found_in_every_layer_that_has_them(made: Atlas) -> None:
    """Filter, activation and norm of the planted units, each at its concept with its sign; red is given away."""
    rows = {str(row["unit"]): row for row in made.rows()}
    assert len(rows) == len(made.entries) == len(made.search.findings.units)
    for site in ("filters", "relu", "norm"):
        up, down = rows[f"{site}/{UP}"], rows[f"{site}/{DOWN}"]
        assert (up["evidence"], up["feature"], up["sign"]) == ("found", "up", 1)
        assert (down["evidence"], down["feature"], down["sign"]) == ("found", "down", -1)
    assert rows[f"filters/{UP}"]["kind"] == "Conv2d"
    red = [row for row in rows.values() if row["evidence"] == "plain"]
    assert red
    assert {row["feature"] for row in red} == {"red"}
    assert all(str(row["why"]).startswith("the colours alone give") for row in red)
    assert {row["evidence"] for row in rows.values()} == {"found", "plain", "no"}


def test_the_share_of_all_layers_is_that_of_the_rows(made: Atlas) -> None:
    """Units of all layers are counted, and each is drawn anew from the counts of its own layer."""
    over = [r for r in made.rows() if r["evidence"] == "found" and isinstance(r["score"], float) and r["score"] >= 0.9]
    assert made.share.number == len(over) == 6
    assert made.share.low == made.share.high == 6  # perfect units stay perfect, whichever pictures are drawn
    assert made.sentence.startswith("6 of 26 units (23.1 %) track a concept at 0.9")


def test_json_speaks_of_pictures(made: Atlas) -> None:
    """Concepts and pictures in place of features and characters; no NaN."""
    content = json.loads(made.json(), parse_constant=pytest.fail)
    assert (content["images"], content["pictures"], content["concepts"]) == ("planted", 240, 5)
    assert content["concepts_tracked"] == 2
    assert "colours alone" in content["criterion"]
    assert not any("character" in key for key in content)


def test_thumbnails_are_the_maps_of_the_pictures(made: Atlas, search: PictureSearch) -> None:
    """On pictures of which some have a found concept and some have not; marks are the masks."""
    sample = compose_atlas(made).sample
    assert isinstance(sample, Scenes)
    numbers = chosen(search)
    assert sample.values.shape == (len(numbers), 16, 16, 26)
    assert len(set(numbers.tolist())) == len(numbers) == 6
    masks = search.images.masks_of(numbers)
    for concept, name in enumerate(("up", "down")):
        assert np.array_equal(sample.marks[name], masks[:, concept])
        assert masks[:, concept].any()
    column = [str(row["unit"]) for row in made.rows()].index(f"relu/{UP}")
    relu = next(o.site for o in search.outlets if str(o.site) == "relu")
    heard = maps_of(search.network, search.images.pixels(numbers), [relu])[relu]
    np.testing.assert_allclose(sample.values[..., column], heard[:, UP], atol=1e-6)
    inside = sample.marks["up"]
    assert sample.values[..., column][inside].min() > sample.values[..., column][~inside].max()


def test_many_units_have_smaller_thumbnails(search: PictureSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers in the page stay bounded; a grid of fewer places has their means."""
    monkeypatch.setattr("cellscope.pipeline.atlas_scenes.MOST", 26 * 6 * 64)
    small = scenes(search, range(26))
    assert small.values.shape[1:3] == (8, 8)


def test_masks_are_unpacked_few_at_a_time(search: PictureSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number, the same pictures are chosen."""
    usual, asked = chosen(search), []
    masks_of = ImageSet.masks_of
    monkeypatch.setattr(ImageSet, "masks_of", lambda self, which: asked.append(len(which)) or masks_of(self, which))
    monkeypatch.setattr("cellscope.pipeline.atlas_scenes.PART", 7)
    assert np.array_equal(chosen(search), usual)
    assert (max(asked), sum(asked)) == (7, 240)


def test_the_page_lies_with_the_others(made: Atlas, tmp_path: Path) -> None:
    """atlas.html says what the terminal says, and the index lists it."""
    path = write_atlas(made, tmp_path)
    about = json.loads(path.with_suffix(".json").read_text())
    assert about["sentence"].replace("\u00a0", " ") == made.sentence + "."
    assert about["run"]["corpus"] == "planted"
    assert "atlas.html" in (tmp_path / "index.html").read_text()


def test_a_unit_that_does_nothing_is_said_to() -> None:
    """One value everywhere is told as that, not as chance."""
    network = planted_network()
    with torch.no_grad():
        network.module.filters.weight[0] = 0
    rows = {str(r["unit"]): r for r in atlas(find_pictures(network, None, planted_pictures(60))).rows()}
    assert rows["filters/0"]["why"] == "it does one thing throughout the set of pictures"


def test_rows_of_numbers_have_an_atlas() -> None:
    """Columns are tracked by correlation, and there are thumbnails without pictures."""
    network, images = planted_rows()
    made = atlas(find_pictures(network, None, images))
    assert {str(r["unit"]): r["feature"] for r in made.rows()}["model/1"] == "a"
    sample = compose_atlas(made).sample
    assert isinstance(sample, Scenes)
    assert sample.pictures is None
    assert sample.values.shape == (24, 1, 1, 2)


def test_too_few_pictures_have_an_atlas_that_says_so() -> None:
    """Nothing can be judged, and that is no error."""
    made = atlas(find_pictures(planted_network(), None, planted_pictures(6)))
    assert {entry.answer for entry in made.entries} == {"no"}
    assert compose_atlas(made).headline.good is False
    json.loads(made.json(), parse_constant=pytest.fail)
