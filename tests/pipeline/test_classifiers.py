"""Named torchvision models, with a stand-in for torchvision."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from cellscope.errors import InputError, MissingError
from cellscope.pipeline.classifiers import open_classifier

SHAPE = (3, 8, 8)


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A torchvision that has two classifiers and a detector, and says what it was asked for."""
    package, models = ModuleType("torchvision"), ModuleType("torchvision.models")
    package.models = models
    package.asked = []

    def list_models(module: ModuleType | None = None) -> list[str]:
        return ["tiny18", "tiny34"] + ["detector"] * (module is not models)

    def get_model(name: str, **options: object) -> nn.Module:
        package.asked.append((name, options))
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))

    models.list_models, models.get_model = list_models, get_model
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return package


def test_a_torchvision_model_is_made_by_name_without_weights(torchvision: ModuleType) -> None:
    """Nothing is fetched: torchvision is told so."""
    network, folder = open_classifier(model="torchvision:tiny18", shape=SHAPE)
    assert folder is None
    assert network.name == "torchvision.tiny18"
    assert network.classes == ("0", "1", "2", "3", "4")
    assert torchvision.asked == [("tiny18", {"weights": None})]


def test_without_a_file_its_weights_are_random_the_same_every_time_and_that_is_said(torchvision: ModuleType) -> None:
    """Two commands speak of one network; the caller's generator goes on as if nothing had been drawn."""
    before = torch.get_rng_state()
    one, _ = open_classifier(model="torchvision:tiny18", shape=SHAPE)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(1)
    other, _ = open_classifier(model="torchvision:tiny18", shape=SHAPE)
    assert_close(one.module.state_dict(), other.module.state_dict(), rtol=0, atol=0)
    assert one.description == "Sequential of torchvision:tiny18, weights drawn at random (seed 0)"
    assert one.remarks == ("weights drawn at random (seed 0): none were given (--weights)",)


def test_its_weights_come_from_a_file(torchvision: ModuleType, tmp_path: Path) -> None:
    """As for any module; those of another network are refused by the names of their tensors."""
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    torch.save(made.state_dict(), tmp_path / "tiny.pt")
    network, _ = open_classifier(model="torchvision:tiny18", weights=tmp_path / "tiny.pt", shape=SHAPE)
    assert_close(network.module.state_dict(), made.state_dict())
    assert network.description.endswith("of torchvision:tiny18, weights tiny.pt")
    assert network.remarks == ()
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pt")
    with pytest.raises(InputError, match="missing 0.weight"):
        open_classifier(model="torchvision:tiny18", weights=tmp_path / "other.pt", shape=SHAPE)


@pytest.mark.parametrize("name", ["tiny", "detector", ""])
def test_a_name_that_is_not_there_is_answered_with_those_that_are(torchvision: ModuleType, name: str) -> None:
    """Classifiers alone: a detector would fetch the weights of its backbone, and tells no classes of pictures."""
    with pytest.raises(MissingError, match=f"no torchvision classifier '{name}'; there is tiny(18, tiny34|34, tiny18)"):
        open_classifier(model=f"torchvision:{name}", shape=SHAPE)
    assert torchvision.asked == []


def test_without_torchvision_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason, in one line."""
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(InputError, match="torchvision:tiny18 needs torchvision, which cannot be imported here") as said:
        open_classifier(model="torchvision:tiny18", shape=SHAPE)
    assert "\n" not in str(said.value)
