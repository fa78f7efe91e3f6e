"""Somebody else's network at the command line, over pictures of many channels and over rows of numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

MODULES = """
import torch
from torch import nn

def six():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(6, 5, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(5, 2))

def mlp():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        net[0].weight[2] = torch.tensor([0., 9., 0.])  # unit 2 is on where the second column is above zero
        net[0].bias[2] = 0
    return net
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with modules, pictures of six channels (the fourth is bright in class 1), and rows."""
    folder = tmp_path_factory.mktemp("foreign")
    rng = np.random.default_rng(0)
    (folder / "their_modules.py").write_text(MODULES)
    pictures, labels = rng.random((240, 6, 8, 8)).astype(np.float32) / 2, np.arange(240) % 2
    pictures[labels == 1, 3] += 0.5
    np.savez(folder / "six.npz", X=pictures, y=labels)
    rows = rng.normal(size=(400, 3))
    text = [f"{a:.4f},{b:.4f},{c:.4f},{'up' if b > 0 else 'down'}" for a, b, c in rows]
    (folder / "rows.csv").write_text("a,b,c,label\n" + "\n".join(text))
    up = np.array([1 if b > 0 else 0 for _, b, _ in rows])
    np.savez(folder / "rows.npz", X=rows, y=up)
    return folder


SIX = ("--model", "their_modules:six", "--images", "six.npz", "--size", "8", "--channels", "6")
ROWS = ("--model", "their_modules:mlp", "--images", "rows.csv")


def test_pictures_of_six_channels_are_searched(say, tmp_path: Path) -> None:
    """Any number of channels: the search, layers, filters and the map of one picture."""
    code, out, err = say("find", *SIX, "--no-pages")
    assert code == 0, err
    assert "15,360 places of maps seen" in out
    for line in (["activations", "0"], ["filters"], ["saliency", "0", "--draws", "1"]):
        code, _, err = say(*line, *SIX, "--reports", str(tmp_path))
        assert code == 0, err


def test_six_channels_are_not_made_of_three(say) -> None:
    """What cannot be read with so many channels is named."""
    code, _, err = say("find", "--model", "their_modules:six", "--images", "digits", "--size", "8", "--channels", "6")
    assert code == 2
    assert "digits has 1 channels, of which 6 cannot be made" in err


@pytest.mark.parametrize("rows", ["rows.csv", "rows.npz"])
def test_a_network_over_rows_is_searched_and_has_pages(say, tmp_path: Path, rows: str) -> None:
    """The shape is that of the rows, and the unit that hears the second column is the best one for its sign."""
    asked = ("find", "--model", "their_modules:mlp", "--images", rows, "--reports", str(tmp_path))
    code, out, err = say(*asked, "--format", "json")
    assert code == 0, err
    best = {c["feature"]: c["unit"] for c in json.loads(out)["concepts"]}
    assert best["up" if rows == "rows.csv" else "1"] in ("0/2", "1/2")
    pages = [path.name for path in tmp_path.rglob("*.html")]
    assert "index.html" in pages
    assert len(pages) > 3
    (page,) = tmp_path.glob("*/index.html")
    assert "mean 0, std 1" in page.read_text()
    assert "RGB" not in page.read_text()
    assert say("lesion", "1/2", *ROWS)[0] == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--size 8", "rows.csv has rows of 3 numbers, and only pictures have a size and channels"),
        ("--channels 3", "rows.csv has rows of 3 numbers, and only pictures have a size and channels"),
        ("--range 0,255", "--range is for pictures, and rows.csv has rows of 3 numbers; leave it out"),
        ("--order bgr", "--order is for pictures"),
        ("--fit stretch", "--fit is for pictures"),
        ("--mean 1,2", "mean has 2 numbers for 3 columns"),
    ],
)
def test_what_is_for_pictures_is_refused_of_rows(say, line: str, said: str) -> None:
    """One line that names the option and what was there."""
    code, out, err = say("find", *ROWS, *line.split())
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_network_for_rows_of_another_length_is_refused(say, place: Path) -> None:
    """Its forward's own words are told."""
    (place / "wide.csv").write_text("a,b,c,d,label\n" + "1,2,3,4,x\n5,6,7,8,y\n" * 5)
    code, _, err = say("find", "--model", "their_modules:mlp", "--images", "wide.csv")
    assert code == 2
    assert "forward(rows [1, 4]) failed" in err


def test_pictures_need_a_size(say) -> None:
    """What a network for pictures takes cannot be seen from pictures, which are made to fit."""
    code, _, err = say("find", "--model", "their_modules:six", "--images", "six.npz")
    assert code == 2
    assert "--size ROWSxCOLUMNS and --channels for pictures" in err
