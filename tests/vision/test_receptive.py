from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import Outlet, outlets
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.mlp import MLPConfig
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.receptive import ReceptiveField, receptive_field, receptive_fields


def built(*layers: nn.Module, shape: tuple[int, int, int] = (1, 24, 20)) -> Classifier:
    torch.manual_seed(0)
    return wrap(nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(3)), shape)


def every(classifier: Classifier) -> dict[Site, tuple[Outlet, ReceptiveField]]:
    known = outlets(classifier.module, classifier.example)
    found = receptive_fields(classifier, known)
    return {o.site: (o, found[o.site]) for o in known}


class Skips(nn.Module):
    """Dilation, a skip connection, functional ReLU, uneven pooling to 3 x 3, then everything."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.wide = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.pool = nn.AdaptiveMaxPool2d(3)
        self.gate = nn.SiLU()
        self.head = nn.Linear(36, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        return self.head(self.pool(self.gate(x + F.relu(self.wide(x)))).flatten(1))


CASES = {
    "plain": lambda: built(nn.Conv2d(1, 3, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 3)),
    "odd": lambda: built(
        nn.Conv2d(1, 3, (3, 1), stride=(2, 3), padding=1), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(3, 2, 2)
    ),
    "skips": lambda: wrap(Skips(), (2, 17, 23)),
    "up": lambda: built(nn.Conv2d(1, 2, 3, stride=2), nn.Upsample(scale_factor=2), nn.ConvTranspose2d(2, 2, 3, 2)),
    "small_cnn": lambda: wrap(SmallCNNConfig((1, 16, 16), 3, widths=(4, 4)).build(), (1, 16, 16)),
}


@pytest.mark.parametrize("case", CASES)
def test_no_pixel_outside_has_a_gradient(case: str) -> None:
    """Every pixel with a non-zero input gradient of a unit, at any place, lies in the box of that place."""
    classifier = CASES[case]()
    random = np.random.default_rng(1)
    for site, (outlet, field) in every(classifier).items():
        assert field.grid == outlet.grid
        for _ in range(6):
            row, column = (int(random.integers(n)) for n in outlet.grid)
            inputs = torch.randn(4, *classifier.shape, requires_grad=True)
            with watch(classifier.module, [site]) as seen:
                value = seen.play(inputs)[site]
                value = value[:, :, row, column] if value.dim() == 4 else value
                (grad,) = torch.autograd.grad(value.square().sum(), inputs)
            rows, columns = np.nonzero(grad.abs().sum((0, 1)).numpy())
            top, bottom, left, right = field.box(row, column)
            if len(rows):
                assert top <= rows.min() <= rows.max() < bottom
                assert left <= columns.min() <= columns.max() < right


def test_plain_stacks_agree_with_the_closed_form() -> None:
    """Size, stride and offset follow the recursion over kernels, strides, dilations and paddings, border or not."""
    stack = [(5, 1, 2, 1), (2, 2, 0, 1), (3, 1, 1, 1), (3, 1, 2, 2), (3, 2, 0, 1)]
    layers = [
        nn.MaxPool2d(k, s, p, d) if number == 1 else nn.Conv2d(1 if number == 0 else 2, 2, k, s, p, d)
        for number, (k, s, p, d) in enumerate(stack)
    ]
    found = every(built(*layers, shape=(1, 48, 64)))
    size, stride, offset = 1, 1, 0
    for number, (k, s, p, d) in enumerate(stack):
        size, offset, stride = size + (k - 1) * d * stride, offset - p * stride, stride * s
        field = found[Site(str(number))][1]
        assert (field.size, field.stride, field.offset) == ((size,) * 2, (stride,) * 2, (offset,) * 2)
        for row in range(field.grid[0]):
            expected = (max(0, offset + stride * row), min(48, offset + stride * row + size))
            assert field.box(row, 0)[:2] == expected
        middle = offset + stride * np.arange(field.grid[1]) + size // 2
        np.testing.assert_array_equal(field.centres()[1], np.clip(middle, 0, 63))


def test_a_field_larger_than_the_picture_keeps_its_true_size() -> None:
    """Where no cell has all of its field inside, size, stride and offset are still those of the closed form."""
    field = receptive_field(classifier := built(nn.Conv2d(1, 1, 13, padding=6), shape=(1, 10, 10)),
                            outlets(classifier.module, classifier.example)[0])  # fmt: skip
    assert (field.size, field.stride, field.offset) == ((13, 13), (1, 1), (-6, -6))
    assert field.box(0, 9) == (0, 7, 3, 10)
    np.testing.assert_array_equal(field.centres()[0], np.arange(10))


def test_boxes_reach_beyond_the_border() -> None:
    """Every cell's box has one size; within the picture it is what the cell sees, beyond it what padding stands for."""
    field = every(built(nn.Conv2d(1, 2, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)))[Site("2")][1]
    assert field.reach(0, 0) == (-2, 4, -2, 4)
    assert field.reach(11, 9) == (20, 26, 16, 22)
    for row in range(12):
        for column in range(10):
            reach, box = field.reach(row, column), field.box(row, column)
            assert (reach[1] - reach[0], reach[3] - reach[2]) == field.size == (6, 6)
            assert box == (max(reach[0], 0), min(reach[1], 24), max(reach[2], 0), min(reach[3], 20))
    large = every(built(*(nn.Conv2d(1, 1, 9, padding=4) for _ in range(4)), shape=(1, 24, 24)))[Site("3")][1]
    assert large.reach(0, 12) == (-16, 17, -4, 29)


def test_pooling_over_everything_sees_the_whole_picture() -> None:
    """After global pooling or a fully connected layer, and for rows of numbers, the box is everything."""
    found = every(built(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1)))
    assert found[Site("1")][1].box(0, 0) == (0, 24, 0, 20)
    assert found[Site("3")][1].box(0, 0) == (0, 24, 0, 20)
    assert found[Site("1")][1].size == (24, 20)
    assert [int(c[0]) for c in found[Site("1")][1].centres((1, 1))] == [12, 10]
    rows = every(wrap(MLPConfig((7,), 2, hidden=3).build(), (7,)))
    assert rows[Site("hidden")][1].box(0, 0) == (0, 1, 0, 7)


def test_what_swallows_nan_is_taken_to_see_everything() -> None:
    """Where the question gets no answer, the field is never too small."""

    class Swallow(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x > 0, x, torch.zeros_like(x))

    found = every(built(nn.Conv2d(1, 2, 3), Swallow(), nn.ReLU()))
    assert found[Site("0")][1].size == (3, 3)
    assert found[Site("2")][1].box(0, 0) == (0, 24, 0, 20)


def test_nothing_of_the_model_changes() -> None:
    """Modes, weights, buffers, gradients and hooks are afterwards what they were; other places are refused by name."""
    classifier = CASES["small_cnn"]()
    classifier.module.train()
    before = {k: v.clone() for k, v in classifier.module.state_dict().items()}
    done: list[tuple[int, int]] = []
    known = outlets(classifier.module, classifier.example)
    found = receptive_fields(classifier, known, progress=lambda d, t, _: done.append((d, t)))
    assert done[-1] == (32, 32)
    assert all(torch.equal(v, before[k]) for k, v in classifier.module.state_dict().items())
    assert all(m.training and not m._forward_hooks for m in classifier.module.modules())
    assert all(p.grad is None for p in classifier.module.parameters())
    with pytest.raises(InputError, match="features.3 has 8 x 8 places; there is no \\(8, 0\\)"):
        found[Site("features.3")].box(8, 0)
    with pytest.raises(InputError, match="has 8 x 8 places, not 4 x 4"):
        found[Site("features.3")].centres((4, 4))
