from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cellscope.errors import InputError
from cellscope.models.char_rnn import CharRNN, CharRNNConfig


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("embedding", [0, 5])
def test_carried_state_makes_two_halves_one_text(kind, embedding):
    """Logits of a text read in two parts, with the state carried, are those of the text read at once."""
    torch.manual_seed(0)
    model = CharRNN(7, kind=kind, layers=2, size=6, embedding=embedding).eval()
    ids = torch.randint(0, 7, (3, 10))
    whole, _ = model(ids)
    first, state = model(ids[:, :4])
    second, _ = model(ids[:, 4:], state)
    assert torch.allclose(torch.cat([first, second], 1), whole, atol=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_recurrent_module_is_a_standard_one_under_its_name(kind):
    """The recurrent layer is torch's own, batch first, under the attribute named after its kind."""
    module = getattr(CharRNN(9, kind=kind, layers=2, size=4), kind)
    assert type(module) is {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind]
    assert (module.batch_first, module.num_layers, module.hidden_size) == (True, 2, 4)


def test_one_hot_input_is_a_column_of_the_input_weights():
    """With embedding 0 the LSTM reads one-hot vectors, and the result is that of torch's one_hot."""
    torch.manual_seed(0)
    model = CharRNN(7, size=4, embedding=0)
    ids = torch.randint(0, 7, (2, 5))
    hidden, _ = model.lstm(nn.functional.one_hot(ids, 7).float())
    assert model.lstm.input_size == 7
    assert torch.equal(model(ids)[0], model.decoder(hidden))


def test_forget_gates_start_open():
    """The forget gate's biases add up to 1, all others to 0."""
    model = CharRNN(7, size=4, layers=2)
    for layer in range(2):
        bias = getattr(model.lstm, f"bias_ih_l{layer}") + getattr(model.lstm, f"bias_hh_l{layer}")
        assert bias.tolist() == [0] * 4 + [1] * 4 + [0] * 8


@given(
    st.builds(
        CharRNNConfig,
        st.integers(1, 2000),
        st.sampled_from(["lstm", "gru", "rnn"]),
        st.integers(1, 5),
        st.integers(1, 512),
        st.integers(0, 64),
        st.floats(0, 0.9),
    )
)
def test_config_goes_through_json_and_back(config):
    """from_json(to_json(config)) is config."""
    assert CharRNNConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    "field",
    [
        {"kind": "transformer"},
        {"layers": 0},
        {"size": 10**12},
        {"size": 2.5},
        {"embedding": -1},
        {"dropout": 1.0},
        {"dropout": "a lot"},
        {"vocabulary_size": True},
        {"heads": 3},
    ],
)
def test_unfit_shapes_are_refused(field):
    """A configuration that is out of range, of the wrong type or unknown is an InputError, not a crash later."""
    with pytest.raises(InputError):
        CharRNNConfig.from_json({"vocabulary_size": 5, **field})
