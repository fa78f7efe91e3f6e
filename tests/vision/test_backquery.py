"""Backquery against its known answer, and by law."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from digit_networks import cnn, half_of, mlp
from torch import Tensor, nn

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.models.mlp import MLPConfig
from cellscope.vision.backquery import backquery, likeness, logit, rescaled

OUTPUT = [[1, -1, 0.5], [0, 2, -1]]
HIDDEN = [[1, 0, -1, 0.5], [0.5, 1, 0, -2], [0, -1, 2, 1]]


def network(hidden: list, output: list, *, bias: bool = False) -> Classifier:
    shape = (len(hidden[0]),)
    module = MLPConfig(shape, len(output), hidden=len(hidden), bias=bias).build()
    with torch.no_grad():
        module.hidden.weight.copy_(torch.tensor(hidden, dtype=torch.float32))
        module.output.weight.copy_(torch.tensor(output, dtype=torch.float32))
    return Classifier(module, shape, tuple(map(str, range(len(output)))), name="tiny")


def test_the_known_answer() -> None:
    """Two labels, three hidden units, four inputs, worked out by hand from the formula."""
    found = backquery(network(HIDDEN, OUTPUT))
    np.testing.assert_allclose(found.signals[0][0], [0.881111, 0.01, 0.99], atol=1e-6)
    np.testing.assert_allclose(found.pictures[0], [0.373587, 0.01, 0.679386, 0.99], atol=1e-6)
    assert logit(np.array(0.99)) == pytest.approx(4.59511985, abs=1e-8)


def test_signals_fill_the_range_exactly() -> None:
    """The smallest is .01 and the largest .99, to the last bit, in every layer and for every label."""
    found = backquery(mlp())
    for signal in found.signals:
        assert (signal.min(1) == 0.01).all()
        assert (signal.max(1) == 0.99).all()


@pytest.mark.parametrize(("first", "second"), [(3.0, 1.0), (1.0, 0.01), (250.0, 7.0)])
def test_positive_rescaling_changes_nothing(first: float, second: float) -> None:
    """Weights times a positive number give the same pictures."""
    scaled = network((first * np.array(HIDDEN)).tolist(), (second * np.array(OUTPUT)).tolist())
    np.testing.assert_allclose(backquery(scaled).pictures, backquery(network(HIDDEN, OUTPUT)).pictures, atol=1e-6)


def test_a_constant_does_not_divide_by_zero() -> None:
    """Where all signals of a layer are one number they become .5, and no NaN."""
    found = backquery(network(HIDDEN, [[1, 1, 1], [2, 2, 2]]))
    np.testing.assert_array_equal(found.signals[0], 0.5)
    assert np.isfinite(found.pictures).all()
    np.testing.assert_array_equal(rescaled(np.array([[3.0, 3.0], [0.0, 2.0]])), [[0.5, 0.5], [0.01, 0.99]])


def test_a_bias_is_taken_off() -> None:
    """A bias on an output shifts what its logit asks of the weights by as much."""
    with_bias = network(HIDDEN, OUTPUT, bias=True)
    with torch.no_grad():
        with_bias.module.hidden.bias.zero_()
        with_bias.module.output.bias.copy_(torch.tensor([2.0, -1.0]))
    expected = rescaled((logit(np.array([0.99, 0.01])) - [2.0, -1.0]) @ np.array(OUTPUT))
    np.testing.assert_allclose(backquery(with_bias, (0,)).signals[0][0], expected, atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_trained_network_knows_its_backqueries(seed: int) -> None:
    """At least 8 of 10 labels come back as themselves and all are nearest to their class's mean; untrained, at most 4
    and 3.
    """
    trained, raw = mlp(seed), mlp(seed, epochs=0)
    found, chance = backquery(trained), backquery(raw)
    assert found.right.sum() >= 8
    assert chance.right.sum() <= 4
    near, far = (likeness(f, c, half_of(1)).nearest for f, c in ((found, trained), (chance, raw)))
    assert (near == found.labels).sum() == 10
    assert (far == chance.labels).sum() <= 3
    assert found.sentence.startswith("shown its own backquery, the network tells")


def test_a_chosen_label_is_that_row() -> None:
    """One label asked for gives the row that all labels give."""
    np.testing.assert_allclose(backquery(mlp(), (7,)).pictures[0], backquery(mlp()).pictures[7], rtol=1e-12)


def test_other_networks_are_refused_by_name() -> None:
    """A network with convolutions, with other nonlinearities, or with a forward of its own is no sigmoid network."""

    class Squared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.act, self.two = nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.two(self.act(self.one(x)) ** 2)

    def refused(module: nn.Module) -> Classifier:
        return Classifier(module, (4,), ("a", "b"), name="other")

    with pytest.raises(InputError, match="cnn has BatchNorm2d, Conv2d, MaxPool2d, ReLU"):
        backquery(cnn())
    with pytest.raises(InputError, match="other has Tanh"):
        backquery(refused(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))))
    with pytest.raises(InputError, match="other has no sigmoid"):
        backquery(refused(nn.Linear(4, 2)))
    with pytest.raises(InputError, match=r"other does something else in its forward\(\)"):
        backquery(refused(Squared()))


def test_deeper_and_closed_networks_run_too() -> None:
    """Three linear layers and a sigmoid at the end, built of plain modules, give one signal a layer."""
    module = nn.Sequential(
        nn.Flatten(), nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 2), nn.Sigmoid()
    )
    found = backquery(Classifier(module, (1, 2, 2), ("a", "b"), head="sigmoid"))
    assert [signal.shape for signal in found.signals] == [(2, 5), (2, 6), (2, 4)]
    assert found.pictures.shape == (2, 1, 2, 2)


def test_the_network_is_left_as_it_was() -> None:
    """Weights, modes and gradients are untouched."""
    module = mlp().module.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    backquery(mlp())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(part.training for part in module.modules())
    assert all(p.grad is None for p in module.parameters())


def test_a_class_that_is_not_there_is_named() -> None:
    """So is one without pictures: it is like nothing."""
    with pytest.raises(InputError, match="no class 10; mlp has the classes 0 to 9"):
        backquery(mlp(), (10,))
    few = ImageSet("few", half_of(1).pixels(slice(0, 20)), np.arange(20) % 9, tuple(map(str, range(10))))
    assert (likeness(backquery(mlp()), mlp(), few).cosine[:, 9] == 0).all()
