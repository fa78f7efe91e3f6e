from __future__ import annotations

import pytest
import torch
from torch import nn

from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.models.sampling import sample, sample_ids


class Next(nn.Module):
    """After symbol k it is sure of symbol k + 1."""

    def forward(self, ids):
        return 50 * nn.functional.one_hot((ids + 1) % 5, 5).float()


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network(CharRNN(5, size=8), Vocabulary(("a", "b", "c", "", "\n"), other=3), "n")


def test_the_likeliest_character_follows_at_temperature_0():
    """A network that is sure of the next symbol is followed."""
    sure = Network(Next(), Vocabulary(tuple("abcde")), "n", stateful=False)
    assert "".join(sample(sure, prime="b", length=6, temperature=0)) == "cdeabc"


def test_seed_decides_the_text(network):
    """One seed, one text; another seed, another text."""
    texts = ["".join(sample(network, length=60, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 60


def test_the_other_symbol_is_never_written(network):
    """The other symbol stands for no character, so it is never drawn."""
    assert 3 not in set(sample_ids(network, [0], length=300, temperature=50))


def test_sampling_carries_the_state_it_was_given(network):
    """Greedy sampling equals taking the argmax of the whole text so far, again and again."""
    ids = [0, 1]
    for _ in range(12):
        logits = network.forward(torch.tensor([ids]))[0][0, -1]
        logits[3] = -torch.inf
        ids.append(int(logits.argmax()))
    assert list(sample_ids(network, [0, 1], length=12, temperature=0)) == ids[2:]


def test_unknown_prime_characters_become_the_other_symbol_or_an_error(network):
    """With a symbol for others the prime text is read; without one, the error names the character."""
    assert len("".join(sample(network, prime="aäb", length=5))) == 5
    strict = Network(Next(), Vocabulary(tuple("abcde")), "n", stateful=False)
    with pytest.raises(InputError, match="ä"):
        list(sample(strict, prime="aäb", length=5))


def test_bytes_are_decoded_as_utf8():
    """A network over bytes writes text: two bytes of one character come out as that character."""
    euro = list("€".encode())

    class Euro(nn.Module):
        def forward(self, ids):
            after = {10: euro[0], euro[0]: euro[1], euro[1]: euro[2], euro[2]: 10}
            following = torch.tensor([[after.get(int(i), 10) for i in lane] for lane in ids])
            return 50 * nn.functional.one_hot(following, 256).float()

    network = Network(Euro(), Vocabulary.of_bytes(), "n", stateful=False)
    assert "".join(sample(network, length=8)) == "€\n€\n"


@pytest.mark.parametrize("temperature", [-1, float("nan"), float("inf")])
def test_unfit_temperatures_are_refused(network, temperature):
    """A temperature below 0, or no number, is an InputError."""
    with pytest.raises(InputError, match="temperature"):
        list(sample(network, length=1, temperature=temperature))
