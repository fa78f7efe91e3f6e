"""Feature visualisation climbs what it is asked to climb, shows planted patterns, and leaves the network alone."""

from __future__ import annotations

import copy
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cellscope.errors import InputError, MissingError
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.preprocessing import Preprocessing
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.vision.objectives import channel, diversity, interpolation, layer, logit, neuron
from cellscope.vision.presets import preset_for
from cellscope.vision.render import Adam
from cellscope.vision.visualise import visualise


def network(shape: tuple[int, int, int] = (3, 16, 16), seed: int = 0) -> Classifier:
    torch.manual_seed(seed)
    config = SmallCNNConfig(shape, 4, widths=(6, 8), hidden=8, kernel=3)
    return wrap(config.build(), shape, preprocessing=Preprocessing(mean=(0.4,), std=(0.3,)))


def stripes(kind: str) -> np.ndarray:
    """A 5 x 5 filter: dark and bright lines."""
    lines = np.tile(np.array([1, -1, -1, 1, 1], np.float32) - 0.2, (5, 1))
    return lines if kind == "vertical" else lines.T


@pytest.fixture(scope="module")
def planted() -> Classifier:
    """One convolution whose channel 0 answers to vertical, channel 1 to horizontal lines; channel 2 never fires."""
    conv = nn.Conv2d(1, 3, 5, padding=2)
    with torch.no_grad():
        conv.weight[0, 0] = torch.from_numpy(stripes("vertical"))
        conv.weight[1, 0] = torch.from_numpy(stripes("horizontal"))
        conv.weight[2] = 0
        conv.bias.copy_(torch.tensor([0.0, 0.0, -1.0]))
    return wrap(nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(3 * 16 * 16, 2)), (1, 16, 16))


def test_planted_patterns_come_out(planted: Classifier) -> None:
    """Vertical lines vary along rows and not down columns, horizontal ones the other way; both gain a lot."""
    made = visualise(planted, ["1/0", "1/1"], steps=64)
    across, down = (np.abs(np.diff(made.pictures[:, 0], axis=axis)).mean((1, 2)) for axis in (2, 1))
    assert across[0] > 2 * down[0]
    assert down[1] > 2 * across[1]
    assert (made.end > 10 * np.abs(made.start)).all()
    assert made.names == ("channel 1/0", "channel 1/1")
    assert made.curve.shape == (2, 64)
    assert made.curve[:, -8:].mean() > made.curve[:, :8].mean()


def test_a_dead_unit_is_said_to_be_dead(planted: Classifier) -> None:
    """A unit no picture can reach: marked, its picture finite; its neighbours are not marked."""
    made = visualise(planted, ["1/0", "1/2"], steps=20)
    assert made.dead.tolist() == [False, True]
    assert made.redirected.tolist() == [False, True]
    assert np.isfinite(made.pictures).all()


class Sleeper(nn.Module):
    """A unit that is off on grey and on for bright pictures, behind a functional ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Identity()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, pictures: Tensor) -> Tensor:
        bright = torch.nn.functional.relu(self.weight * pictures.mean((1, 2, 3)) - 0.6)
        return nn.functional.pad(self.last(bright[:, None]), (0, 1))


def test_a_silent_unit_is_woken() -> None:
    """On the grey start it has no gradient at all; redirected for some steps it fires."""
    made = visualise(wrap(Sleeper(), (1, 8, 8)), logit(0), steps=64)
    assert made.redirected.all()
    assert not made.dead.any()
    assert made.start[0] == 0
    assert made.end[0] > 0.05


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (5, 9, 13)])
def test_any_channels_and_sizes(shape: tuple[int, int, int]) -> None:
    """Grey, colours, five channels, odd sizes: every objective ends above its start, in 0..1."""
    objective = channel(["features.4/0", "features.4/3"]) + layer("features.0") * 0.1
    made = visualise(network(shape), objective, steps=24)
    assert made.pictures.shape == (2, *shape)
    assert (made.pictures.min(), made.pictures.max()) > (0, 0)
    assert made.pictures.max() < 1
    assert (made.end > made.start).all()


def test_the_same_seed_gives_the_same_picture_in_any_company() -> None:
    """Alone, among others, in batches of any size; another seed gives another picture."""
    classifier = network()
    alone = visualise(classifier, "features.4/2", steps=6, seed=3)
    among = visualise(classifier, ["features.4/0", "features.4/2", "features.4/5"], steps=6, seed=3, batch=3)
    split = visualise(classifier, ["features.4/0", "features.4/2", "features.4/5"], steps=6, seed=3, batch=1)
    assert np.array_equal(visualise(classifier, "features.4/2", steps=6, seed=3).pictures, alone.pictures)
    assert among.pictures[1] == pytest.approx(alone.pictures[0], abs=1e-4)
    assert split.pictures == pytest.approx(among.pictures, abs=1e-4)
    other = visualise(classifier, "features.4/2", steps=6, seed=4)
    assert np.abs(other.pictures - alone.pictures).max() > 1e-3


def test_the_network_is_left_alone() -> None:
    """Weights, flags, mode and gradients are as they were, and no hook is left."""
    classifier = network()
    classifier.module.train()
    before = copy.deepcopy(classifier.module.state_dict())
    visualise(classifier, neuron("features.5/1") + logit(1), steps=3)
    after = classifier.module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(m.training and not m._forward_hooks and not m._forward_pre_hooks for m in classifier.module.modules())
    assert all(p.requires_grad and p.grad is None for p in classifier.module.parameters())


def test_the_value_is_what_the_network_answers() -> None:
    """The end is the activation that the shown picture causes, through the declared preprocessing (BGR, 0..255)."""
    classifier = replace(network(), preprocessing=Preprocessing(order="bgr", high=255.0, mean=(99.0,), std=(60.0,)))
    made = visualise(classifier, logit([0, 2]), steps=8)
    classifier.module.eval()
    answers = classifier.logits(classifier.prepare(made.pictures)).detach().numpy()
    assert made.end == pytest.approx(answers[[0, 1], [0, 2]], abs=1e-3)


def test_the_negative_falls() -> None:
    """The negative of an objective lowers the activation below the start's."""
    classifier = network()
    made = visualise(classifier, -channel("features.0/1"), steps=24)
    assert -made.end[0] < -made.start[0]
    assert made.names == ("-(channel features.0/1)",)


def test_diversity_makes_pictures_differ() -> None:
    """With diversity the Gram matrices of four pictures of a unit are less alike, at the same steps and seed."""
    classifier, unit = network(), channel("features.4/1")
    plain = visualise(classifier, unit, repeats=4, steps=32)
    various = visualise(classifier, unit - 100 * diversity("features.4"), repeats=4, steps=32)

    def alike(pictures: np.ndarray) -> float:
        classifier.module.eval()
        with torch.no_grad():
            flat = classifier.module.features[:5](classifier.prepare(pictures)).flatten(2)
        grams = torch.nn.functional.normalize((flat @ flat.transpose(1, 2)).flatten(1))
        return float((grams @ grams.T).sum() - 4) / 12

    assert alike(various.pictures) < alike(plain.pictures) - 0.02


def test_an_interpolation_stays_in_one_batch() -> None:
    """Its ends are the two units' own objectives, whatever batch is asked for."""
    made = visualise(network(), interpolation("features.4/1", "features.4/2", 3), steps=4, batch=1)
    assert made.names[0] == "1 channel features.4/1 + 0 channel features.4/2"
    assert len(made.pictures) == 3


def test_fourier_pictures_have_less_fine_noise_than_pixels(planted: Classifier) -> None:
    """At the same gain, the share of power above half the highest frequency is below that of ascent on pixels."""
    target = torch.zeros(1, dtype=torch.int64)
    made = visualise(planted, "0/0", steps=40)
    pixels = torch.full((1, 1, 16, 16), 0.5) + 0.01 * torch.randn((1, 1, 16, 16), generator=torch.Generator())
    conv = planted.module[0]
    while float(conv(pixels)[target, 0].mean().detach()) < made.end[0]:
        pixels = pixels.detach().requires_grad_()
        pixels = pixels + 2 * torch.autograd.grad(conv(pixels)[0, 0].mean(), pixels)[0]
        pixels = (pixels + 0.02 * torch.randn(pixels.shape)).clamp(0, 1)

    def fine(picture: np.ndarray) -> float:
        power = np.abs(np.fft.fft2(picture - picture.mean())) ** 2
        far = np.hypot(*np.meshgrid(np.fft.fftfreq(16), np.fft.fftfreq(16)))
        return float(power[far > 0.25].sum() / power.sum())

    assert fine(made.pictures[0, 0]) < fine(pixels.detach().numpy()[0, 0])


def test_presets_follow_the_size() -> None:
    """From 97 pixels on the published settings; below, jitter shrinks with the picture."""
    assert [preset_for(n, n + 5).name for n in (8, 28, 64, 224)] == ["tiny", "small", "middle", "lucid"]
    lucid = preset_for(224, 224)
    assert (lucid.steps, lucid.rate, lucid.robustness.jitter) == (512, 0.05, (8, 4))


def test_what_cannot_be_is_refused_by_name() -> None:
    """Rows of numbers, a site, a unit and a number of steps that are not there."""
    with pytest.raises(InputError, match="rows of 5 numbers"):
        visualise(wrap(nn.Linear(5, 2), (5,)), logit(0))
    with pytest.raises(MissingError, match=r"no site 'features.99'"):
        visualise(network(), "features.99/0")
    with pytest.raises(InputError, match=r"no unit features.4/8; it has 8"):
        visualise(network(), "features.4/8")
    with pytest.raises(InputError, match="steps"):
        visualise(network(), "features.4/0", steps=0)


def test_progress_reaches_its_end() -> None:
    """Calls never fall and end at the total."""
    calls: list[tuple[int, int]] = []
    visualise(network(), ["features.4/0", "features.4/1", "features.4/2"], steps=20, batch=2,
              progress=lambda done, total, text: calls.append((done, total)))  # fmt: skip
    assert calls == sorted(calls)
    assert calls[-1] == (60, 60)


def test_steps_are_adams() -> None:
    """The spectrum moves as torch's own Adam moves it, upwards."""
    random = torch.Generator().manual_seed(0)
    ours, theirs = (torch.ones(5, 7) for _ in range(2))
    adam = torch.optim.Adam([theirs], lr=0.05, maximize=True)
    ascent = Adam(ours, 0.05)
    for _ in range(12):
        gradient = torch.randn((5, 7), generator=random)
        theirs.grad = gradient.clone()
        adam.step()
        ascent.step(gradient)
    assert torch.allclose(ours, theirs, atol=1e-6)


class Uncopyable(nn.Module):
    """Holds a lock, which cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock, self.conv = threading.Lock(), nn.Conv2d(1, 12, 3)

    def forward(self, pictures: Tensor) -> Tensor:
        with self.lock:
            return self.conv(pictures).mean((2, 3))


def test_a_network_that_cannot_be_copied_is_seen_by_one_thread() -> None:
    """Shares on twins and one share on the network itself give the same pictures."""
    torch.manual_seed(0)
    locked = wrap(Uncopyable(), (1, 64, 64))
    copyable = wrap(nn.Sequential(locked.module.conv, nn.AdaptiveAvgPool2d(1), nn.Flatten()), (1, 64, 64))
    units = [f"conv/{k}" for k in range(12)]
    made = visualise(locked, units, steps=3, batch=2)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        shared = visualise(copyable, [f"0/{k}" for k in range(12)], steps=3, batch=2)
    finally:
        torch.set_num_threads(threads)
    assert shared.pictures == pytest.approx(made.pictures, abs=1e-4)


def test_a_twin_shares_weights_and_nothing_else() -> None:
    """Its parameters and buffers are the very tensors; its modules are others."""
    classifier = network()
    twin = classifier.twin()
    pairs = zip(classifier.module.parameters(), twin.module.parameters(), strict=True)
    assert all(a is b for a, b in pairs)
    assert not set(map(id, classifier.module.modules())) & set(map(id, twin.module.modules()))
