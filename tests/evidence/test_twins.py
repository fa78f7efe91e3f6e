"""Untrained networks set the bar: two of them correspond no more often than the rule says; planted units do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from planted_network import planted_network, planted_pictures

from cellscope.axes import Site
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence.correspondence import Correspondence, correspond, correspond_pictures
from cellscope.evidence.twins import Kept, twins
from cellscope.hooks.outlets import ends_of_blocks, outlets
from cellscope.look import PictureSource
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.network import Network
from cellscope.models.small_cnn import SmallCNNConfig
from cellscope.observe import ArraySource, NetworkSource, Source, rounds
from cellscope.sinks.crossed import Scale

CONTROLS, PAIRS = 3, 20
SITE = Site("one")
IMAGES = planted_pictures(128)
CORPUS = Corpus.from_text("".join(np.random.default_rng(0).choice(list("aaabbc (d)e\n"), 10_000)))


def noise(units: int, seed: int, length: int = 12_000) -> np.ndarray:
    """White noise [position, unit]."""
    return np.random.default_rng(seed).normal(size=(length, units)).astype(np.float32)


def reading(network: Network) -> NetworkSource:
    """A network that reads the corpus, its cells heard."""
    return NetworkSource(network, CORPUS, (Site("lstm.0", "cell"),), warm_up=32)


def looking(network: Classifier) -> PictureSource:
    """A network that is shown the pictures, every block of layers heard."""
    known = outlets(network.module, network.example)
    return PictureSource(network, IMAGES, ends_of_blocks(network.module, known), grid=(8, 8))


def lstm() -> Network:
    vocabulary = Vocabulary(tuple(sorted(set(CORPUS.text(0, len(CORPUS))))))
    return Network(CharRNNConfig(len(vocabulary), size=6, embedding=0).build().eval(), vocabulary, "lstm")


def cnn() -> Classifier:
    shape = tuple(IMAGES.shape)
    return wrap(SmallCNNConfig(shape, 2, widths=(6, 6), hidden=6).build(), shape, name="cnn")


def between(one, other, listen: Callable, seed: int) -> Correspondence:
    """The correspondence of two networks of one kind."""
    bare, by = one.untrained(0), correspond if listen is reading else correspond_pictures
    untrained = twins(lambda _, drawn: listen(bare.untrained(drawn)), seed=seed, controls=CONTROLS)
    with listen(one) as first, listen(other) as second, untrained as pairs:
        return by(first, second, pairs, seed=seed)


@pytest.mark.parametrize(
    ("make", "listen"),
    [
        pytest.param(lstm, reading, id="lstm"),
        pytest.param(planted_network, looking, id="shallow"),
        pytest.param(cnn, looking, id="cnn", marks=pytest.mark.slow),
    ],
)
def test_two_untrained_networks_correspond_no_more_often_than_the_rule_allows(make: Callable, listen: Callable) -> None:
    """Of all units of twenty pairs one in controls + 1 comes closer than in all draws, and no more correspond."""
    network = make()
    found = [between(network.untrained(100 + k), network.untrained(200 + k), listen, seed=k) for k in range(PAIRS)]
    sides = [m for one in found for m in (*one.first, *one.second)]
    assert np.mean([abs(m.r) > m.untrained for m in sides]) == pytest.approx(1 / (CONTROLS + 1), abs=0.1)
    assert np.mean([m.found for m in sides]) <= 1 / (CONTROLS + 1)


def shuffled(network: Network, order: np.ndarray) -> Network:
    """The same network with its units in another order."""
    module = lstm().module
    module.load_state_dict(network.module.state_dict())
    rows = np.concatenate([order + len(order) * gate for gate in range(4)])
    with torch.no_grad():
        for name, tensor in module.recurrent.named_parameters():
            tensor.copy_(tensor[rows][:, order] if name == "weight_hh_l0" else tensor[rows])
    return replace(network, module=module)


def test_a_planted_permutation_is_found_whole() -> None:
    """Networks that do what no draw of weights does: the same ones in another order correspond unit for unit."""
    trained = lstm()
    with torch.no_grad():
        for parameter in trained.module.recurrent.parameters():
            parameter.mul_(4)  # farther from nought than weights are drawn
    order = np.array([3, 0, 5, 1, 2, 4])
    found = between(trained, shuffled(trained, order), reading, seed=1)
    assert [m.other.index for m in found.second] == order.tolist()
    assert all(m.found for m in (*found.first, *found.second))


def test_the_bar_is_the_largest_of_all_draws() -> None:
    """Each unit has that of its own closest match in any of the untrained networks, each way; and no other unit's."""
    first, second = noise(3, 1), noise(2, 2)
    bare = [(second[:, :1] + noise(1, 10 + k) * far, first[:, 2:] + noise(1, 20 + k) * far)
            for k, far in enumerate((3.0, 0.5, 2.0))]  # fmt: skip
    pairs = [(ArraySource(one, SITE), ArraySource(other, SITE)) for one, other in bare]
    found = correspond(ArraySource(first, SITE), ArraySource(second, SITE), pairs)
    assert found.controls == 3
    want = 1 / np.sqrt(1.25)
    assert found.first[2].untrained == pytest.approx(want, abs=0.02)
    assert found.second[0].untrained == pytest.approx(want, abs=0.02)
    assert max(m.untrained for m in (*found.first[:2], found.second[1])) < 0.1


def test_draws_come_from_the_seed_and_are_not_it() -> None:
    """The same seed draws the same, every draw and side has a seed of its own, and none is the seed of the run."""

    def drawn(seed: int) -> list[int]:
        @contextmanager
        def make(side: int, number: int) -> Iterator[Source]:
            made.append(number)
            yield ArraySource(noise(1, 0, 10), SITE)

        made: list[int] = []
        with twins(make, seed=seed, controls=4) as pairs:
            list(pairs)
        return made

    assert drawn(123) == drawn(123)
    assert len({*drawn(123), *drawn(124), 123, 124}) == 18
    with pytest.raises(InputError, match="0 untrained networks to compare with; give at least 1"):
        twins(lambda side, number: looking(cnn()), seed=0, controls=0)


def test_step_0_of_a_run_is_no_control_of_its_own() -> None:
    """Weights drawn from the seed of the comparison are not among its draws, so a network can be compared with them."""
    trained = lstm()
    found = between(trained, trained.untrained(5), reading, seed=5)
    assert all(m.untrained < 0.9999 for m in found.second)
    itself = between(trained.untrained(5), trained.untrained(5), reading, seed=5)
    assert all(m.r > 0.9999 > m.untrained for m in itself.first)


def test_an_error_while_controls_are_heard_leaves_nothing_behind() -> None:
    """Gradients are taken again, and the network holds no hook."""
    network = lstm()

    def broken(_: int, drawn: int) -> NetworkSource:
        return NetworkSource(network.untrained(drawn), CORPUS.part(0, 64), (Site("lstm.0", "cell"),))

    with pytest.raises(Exception), reading(network) as one, twins(broken, seed=0) as pairs:  # noqa: B017, PT011
        correspond(one, one, pairs)
    assert torch.is_grad_enabled()
    assert not network.module._forward_pre_hooks


def test_of_many_rounds_some_are_kept_and_spread() -> None:
    """No more is held than a bound, from the first round to the last."""
    array = np.zeros((4 * 2**16, 64), np.float32)
    source = ArraySource(array, SITE)
    kept = Kept(source, source)
    parts = rounds(len(array), size=2**13)
    for number, part in enumerate(parts, 1):
        kept.begin(part)
        for chunk in source.play(part)[1]:
            kept.add((chunk, chunk), number / len(parts))
    assert 2**16 <= kept.positions < 2**16 + 2**13
    heard: list[int] = []

    class Bare(ArraySource):
        def play(self, part):  # type: ignore[no-untyped-def]
            heard.append(part.start)
            return super().play(part)

    scale = Scale(torch.zeros(64), torch.ones(64))
    bars = kept.reached((scale, scale), [(Bare(array, SITE), source)], lambda *_: None)
    assert len(heard) == 8
    assert np.ptp(np.diff(heard)) <= 2**13
    assert bars[2] == 1
