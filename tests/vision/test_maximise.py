"""Activation maximisation finds planted inputs, in the units it says, and tells whether starts agree."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.errors import CellscopeError, InputError
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.preprocessing import Preprocessing
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.agreement import Agreement
from cellscope.vision.ground import Ground
from cellscope.vision.maximise import maximise
from cellscope.vision.objectives import logit
from cellscope.vision.recipes import RECIPES


def network(shape: tuple[int, int, int] = (3, 16, 16)) -> Classifier:
    torch.manual_seed(0)
    config = SmallCNNConfig(shape, 4, widths=(6, 8), hidden=8, kernel=3)
    return wrap(config.build(), shape, preprocessing=Preprocessing(mean=(0.4,), std=(0.3,)))


class Pattern(nn.Module):
    """Class 0 is a planted picture's product with the input; class 1 answers to either of two; class 2 to nothing."""

    def __init__(self) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(1)
        coarse = torch.randn((2, 1, 4, 4), generator=random)
        self.pattern = nn.Parameter(torch.nn.functional.interpolate(coarse, (16, 16), mode="bilinear")[:, 0])

    def forward(self, pictures: Tensor) -> Tensor:
        one, other = torch.einsum("pcrk,nrk->np", pictures, self.pattern)
        return torch.stack([one, torch.maximum(one.square(), other.square()), torch.relu(-1 - one * 0)], 1)


@pytest.fixture(scope="module")
def planted() -> Classifier:
    return wrap(Pattern(), (1, 16, 16), preprocessing=Preprocessing(mean=(0.5,), std=(0.25,)))


def alike(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@pytest.mark.parametrize("name", ["any", "erhan", "simonyan", "yosinski-4"])
def test_a_planted_picture_is_found(planted: Classifier, name: str) -> None:
    """Whatever the recipe, the picture is that of the weights (a tenth of its pixels, where 90 % are set to zero)."""
    made = maximise(planted, logit(0), recipe=name, steps=80, starts=2)
    pattern = planted.module.pattern[0].detach().numpy()
    least = 0.4 if name == "yosinski-4" else 0.85
    assert all(alike(picture, pattern) > least for picture in made.pictures[0])
    assert (made.values > made.curve[..., 0]).all()
    assert made.values == pytest.approx(made.curve.max(2))


def test_starts_agree_where_there_is_one_mode(planted: Classifier) -> None:
    """One planted picture is one mode; a unit of two and their negatives has more; a dead one has none."""
    made = maximise(planted, logit([0, 1, 2]), starts=6, steps=60)
    agreement = made.agreement
    assert agreement.modes[0] == 1
    assert agreement.correlation[0] > 0.9
    assert agreement.modes[1] >= 2
    assert agreement.correlation[1] < agreement.correlation[0]
    assert agreement.modes[2] == 0
    assert np.isnan(agreement.correlation[2])
    assert made.dead.tolist() == [[False] * 6, [False] * 6, [True] * 6]


def test_agreement_counts_groups() -> None:
    """Two pictures, one of them shown by two starts, another by one: 2 modes; others agree by chance."""
    random = np.random.default_rng(0)
    a, b, c = random.normal(size=(3, 1, 12, 12)).astype(np.float32)
    pictures = np.stack([np.stack([a, a + 0.01 * b, b]), np.stack([c, c, c])])
    made = Agreement.of(pictures, np.array([[1, 1, 1], [1, 2, 3]], np.float32), np.ones((2, 3, 12, 12), bool))
    assert made.modes.tolist() == [2, 1]
    assert made.correlation[1] == pytest.approx(1)
    assert made.spread == pytest.approx([0, (2 / 3) ** 0.5 / 2])
    assert abs(made.others) < 0.5
    part = np.zeros((2, 3, 12, 12), bool)
    part[0, :, :3] = True
    assert Agreement.of(pictures, np.ones((2, 3), np.float32), part).modes.tolist() == [2, 0]


def test_the_start_is_the_published_one() -> None:
    """Seed 0 over 3 x 227 x 227: first values 17.64052346, 4.00157208; std 9.97384688004555; norm 3921.523644968777."""
    torch.manual_seed(0)
    classifier = wrap(nn.Sequential(nn.AvgPool2d(227), nn.Flatten()), (3, 227, 227))
    made = Ground.of(classifier).start((3, 227, 227), RECIPES["yosinski-1"], 0).double().numpy()
    assert made.ravel()[:2] == pytest.approx([17.64052346, 4.00157208])
    assert made.std() == pytest.approx(9.97384688004555, rel=1e-6)
    assert np.linalg.norm(made) == pytest.approx(3921.523644968777, rel=1e-6)


def test_the_ground_is_0_to_255_less_the_mean() -> None:
    """Black is -mean, white 255 - mean, whatever the network's range; without a mean the middle is taken."""
    for preprocessing in (
        Preprocessing(mean=(0.4,), std=(0.3,)),
        Preprocessing(high=255.0, mean=(102.0,), std=(76.5,)),
        Preprocessing(low=-1.0, high=1.0, mean=(-0.2,), std=(0.6,)),
    ):
        classifier = replace(network(), preprocessing=preprocessing)
        ground = Ground.of(classifier)
        assert ground.low.flatten().tolist() == pytest.approx([-102] * 3)
        assert ground.high.flatten().tolist() == pytest.approx([153] * 3)
        assert ground.typical == pytest.approx(76.5 * 768**0.5)
        black = preprocessing.undo(ground.inputs(ground.low.expand(1, 3, 2, 2)))
        assert torch.allclose(black, torch.zeros_like(black), atol=1e-6)
    bare = Ground.of(replace(network(), preprocessing=Preprocessing()))
    assert bare.low.flatten().tolist() == pytest.approx([-127.5] * 3)
    assert "middle" in bare.words


def test_a_unit_ends_above_random_pictures() -> None:
    """More than it answers to the best of 200 random pictures, and than its start; the same seed gives the same."""
    classifier = network()
    made = maximise(classifier, ["features.4/3", "classifier.0/2"], starts=2, steps=40, seed=5)
    random = np.random.default_rng(0).random((200, 3, 16, 16), np.float32)
    classifier.module.eval()
    with torch.no_grad():
        maps = classifier.module.features[:5](classifier.prepare(random))
    assert made.values[0].min() > float(maps[:, 3, 4, 4].max())
    assert made.names == ("neuron features.4/3", "neuron classifier.0/2")
    again = maximise(classifier, "features.4/3", starts=2, steps=40, seed=5, batch=2)
    assert again.pictures[0] == pytest.approx(made.pictures[0], abs=1e-3)
    assert made.pictures.shape == (2, 2, 3, 16, 16)
    assert (made.pictures.min(), made.pictures.max()) >= (0, 0)


def test_the_value_is_what_the_network_answers() -> None:
    """For a bounded recipe nothing is clipped, and the shown picture causes the stated activation (BGR, 0..255)."""
    classifier = replace(network(), preprocessing=Preprocessing(order="bgr", high=255.0, mean=(99.0,), std=(60.0,)))
    made = maximise(classifier, logit(1), starts=2, steps=12)
    classifier.module.eval()
    answers = classifier.logits(classifier.prepare(made.pictures[0]))[:, 1].detach().numpy()
    assert made.values[0] == pytest.approx(answers, abs=1e-3)
    assert made.outside.max() == 0


def test_the_network_is_left_alone() -> None:
    """Weights, flags, mode and gradients are as they were, and no hook is left."""
    classifier = network()
    classifier.module.train()
    before = copy.deepcopy(classifier.module.state_dict())
    maximise(classifier, "features.5/1", starts=1, steps=3)
    after = classifier.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(m.training and not m._forward_hooks and not m._forward_pre_hooks for m in classifier.module.modules())
    assert all(p.requires_grad and p.grad is None for p in classifier.module.parameters())


def test_rows_of_numbers_are_climbed_too() -> None:
    """Erhan's recipe finds the weights of a linear unit, in the data's own units; recipes for pixels are refused."""
    torch.manual_seed(0)
    linear = nn.Linear(5, 2)
    classifier = wrap(linear, (5,), preprocessing=Preprocessing(mean=(3.0,), std=(2.0,)))
    made = maximise(classifier, logit(1), recipe="erhan", starts=3)
    weight = linear.weight[1].detach().numpy()
    expected = 3 + 2 * 5**0.5 * weight / np.linalg.norm(weight)
    assert made.pictures[0] == pytest.approx(np.tile(expected, (3, 1)), abs=0.02)
    assert made.agreement.modes.tolist() == [1]
    with pytest.raises(InputError, match="rows of numbers"):
        maximise(classifier, logit(1), recipe="yosinski-1")


def test_one_channel_and_five() -> None:
    """Any number of channels, odd sizes; a recipe from zero has one start."""
    for shape in ((1, 8, 8), (5, 9, 13)):
        made = maximise(network(shape), logit(0), recipe="simonyan", starts=4, steps=10)
        assert made.pictures.shape == (1, 1, *shape)
        assert np.isnan(made.agreement.correlation[0])
        assert made.agreement.modes[0] == 1


def test_what_cannot_be_is_refused_by_name() -> None:
    """No starts, and a climb that leaves the numbers."""
    with pytest.raises(InputError, match="starts"):
        maximise(network(), logit(0), starts=0)
    broken = network()
    with torch.no_grad():
        broken.module.classifier[2].bias.fill_(float("nan"))
    with pytest.raises(CellscopeError, match="range of numbers"):
        maximise(broken, logit(0), starts=1, steps=2)


def test_progress_reaches_its_end() -> None:
    """Calls never fall and end at the total."""
    calls: list[tuple[int, int]] = []
    maximise(network(), logit([0, 1, 2]), starts=2, steps=20, batch=4,
             progress=lambda done, total, text: calls.append((done, total)))  # fmt: skip
    assert calls == sorted(calls)
    assert calls[-1] == (120, 120)
