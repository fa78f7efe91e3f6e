"""Maps by gradients: captum's and closed-form answers, what captum gets wrong in silence, and no trace left."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop, LayerGradCam
from odd_networks import Functional, PreActivated, Residual, Tiny, linear, noise, seeded, untouched
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.errors import InputError, MissingError
from cellscope.models.classifier import wrap
from cellscope.models.mlp import MLPConfig
from cellscope.models.preprocessing import Preprocessing
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.saliency import METHODS, attribute
from cellscope.vision.sent_back import sent_back

RULES = ("guided", "deconvnet")


def cnn():
    return wrap(seeded(lambda: SmallCNNConfig((3, 16, 16), 4, (6, 8), 10, 3).build()), (3, 16, 16))


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("guided", [[0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]]),
        ("deconvnet", [[2, 3, 3, 1], [3, 5, 5, 2], [3, 5, 5, 2], [1, 2, 2, 1]]),
        ("gradient", [[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]),
    ],
)
def test_the_known_answers_of_captums_tiny_network(method, answer, inplace) -> None:
    """The picture arange(16), class 0."""
    network = wrap(Tiny(inplace=inplace).eval(), (1, 4, 4))
    made = attribute(network, method, torch.arange(16.0).view(1, 1, 4, 4), 0)
    assert made.values[0, 0].tolist() == answer
    assert made.limit == np.max(answer)


@pytest.mark.parametrize("method", ["gradient", "guided", "deconvnet"])
@pytest.mark.parametrize("target", [1, Unit(Site("two"), 3), Unit(Site("relu", "2"), 2)])
def test_a_shared_in_place_relu_is_as_written_by_hand(method, target) -> None:
    """A residual network whose one ReLU module fires three times gives what a hand-written backward gives, exactly."""
    x = noise(2, 3, 8, 8)
    shared, by_hand = seeded(Residual), seeded(lambda: Residual(method))
    made = attribute(wrap(shared, (3, 8, 8)), method, x, target)
    inputs = x.clone().requires_grad_(True)
    if isinstance(target, Unit):
        inner = by_hand.on(by_hand.one(by_hand.pool(by_hand.on(by_hand.norm(by_hand.first(inputs))))))
        inner = by_hand.two(inner) if target.site.path == "two" else inner
        total = inner[:, target.index].mean((1, 2)).sum()
    else:
        total = by_hand(inputs)[:, target].sum()
    assert torch.equal(torch.from_numpy(made.values), torch.autograd.grad(total, inputs)[0])
    assert made.values.any()


@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize("inplace", [False, True])
def test_a_shortcut_around_a_relu_is_as_written_by_hand(method, inplace) -> None:
    """The rule is that of the ReLU alone, and the shortcut takes what an in-place ReLU leaves; for many units too."""
    x, shape = noise(3, 3, 8, 8), (3, 8, 8)
    network = wrap(seeded(lambda: PreActivated(inplace=inplace)), shape)
    by_hand = wrap(seeded(lambda: PreActivated(method, inplace=inplace)), shape)
    target = Unit(Site("top"), 2)
    answer = attribute(by_hand, "gradient", x, target).values
    assert answer.any()
    np.testing.assert_allclose(attribute(network, method, x, target).values, answer, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(sent_back(network, x, target.site, [2] * 3)[method], answer, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", [(2, 5, 4), (6,)])
def test_closed_forms_of_a_linear_network(shape) -> None:
    """Gradient, guided and deconvnet are w; gradient x input and integrated gradients are w x (x - fill), complete."""
    network, x = linear(shape), noise(3, *shape)
    weight = network.module[1].weight[2].detach().view(1, *shape)
    made = {method: attribute(network, method, x, 2) for method in METHODS if method != "grad-cam"}
    for method in ("gradient", *RULES):
        assert np.allclose(made[method].values, weight.expand_as(x), atol=1e-6)
    assert all("plain gradient" in made[method].remarks[0] for method in RULES)
    assert "same for any picture" in made["deconvnet"].remarks[1]
    for method in ("gradient-x-input", "integrated-gradients"):
        assert np.allclose(made[method].values, weight * x, atol=1e-5)
    assert np.abs(made["integrated-gradients"].missing).max() < 1e-4
    plain = weight.abs().amax(1, keepdim=True) if len(shape) == 3 else weight.abs()
    assert np.allclose(made["saliency"].values, plain.expand(3, *plain.shape[1:]), atol=1e-6)
    assert [made[m].signed for m in ("saliency", "gradient")] == [False, True]


@pytest.mark.parametrize("method", RULES)
def test_a_relu_that_is_a_function_is_refused(method) -> None:
    """captum gives the plain gradient for it and says nothing; here it is an error that says why."""
    network, x = wrap(seeded(Functional), (1, 8, 8)), noise(1, 1, 8, 8)
    theirs = GuidedBackprop(network.module).attribute(x.clone(), target=0)
    assert np.array_equal(theirs.numpy(), attribute(network, "gradient", x, 0).values)
    with pytest.raises(InputError, match=f"{method} cannot reach a ReLU that is a function call"):
        attribute(network, method, x, 0)
    before = attribute(network, method, x, Unit(Site("conv"), 1))
    assert "plain gradient" in before.remarks[0]


@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (nn.SiLU(), "1 .SiLU."), (nn.GELU(), "1 .GELU."), (nn.LeakyReLU(0.1), "1 .LeakyReLU."), (nn.ELU(), "1 .ELU."),
        (nn.PReLU(), "1 .PReLU."), (nn.ReLU6(), "1 .ReLU6."), (nn.Hardswish(), "1 .Hardswish."),
        (nn.Sigmoid(), "no[nt]e, but 1 .Sigmoid.|1 .Sigmoid."), (nn.Tanh(), "1 .Tanh."),
    ],
)  # fmt: skip
def test_other_nonlinearities_are_refused_by_name(method, layer, name) -> None:
    """A network of SiLU, GELU, LeakyReLU, ... has no such map; the plain gradient has."""
    stack = seeded(lambda: nn.Sequential(nn.Conv2d(1, 2, 3), layer, nn.Flatten(), nn.Linear(72, 2)))
    network = wrap(stack, (1, 8, 8))
    with pytest.raises(InputError, match=name):
        attribute(network, method, noise(1, 1, 8, 8), 0)
    assert attribute(network, "gradient", noise(1, 1, 8, 8), 0).limit > 0


def test_a_clamp_and_a_function_with_its_own_gradient_are_refused() -> None:
    """A hand-written ReLU is seen, whatever it is made of; a gate beside ReLUs keeps its gradient."""

    class Odd(nn.Module):
        def __init__(self, way):
            super().__init__()
            self.way, self.top, self.relu = way, nn.Linear(4, 2), nn.ReLU()

        def forward(self, x):
            return self.top(self.way(self.relu(x.flatten(1)), x.flatten(1)))

    ways = {"clamp": lambda r, x: x.clamp(min=0), "maximum": lambda r, x: torch.maximum(x, x * 0)}
    for word, way in ways.items():
        with pytest.raises(InputError, match=f"a {word} is none"):
            attribute(wrap(Odd(way), (1, 2, 2)), "guided", noise(1, 1, 2, 2), 0)
    by_hand = seeded(lambda: Residual("guided"))
    with pytest.raises(InputError, match="a function with a gradient of its own"):
        attribute(wrap(by_hand, (3, 8, 8)), "guided", noise(1, 3, 8, 8), 0)
    gate = wrap(Odd(lambda r, x: r * torch.sigmoid(x)), (1, 2, 2))
    assert attribute(gate, "guided", noise(1, 1, 2, 2), 0).remarks == ()


def test_a_deconvnet_without_pooling_is_the_same_for_any_picture() -> None:
    """And the map says so; with max-pooling it depends on the picture, and nothing is said."""

    def stack(pool):
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), pool, nn.Flatten(), nn.Linear(36, 8), nn.ReLU(),
                             nn.Linear(8, 2))  # fmt: skip

    x = noise(2, 1, 8, 8, seed=3)
    without = attribute(wrap(seeded(lambda: stack(nn.AvgPool2d(2))), (1, 8, 8)), "deconvnet", x, 0)
    pooled = attribute(wrap(seeded(lambda: stack(nn.MaxPool2d(2))), (1, 8, 8)), "deconvnet", x, 0)
    assert np.allclose(without.values[0], without.values[1])
    assert "same for any picture" in without.remarks[0]
    assert not np.allclose(pooled.values[0], pooled.values[1])
    assert pooled.remarks == ()


def test_guided_maps_have_negative_pixels() -> None:
    """No ReLU follows the picture itself, so a positive-only back pass still ends with both signs."""
    made = attribute(cnn(), "guided", noise(1, 3, 16, 16), 0)
    assert made.values.min() < 0 < made.values.max()
    assert not np.allclose(made.values, attribute(cnn(), "gradient", noise(1, 3, 16, 16), 0).values)


def test_the_seed_of_a_units_map_is_its_place() -> None:
    """One place gives a map no larger than its receptive field; max is the place of the largest value."""
    network, x = cnn(), noise(1, 3, 16, 16)
    unit = Unit(Site("features.0"), 2)
    made = {p: attribute(network, "gradient", x, unit, place=p) for p in ("mean", "centre", "max", (0, 0))}
    rows = {p: np.unique(np.argwhere(m.values[0])[:, 1]) for p, m in made.items()}
    assert rows["centre"].tolist() == [7, 8, 9]
    assert rows[0, 0].tolist() == [0, 1]
    assert len(rows["mean"]) == 16
    with torch.no_grad():
        values = network.module.eval().features[0](x)[0, 2]
    row, column = np.unravel_index(int(values.argmax()), (16, 16))
    here = attribute(network, "gradient", x, unit, place=(int(row), int(column)))
    assert np.array_equal(made["max"].values, here.values)
    assert made["max"].scores[0] == pytest.approx(float(values.max()))


def test_grad_cam_is_captums() -> None:
    """At its own size, and upsampled; by default of the last maps that are larger than one place."""
    network, x = cnn(), noise(2, 3, 16, 16)
    theirs = LayerGradCam(network.module.eval(), network.module.features[4]).attribute(x, 1, relu_attributions=True)
    large = torch.nn.functional.interpolate(theirs, (16, 16), mode="bilinear", align_corners=False)
    made = attribute(network, "grad-cam", x, 1, layer=Site("features.4"))
    assert np.allclose(made.values, large.detach(), atol=1e-6)
    assert made.values.shape == (2, 1, 16, 16)
    assert attribute(network, "grad-cam", x, 1).site == Site("norm")
    assert attribute(network, "grad-cam", x, Unit(Site("features.4"), 0)).site == Site("features.3")
    residual = wrap(seeded(Residual), (3, 8, 8))
    assert attribute(residual, "grad-cam", noise(1, 3, 8, 8), 1).site == Site("relu", "3")


def test_integrated_gradients_are_complete_up_to_their_steps() -> None:
    """What they add up to is f(x) - f(fill) but for what is said to be missing, which shrinks with the steps."""
    network, x = cnn(), noise(2, 3, 16, 16)
    few, many = (attribute(network, "integrated-gradients", x, 1, steps=n, fill="white") for n in (2, 256))
    with torch.no_grad():
        gap = network.logits(x)[:, 1] - network.logits(torch.ones_like(x))[:, 1]
    for made in (few, many):
        assert np.allclose(made.values.sum((1, 2, 3)) + made.missing, gap, atol=1e-4)
    assert np.abs(many.missing).max() < np.abs(few.missing).max()


@pytest.mark.parametrize("method", METHODS)
def test_the_network_is_left_as_it_was(method) -> None:
    """Train mode, an in-place ReLU, gradients and hooks of the user's own: all there afterwards, and none more."""
    residual = Residual().train()
    residual.first.weight.requires_grad_(False)
    network, x = wrap(residual, (3, 8, 8)), noise(2, 3, 8, 8)
    residual(x).sum().backward()
    gradient = residual.top.weight.grad.clone()
    with untouched(residual):
        made = attribute(network, method, x, 1)
        unit = attribute(network, method, x, Unit(Site("two"), 1))
    assert residual.training
    assert torch.equal(residual.top.weight.grad, gradient)
    assert not x.requires_grad
    assert made.limit > 0 or method == "grad-cam"
    assert unit.values.shape == made.values.shape
    with untouched(residual), pytest.raises(InputError):
        attribute(network, method, x, Unit(Site("two"), 99))


def test_an_in_place_first_layer_leaves_the_picture_alone() -> None:
    """A ReLU in place on the input itself is neither an error nor a change of the picture."""
    network = wrap(seeded(lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4, 2))), (1, 2, 2))
    x = torch.tensor([[[[1.0, -1.0], [2.0, -3.0]]]])
    made = attribute(network, "gradient", x, 0)
    assert np.array_equal(made.values != 0, [[[[True, False], [True, False]]]])
    assert x.flatten().tolist() == [1, -1, 2, -3]


def test_rows_of_numbers_have_gradient_maps() -> None:
    """A sigmoid network of plain columns: saliency, gradients and integrated gradients; the others say why not."""
    config = MLPConfig((5,), 3, hidden=4, bias=True)
    network = wrap(seeded(config.build), (5,), preprocessing=Preprocessing(mean=(1.0,) * 5))
    x = noise(2, 5)
    for method in ("saliency", "gradient", "gradient-x-input", "integrated-gradients"):
        assert attribute(network, method, x, 1).values.shape == (2, 5)
    for method, message in (("guided", "here is none, but sigmoid .Sigmoid."), ("grad-cam", "rows of numbers")):
        with pytest.raises(InputError, match=message):
            attribute(network, method, x, 1)


def test_a_softmax_head_is_asked_for_its_log_probability() -> None:
    """Its gradient is that of the log-probability, also where the probability itself is flat; a remark says so."""
    bare = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 3)))
    network, x = wrap(nn.Sequential(bare, nn.Softmax(1)), (1, 2, 2)), noise(1, 1, 2, 2)
    inputs = x.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(bare(inputs).log_softmax(1)[:, 2].sum(), inputs)
    made = attribute(network, "gradient", x, 2)
    assert np.allclose(made.values, gradient, atol=1e-5)
    assert "softmax" in made.remarks[0]
    assert np.allclose(attribute(network, "guided", x, 2).values, gradient, atol=1e-5)


def test_a_dead_unit_is_said_to_be_dead() -> None:
    """A unit that is off everywhere has a map of zeros and a remark, no NaN."""
    network = cnn()
    with torch.no_grad():
        network.module.features[1].bias[3] = -100
    made = attribute(network, "guided", noise(2, 3, 16, 16), Unit(Site("features.2"), 3))
    assert made.limit == 0
    assert "nothing in the picture moves features.2/3" in made.remarks[0]
    assert "in picture 0, 1" in made.remarks[0]


def test_an_unknown_method_is_named() -> None:
    """The error lists what there is; so do a layer that is not there, and one after the target."""
    with pytest.raises(InputError, match="no method 'lime'; there is saliency, gradient"):
        attribute(cnn(), "lime", noise(1, 3, 16, 16), 0)
    with pytest.raises(InputError, match="no site 'features.99'"):
        attribute(cnn(), "grad-cam", noise(1, 3, 16, 16), 0, layer=Site("features.99"))
    with pytest.raises(InputError, match="a layer before features.0/1 .mean., which does not depend on features.4"):
        attribute(cnn(), "grad-cam", noise(1, 3, 16, 16), Unit(Site("features.0"), 1), layer=Site("features.4"))
    with pytest.raises(InputError, match="needs a layer with maps before class 0"):
        attribute(linear((1, 2, 2)), "grad-cam", noise(1, 1, 2, 2), 0)


class _Moved(nn.Module):
    """A map whose channels are moved to the end, read there, and moved back."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU())
        self.last = nn.Linear(6, 6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.body(x)
        return self.head(self.last(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).mean((2, 3)))


def test_a_unit_is_of_what_other_commands_call_layers() -> None:
    """A block of modules is one by its name; of a map with its features last, columns would be taken for units."""
    network = wrap(seeded(_Moved), (3, 8, 8))
    whole = attribute(network, "gradient", noise(1, 3, 8, 8), Unit(Site("body"), 5))
    part = attribute(network, "gradient", noise(1, 3, 8, 8), Unit(Site("body.1"), 5))
    assert np.array_equal(whole.values, part.values)
    assert whole.values.any()
    with pytest.raises(MissingError, match="no site 'last'; there is"):
        attribute(network, "gradient", noise(1, 3, 8, 8), Unit(Site("last"), 5))
    with pytest.raises(MissingError, match="no site 'last'; there is"):
        attribute(network, "grad-cam", noise(1, 3, 8, 8), 0, layer=Site("last"))
    with pytest.raises(InputError, match="no unit 6 in body; it has 0 to 5"):
        attribute(network, "gradient", noise(1, 3, 8, 8), Unit(Site("body"), 6))
