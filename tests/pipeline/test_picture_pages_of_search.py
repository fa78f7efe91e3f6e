"""Pages of a search over pictures are written for odd networks and odd sets, and what is not there is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import wrap
from cellscope.pipeline.find_pictures import find_pictures
from cellscope.pipeline.picture_pages.effort import QUICK
from cellscope.pipeline.picture_pages.write import _behind, write_picture_pages

EFFORT = replace(
    QUICK, steps=2, climb=2, published=2, climbed=2, checked=1, lesioned=40, damaged=20, moved=8, lessons=40, fits=10,
    explained=1, redrawn=1,
)  # fmt: skip
HOSTILE = ("<script>window.ran = 1</script>", "../..", "a\nb", "\N{GRINNING FACE} '\"><img src=x onerror=window.ran=1>")


class Functional(nn.Module):
    """ReLUs that no hook reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.top = nn.Conv2d(1, 3, 3), nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.top(torch.relu(self.conv(x)).mean((2, 3)))


class Holed(Functional):
    """One channel is not a number, and the class scores do not read it."""

    def forward(self, x: Tensor) -> Tensor:
        return self.top(torch.relu(self.conv(x)).nan_to_num(0.0).mean((2, 3)))


def convolutional(fill: float = 0.0, kind: type = Functional) -> nn.Module:
    module = kind()
    nn.init.constant_(module.conv.bias, fill)
    return module


def holed() -> nn.Module:
    module = convolutional(kind=Holed)
    nn.init.constant_(module.conv.weight[1], float("nan"))
    return module


NETWORKS = {
    "functional": convolutional,
    "dead": lambda: convolutional(-1e3),
    "one layer": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 4)),
    "tanh": lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(108, 4)),
    "softmax": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Softmax(1)),
}


def pictures(**changes: Any) -> ImageSet:
    """Forty grey pictures of 8 x 8, of four classes with hostile names and file names."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.random((40, 1, 8, 8)).astype(np.float32), np.arange(40) % 4
    names = tuple(f"{HOSTILE[k % 4]}/{k}" for k in range(40))
    return replace(ImageSet("odd", pixels, labels, HOSTILE, names=names), **changes)


def masked(**changes: Any) -> ImageSet:
    masks = np.random.default_rng(1).random((40, 2, 8, 8)) > 0.8
    return pictures(masks=masks, concepts=("<b>here</b>", "there"), **changes)


SETS = {
    "classes": pictures,
    "masks alone": lambda: masked(labels=None, classes=()),
    "all alike": lambda: pictures(pictures=np.zeros((40, 1, 8, 8), np.float32)),
    "three": lambda: pictures().take(np.arange(3)),
    "one picture": lambda: pictures().take(np.arange(1)),
    "one class": lambda: pictures(labels=np.zeros(40, np.int64)),
}


def written(module: nn.Module, images: ImageSet, folder: Path) -> Path:
    torch.manual_seed(0)
    network = wrap(module, images.shape, classes=images.classes or (), name="odd<i>")
    return write_picture_pages(find_pictures(network, None, images), folder, effort=EFFORT)


def made(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NETWORKS[name]()


SLOW = pytest.mark.slow


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name == "one layer" else SLOW) for name in NETWORKS])
def test_odd_networks_have_pages(name: str, tmp_path: Path) -> None:
    """No ReLU modules, units that are all dead, one layer, a softmax: a page a layer and a concept, numbers or null."""
    page = written(made(name), pictures(), tmp_path)
    assert len(list(page.parent.glob("layer-*.html"))) == len([m for m in made(name).modules() if _speaks(m)])
    assert len([p for p in page.parent.glob("*.html") if not p.name.startswith("layer-")]) == 1 + len(HOSTILE)
    for data in page.parent.glob("*.json"):
        json.loads(data.read_text("utf-8"), parse_constant=_refuse)


def _speaks(module: nn.Module) -> bool:
    return isinstance(module, (nn.Conv2d, nn.Linear, nn.Tanh, nn.Softmax))


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ("one picture", "masks alone") else SLOW) for name in SETS]
)
def test_odd_sets_have_pages(name: str, tmp_path: Path) -> None:
    """No labels, pictures that are all alike, three, one, one class: the page is there and markup in names is not."""
    page = written(made("functional"), SETS[name](), tmp_path)
    for path in tmp_path.rglob("*.html"):
        text = path.read_text("utf-8")
        assert HOSTILE[0] not in text
        assert "<img src=x" not in text
    assert page.resolve().is_relative_to(tmp_path.resolve())
    assert {path.parent.parent for path in tmp_path.rglob("layer-*.html")} == {tmp_path}


def test_pictures_of_six_channels_have_pages(tmp_path: Path) -> None:
    """They have no colours: what is shown is grey, and every layer has its page."""
    pixels = np.random.default_rng(0).random((40, 6, 8, 8)).astype(np.float32)
    module = nn.Sequential(nn.Conv2d(6, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 4))
    page = written(module, pictures(pictures=pixels), tmp_path)
    assert {p.name for p in page.parent.glob("layer-*.html")} == {"layer-0.html", "layer-1.html", "layer-3.html"}
    for data in page.parent.glob("*.json"):
        json.loads(data.read_text("utf-8"), parse_constant=_refuse)


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    """One picture has no distances to others; pictures that are all alike teach nothing."""
    assert "Left out: invariance" in written(made("one layer"), SETS["one picture"](), tmp_path / "a").read_text()
    assert "Left out: probes" in written(made("one layer"), SETS["all alike"](), tmp_path / "b").read_text()


def test_a_unit_that_is_no_number_is_named(tmp_path: Path) -> None:
    """A channel of NaN that no class score shows is one line with its address."""
    with pytest.raises(InputError, match="conv/1 is nan on picture"):
        written(holed(), pictures(), tmp_path)


@pytest.mark.slow
def test_nothing_in_a_name_runs(tmp_path: Path, offline_page: Any) -> None:
    """Class and file names with markup, dots and newlines are shown as they are, on every page, without an error."""
    written(made("tanh"), pictures(), tmp_path)
    for path in sorted(tmp_path.rglob("*.html")):
        offline_page.goto(path.resolve().as_uri())
        assert offline_page.evaluate("window.ran") is None
        assert offline_page.locator("img[src=x]").count() == 0


def test_after_an_error_no_page_is_begun() -> None:
    """A page that cannot be written is said when the third one comes, not after all were measured."""
    begun: list[int] = []

    def page(number: int) -> Path:
        begun.append(number)
        raise OSError("the disk is full")

    def measure() -> None:
        with _behind() as write:
            for number in range(9):
                write(page, number)

    with pytest.raises(OSError, match="the disk is full"):
        measure()
    assert set(begun) <= {0, 1}


def test_a_stop_does_not_wait_for_pages_that_are_not_begun() -> None:
    """The one that is being written is written whole, those behind it are left out."""
    begun: list[int] = []
    go_on = Event()

    def page(number: int) -> Path:
        begun.append(number)
        go_on.wait(60)
        return Path()

    def measure() -> None:
        with _behind() as write:
            write(page, 0)
            write(page, 1)
            Timer(0.2, go_on.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure()
    assert set(begun) <= {0}
