"""Every objective is the number it is said to be, and numbers add and scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.models.classifier import wrap
from cellscope.vision import objectives as o
from cellscope.vision.objective import Heard, Objective
from cellscope.vision.scoring import scoring

SITE = Site("conv")
MAPS = torch.randn((4, 3, 4, 5), generator=torch.Generator().manual_seed(0))
LOGITS = torch.randn((4, 6), generator=torch.Generator().manual_seed(1))


def score(objective: Objective, targets: list[int], together: int = 1) -> Tensor:
    return objective.score(Heard({SITE: MAPS}, LOGITS, torch.tensor(targets), together))


def test_a_neuron_is_in_the_middle() -> None:
    """Of 4 x 5 places it is row 2, column 2: below the middle where that is between two."""
    assert torch.equal(score(o.neuron(["conv/2", "conv/0"]), [0, 1, 0, 1]), MAPS[range(4), [2, 0, 2, 0], 2, 2])
    assert torch.equal(score(o.neuron("conv/1", (3, 4)), [0] * 4), MAPS[:, 1, 3, 4])


def test_channel_layer_and_classes() -> None:
    """The mean of a channel, the mean square of a layer, the score and the softmax of a class."""
    assert torch.allclose(score(o.channel("conv/1"), [0] * 4), MAPS[:, 1].mean((1, 2)))
    assert torch.allclose(score(o.layer("conv"), [0] * 4), MAPS.square().mean((1, 2, 3)))
    assert torch.equal(score(o.logit([4, 5]), [0, 1, 1, 0]), LOGITS[range(4), [4, 5, 5, 4]])
    assert torch.allclose(score(o.probability(2), [0] * 4), LOGITS.softmax(1)[:, 2])


def test_a_direction_is_a_product_weighed_by_its_cosine() -> None:
    """Power 0 is the mean product; power 2 weighs each place by its cosine squared, at least .01."""
    vector = np.array([1.0, -2.0, 0.5], np.float32)
    product = np.einsum("pcrk,c->prk", MAPS.numpy(), vector)
    assert score(o.direction("conv", vector), [0] * 4).numpy() == pytest.approx(product.mean((1, 2)), abs=1e-5)
    cosine = product / (np.linalg.norm(MAPS.numpy(), axis=1) * np.linalg.norm(vector))
    weighed = (product * np.maximum(cosine, 0.1) ** 2).mean((1, 2))
    assert score(o.direction("conv", vector, power=2), [0] * 4).numpy() == pytest.approx(weighed, abs=2e-3)


def test_interpolation_goes_from_one_unit_to_the_other() -> None:
    """Target t of 3 weighs the channels 1 - t/2 and t/2."""
    made = score(o.interpolation("conv/0", "conv/2", 3), [0, 1, 2, 1])
    weights = torch.tensor([0, 0.5, 1, 0.5])
    means = MAPS.mean((2, 3))
    assert torch.allclose(made, (1 - weights) * means[:, 0] + weights * means[:, 2])


def test_diversity_is_the_cosine_of_gram_matrices() -> None:
    """Over pictures of one target alone: for two and two, each has the cosine to its partner."""
    grams = torch.einsum("pcrk,pdrk->pcd", MAPS, MAPS).flatten(1)
    pairs = torch.cosine_similarity(grams[[0, 1, 2, 3]], grams[[1, 0, 3, 2]])
    assert torch.allclose(score(o.diversity("conv"), [0, 0, 1, 1], together=2), pairs, atol=1e-5)
    with pytest.raises(InputError, match="repeats"):
        score(o.diversity("conv"), [0, 1, 2, 3])


def test_alignment_weighs_neighbours_by_their_distance() -> None:
    """Neighbours count half, the next a quarter, the one after an eighth of their mean squared difference."""

    def apart(a: int, b: int) -> float:
        return float((MAPS[a] - MAPS[b]).square().mean())

    near = apart(0, 1) + apart(1, 2) + apart(2, 3)
    expected = near / 2 + (apart(0, 2) + apart(1, 3)) / 4 + apart(0, 3) / 8
    assert float(score(o.alignment("conv"), [0, 1, 2, 3]).sum()) == pytest.approx(-expected, rel=1e-5)


def test_objectives_add_scale_and_have_names() -> None:
    """2 a - b * a + 3 is that number, for one target or many, and its name says so."""
    a, b = o.channel(["conv/0", "conv/1"]), o.layer("conv")
    joined = 2 * a - b * a + 3
    targets = [0, 1, 0, 1]
    means, square = score(a, targets), score(b, targets)
    assert torch.allclose(score(joined, targets), 2 * means - square * means + 3)
    assert joined.names[1] == "(channel conv/1) * 2 - ((layer conv) * (channel conv/1)) + 3"
    assert torch.equal(score(-a, targets), -means)
    with pytest.raises(InputError, match="2 and of 3 targets"):
        a + o.logit([0, 1, 2])


def test_units_of_two_sites_share_a_batch() -> None:
    """Each picture is scored at its own unit's site."""
    other = torch.randn(4, 7)
    objective = o.channel(["conv/1", "fc/6"])
    made = objective.score(Heard({SITE: MAPS, Site("fc"): other}, None, torch.tensor([0, 1, 1, 0])))
    expected = torch.stack([MAPS[0, 1].mean(), other[1, 6], other[2, 6], MAPS[3, 1].mean()])
    assert torch.allclose(made, expected)


def test_what_is_not_there_is_named() -> None:
    """A unit, class or place out of range, and a direction of another length."""
    for objective, said in (
        (o.channel("conv/3"), "no unit conv/3; it has 3 units"),
        (o.logit(6), "no class 6; there are 6"),
        (o.neuron("conv/0", (4, 0)), "no place 4, 0 in a map of 4 x 5"),
        (o.direction("conv", [1.0, 2.0]), "3 numbers, not 2"),
    ):
        with pytest.raises(InputError, match=said):
            score(objective, [0] * 4)


class Cut(nn.Module):
    """A convolution, an in-place ReLU, and a head that reads a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.head = nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Linear(3, 4)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.relu(self.conv(pictures)).mean((2, 3))).softmax(1)


def test_scores_come_from_the_network_and_leave_no_trace() -> None:
    """A site before an in-place ReLU is seen as it was; class scores are taken before the softmax; flags come back."""
    torch.manual_seed(0)
    module = Cut().train()
    module.conv.bias.requires_grad_(False)
    classifier = wrap(module, (1, 6, 6))
    inputs = torch.randn(2, 1, 6, 6, requires_grad=True)
    with scoring(classifier, o.channel("conv/1") + o.logit(2)) as scored:
        made = scored(inputs, torch.zeros(2, dtype=torch.int64))
        assert torch.autograd.grad(made.sum(), inputs)[0].abs().sum() > 0
    maps = module.conv(inputs)
    logits = module.head(maps.relu().mean((2, 3)))
    assert torch.allclose(made, maps[:, 1].mean((1, 2)) + logits.log_softmax(1)[:, 2], atol=1e-5)
    assert module.training
    assert [p.requires_grad for p in module.parameters()] == [True, False, True, True]
    assert all(p.grad is None for p in module.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())
