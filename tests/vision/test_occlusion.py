"""Occlusion: captum's numbers, closed forms, and what cannot be covered."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from odd_networks import Residual, Tiny, linear, noise, seeded, untouched
from torch import nn

from cellscope.axes import Site, Unit
from cellscope.errors import InputError
from cellscope.hooks.modules import quick_layout
from cellscope.models.classifier import wrap
from cellscope.models.preprocessing import Preprocessing
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.fill import fill_values
from cellscope.vision.occlusion import good_batch, occlusion
from cellscope.vision.target import aim_at


def cnn(shape=(3, 16, 20), classes=4):
    return wrap(seeded(lambda: SmallCNNConfig(shape, classes, (6, 8), 10, 3).build()), shape)


@pytest.mark.parametrize(("window", "stride"), [(5, 3), ((4, 7), (4, 2)), (1, 1), ((16, 20), 9), (6, 6)])
@pytest.mark.parametrize("batch", [1, 7, None])
def test_values_are_those_of_captum(window, stride, batch) -> None:
    """For any window, stride and batch, a cut-off last window among them, to 1e-5."""
    network, x = cnn(), noise(2, 3, 16, 20)
    rows, columns = (window, window) if isinstance(window, int) else window
    strides = (stride, stride) if isinstance(stride, int) else stride
    theirs = Occlusion(network.module.eval()).attribute(
        x, (3, rows, columns), strides=(3, *strides), baselines=0.5, target=2, perturbations_per_eval=4
    )
    ours = occlusion(network, x, 2, window=window, stride=stride, fill=0.5, batch=batch)
    assert np.abs(ours.values - theirs[:, 0].numpy()).max() < 1e-5
    assert ours.limit == np.abs(ours.values).max() > 1e-3


def test_the_known_answer_of_captum() -> None:
    """Pictures arange(16) and ones, one window over all of them: 67 and 13 everywhere."""
    network = wrap(Tiny(), (1, 4, 4))
    x = torch.stack([torch.arange(16.0).view(1, 4, 4), torch.ones(1, 4, 4)])
    theirs = Occlusion(network.module).attribute(x, (1, 4, 4), target=0)
    made = occlusion(network, x, 0, window=4, stride=4, fill="zero")
    assert np.allclose(made.values, theirs[:, 0])
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    assert occlusion(wrap(plain, (1, 4, 4)), x, 1, window=9, stride=1).drops.shape == (2, 1, 1)


def test_one_pixel_of_a_linear_network_is_its_weight_times_its_value() -> None:
    """w x where what covers is 0; with another fill, w (x - fill)."""
    network, x = linear((1, 5, 6)), noise(1, 1, 5, 6)
    weight = network.module[1].weight[1].detach().view(5, 6)
    zero = occlusion(network, x, 1, window=1, stride=1, fill="zero")
    white = occlusion(network, x, 1, window=1, stride=1, fill="white")
    assert np.allclose(zero.values[0], weight * x[0, 0], atol=1e-6)
    assert np.allclose(white.values[0], weight * (x[0, 0] - 1), atol=1e-6)


def test_tiles_of_a_linear_network_add_up_and_of_another_do_not() -> None:
    """The sum over tiles is f(x) - f(0) only where the network is linear: occlusion is not complete."""
    x = noise(1, 3, 16, 20)
    for network, complete in ((linear((3, 16, 20)), True), (cnn(), False)):
        made = occlusion(network, x, 0, window=4, stride=4, fill="zero")
        with torch.no_grad():
            gap = network.logits(x)[0, 0] - network.logits(torch.zeros_like(x))[0, 0]
        assert bool(abs(made.drops.sum() - float(gap)) < 1e-4) is complete


def test_a_planted_pixel_is_found() -> None:
    """A network that reads one place alone: the map is 0 but where a window covers that place, with its sign."""
    network = linear((1, 12, 12), 2)
    with torch.no_grad():
        network.module[1].weight.zero_()
        network.module[1].weight[0, 7 * 12 + 3] = -2.0
    made = occlusion(network, torch.ones(1, 1, 12, 12), 0, window=3, stride=3, fill="black")
    where = np.argwhere(made.values[0])
    assert where.min(0).tolist() == [6, 3]
    assert where.max(0).tolist() == [8, 5]
    assert np.unique(made.values[0]).tolist() == [-2.0, 0.0]


def test_a_deeper_unit_in_its_places() -> None:
    """Mean, centre, maximum and a named place of a unit's map: each is brute force over windows."""
    network, x = cnn(), noise(1, 3, 16, 20)
    unit = Unit(Site("features.4"), 5)
    run = network.module.eval().features[:5]
    for place, read in (
        ("mean", lambda m: m.mean((1, 2))),
        ("centre", lambda m: m[:, 4, 5]),
        ("max", lambda m: m.amax((1, 2))),
        ((2, 9), lambda m: m[:, 2, 9]),
    ):
        made = occlusion(network, x, unit, window=8, stride=8, fill="black", place=place)
        with torch.no_grad():
            for i, row in enumerate((0, 8)):
                for j, column in enumerate((0, 8, 16)):
                    covered = x.clone()
                    covered[:, :, row : row + 8, column : column + 8] = 0
                    drop = read(run(x)[:, 5]) - read(run(covered)[:, 5])
                    assert abs(made.drops[0, i, j] - float(drop)) < 1e-5
        assert made.target.startswith("features.4/5")


def test_fills_are_brightness_before_preprocessing() -> None:
    """Grey is half way from black to white as the network sees them; one number a channel is red first, also in BGR."""
    preprocessing = Preprocessing(order="bgr", low=0, high=255, mean=(10.0, 20.0, 30.0), std=(2.0, 4.0, 5.0))
    network = wrap(seeded(lambda: SmallCNNConfig((3, 8, 8), 2, (4,), 4, 3).build()), (3, 8, 8),
                   preprocessing=preprocessing)  # fmt: skip
    picture = np.full((1, 3, 8, 8), 0.5, np.float32)
    x = network.prepare(picture)
    assert torch.allclose(fill_values(network, x, "grey"), x[:, :, :1, :1])
    assert torch.allclose(fill_values(network, x, "mean"), x[:, :, :1, :1])
    colour = np.array([1, 0.25, 0], np.float32)[None, :, None, None] * np.ones((1, 3, 8, 8), np.float32)
    assert torch.allclose(fill_values(network, x, [1, 0.25, 0]), network.prepare(colour)[:, :, :1, :1])
    assert np.abs(occlusion(network, x, 0, window=3, stride=3, fill="grey").values).max() < 1e-5


def test_a_flat_map_says_so() -> None:
    """Where no window changes the target the map is 0, and there is a remark."""
    network = cnn()
    made = occlusion(network, torch.full((1, 3, 16, 20), 0.5), 0, window=4, stride=4, fill="grey")
    assert made.limit == 0
    assert "no window changes class 0" in made.remarks[0]
    wide = occlusion(network, noise(1, 3, 16, 20), 0, window=50, stride=60)
    assert wide.window == (16, 20)
    assert "cut to the picture" in wide.remarks[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 4, "stride": 5}, "stride of 5 leaves gaps between windows of 4"),
        ({"window": 0}, "window of 0 x 0"),
        ({"fill": "red"}, "no fill 'red'; there is zero, grey"),
        ({"fill": 200.0}, "brightness from 0 .black. to 1 .white., not 200"),
        ({"fill": (0.1, 0.2)}, "a fill of 2 numbers for 3 channels"),
        ({"fill": float("nan")}, "not nan"),
        ({"batch": 0}, "batch of 0"),
        ({"target": 9}, "no class '9'; there is 0 .0., 1"),
        ({"target": Unit(Site("features.0"), 6)}, "no unit 6 in features.0; it has 0 to 5"),
        ({"target": Unit(Site("features.9"), 0)}, "no site 'features.9'"),
        ({"target": Unit(Site("features.0"), 0), "place": (16, 0)}, "no place 16, 0 in features.0; its map has 16"),
        ({"place": "edge"}, "no place 'edge'"),
    ],
)
def test_what_cannot_be_is_named(options, message) -> None:
    """Every wrong option is an error that says what was wrong and what there is."""
    options = {"target": 0, **options}
    with pytest.raises(InputError, match=message):
        occlusion(cnn(), noise(1, 3, 16, 20), options.pop("target"), **options)


def test_pictures_of_another_kind_are_refused() -> None:
    """Another shape, rows of numbers, and numbers that are not finite."""
    with pytest.raises(InputError, match=r"takes \[picture, 3, 16, 20\], not \[1, 3, 8, 8\]"):
        occlusion(cnn(), noise(1, 3, 8, 8), 0)
    with pytest.raises(InputError, match="rows of numbers"):
        occlusion(linear((7,)), noise(1, 7), 0)
    with pytest.raises(InputError, match="not finite"):
        occlusion(cnn(), noise(1, 3, 16, 20) / 0, 0)


def test_the_network_is_left_as_it_was_and_heard_in_eval_mode() -> None:
    """Train mode, an in-place first layer, a shared ReLU: the right map, and nothing of the network is changed."""
    residual = Residual().train()
    network, x = wrap(residual, (3, 8, 8)), noise(1, 3, 8, 8)
    with untouched(residual):
        made = occlusion(network, x, 1, window=3, stride=2)
        unit = occlusion(network, x, Unit(Site("relu", "2"), 1), window=3, stride=2)
    assert residual.training
    assert np.array_equal(made.values, occlusion(wrap(residual.eval(), (3, 8, 8)), x, 1, window=3, stride=2).values)
    assert unit.limit > 0
    first = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(192, 3))
    before = x.clone()
    spoiling = occlusion(wrap(seeded(lambda: first), (3, 8, 8)), x - 0.5, 0, window=8, stride=8, fill="black", batch=1)
    assert torch.equal(x, before)
    assert spoiling.limit > 0


def test_a_network_that_views_its_maps_is_run_as_usual() -> None:
    """Channels innermost is tried and left where a `view` fails; the numbers are captum's either way."""
    x = noise(1, 3, 10, 10)

    class Viewing(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.top = nn.Conv2d(3, 4, 3), nn.Linear(4 * 64, 2)

        def forward(self, x):
            return self.top(self.conv(x).view(len(x), -1))

    network = wrap(seeded(Viewing), (3, 10, 10))
    with aim_at(network, 0) as aim, torch.inference_mode():
        assert quick_layout(aim, aim, x) is torch.contiguous_format
    with aim_at(cnn((3, 10, 10)), 0) as aim, torch.inference_mode():
        assert quick_layout(aim, aim, x) is torch.channels_last
    theirs = Occlusion(network.module).attribute(x, (3, 4, 4), strides=(3, 2, 2), baselines=1.0, target=1)
    assert np.abs(occlusion(network, x, 1, window=4, stride=2, fill="white").values - theirs[:, 0].numpy()).max() < 1e-5


def test_progress_counts_windows_to_the_last() -> None:
    """It rises to the number of windows of all pictures; the batch is chosen within what there is."""
    told: list[tuple[int, int]] = []
    made = occlusion(cnn(), noise(2, 3, 16, 20), 0, window=8, stride=8, batch=4,
                     progress=lambda done, total, text: told.append((done, total)))  # fmt: skip
    assert told == [(3, 12), (6, 12), (9, 12), (12, 12)]
    assert made.batch == 4
    assert good_batch(noise(1, 3, 64, 64), 225) == 32
    assert good_batch(noise(1, 1, 8, 8), 9) == 9
    assert good_batch(torch.zeros(1, 3, 512, 512), 900) == 4
