"""Maps with what belongs to them: rows of numbers, channels in the picture's order, plain JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.preprocessing import Preprocessing
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.pipeline.maps import Asked, fill_of, occlusion_map, place_of, saliency_map, target_of


def colour_network(order: str) -> Classifier:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = SmallCNNConfig((3, 8, 8), 3, (4,), 6, 3).build()
    return wrap(module, (3, 8, 8), classes=("a", "b", "c"), preprocessing=Preprocessing(order=order), name="net")


PICTURES = ImageSet("noise", np.random.default_rng(0).random((4, 3, 8, 8)).astype(np.float32))


def test_a_guided_map_has_the_channels_of_the_picture() -> None:
    """A network that reads blue first has its map turned round, so that colours mean what they show."""
    rgb, bgr = (saliency_map(Asked(colour_network(o), PICTURES, 1, 2), "guided", draws=0) for o in ("rgb", "bgr"))
    assert np.allclose(bgr.picture, rgb.picture)
    turned = replace(colour_network("rgb"))
    with torch.no_grad():
        turned.module.features[0].weight.copy_(colour_network("bgr").module.features[0].weight.flip(1))
    same = saliency_map(Asked(turned, PICTURES, 1, 2), "guided", draws=0)
    assert np.allclose(bgr.channels, same.channels, atol=1e-6)
    assert bgr.array.shape == (256, 2 * 256 + 4, 3)


def test_a_row_of_numbers_has_json_and_no_picture(tmp_path: Path) -> None:
    """Its values by column; asking for a drawing is an error that says so."""
    network = wrap(torch.nn.Linear(3, 2), (3,), classes=("no", "yes"), name="rows")
    rows = ImageSet("table", np.eye(3, dtype=np.float32), columns=("age", "height", "weight"))
    made = saliency_map(Asked(network, rows, 1, 1), "gradient-x-input", draws=1)
    assert np.allclose(made.values, network.module.weight[1].detach() * torch.tensor([0, 1, 0]), atol=1e-6)
    (file,) = made.write(tmp_path)
    kept = json.loads(file.read_text("utf-8"))
    assert kept["columns"] == ["age", "height", "weight"]
    assert kept["survival"]["ssim"] == [None]
    with pytest.raises(InputError, match="no picture to draw"):
        made.array  # noqa: B018
    with pytest.raises(InputError, match="rows of numbers"):
        occlusion_map(Asked(network, rows, 1, 1))


def test_two_options_are_two_files(tmp_path: Path) -> None:
    """The name says everything that the map hangs on, so that none is written over another."""
    asked = Asked(colour_network("rgb"), PICTURES, 0, 1)
    names = {occlusion_map(asked, window=w, stride=2, fill=f, draws=0).write(tmp_path)[0].name
             for w in (2, 4) for f in ("mean", (0.1, 0.2, 0.3))}  # fmt: skip
    assert len(names) == 4
    assert any(
        re.fullmatch(r"occlusion_0_class-b_window-2x2_stride-2x2_fill-mean_unchecked_[0-9a-f]{6}.png", n) for n in names
    )


def test_words_become_targets_places_and_fills() -> None:
    """A class by name or number, a unit, the network's own answer; places and fills as they are written."""
    network = colour_network("rgb")
    inputs = Asked(network, PICTURES, 0, 0).inputs
    with torch.no_grad():
        answer = int(network.module.eval()(inputs).argmax())
    assert [target_of(network, inputs, c, None) for c in ("b", "2", None)] == [1, 2, answer]
    assert str(target_of(network, inputs, None, "features.0/3")) == "features.0/3"
    assert [place_of(t) for t in ("max", "3,7")] == ["max", (3, 7)]
    assert [fill_of(t) for t in ("mean", "0.5", "1,0,0")] == ["mean", 0.5, [1, 0, 0]]
