"""A layer played step by step equals torch's fused module, whatever its kind, size, precision and input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from cellscope.axes import STREAMS
from cellscope.hooks.listen import listen

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
SHAPES = [(1, 1, 1), (7, 5, 3), (33, 130, 4), (16, 9, 17)]
"""Units, lanes, steps."""
CASES = [(True, True, True), (True, False, False), (False, True, False), (False, False, True)]
"""Bias, batch first, from rest."""


def hear(module: nn.RNNBase, values: torch.Tensor, state=None):
    """Every stream of every layer, the output and the state after, as the step loop gives them."""
    kind = type(module).__name__.lower()
    sites = [f"{kind}.{layer}:{stream}" for layer in range(module.num_layers) for stream in STREAMS[kind]]
    with listen(module, sites) as heard:
        output, after = module(values, state) if state is not None else module(values)
        return {site: heard[site] for site in sites}, output, after


def close(a, b, tolerance: float = 1e-5) -> bool:
    parts = zip(a, b, strict=True) if isinstance(a, tuple) else [(a, b)]
    return all(torch.allclose(x, y, rtol=tolerance, atol=tolerance) for x, y in parts)


@pytest.mark.parametrize(("size", "lanes", "steps"), SHAPES)
@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh", "relu"])
def test_equals_the_fused_module(kind: str, size: int, lanes: int, steps: int) -> None:
    """Outputs and state equal the fused module to 1e-5: 1-3 layers, bias or none, either layout, from rest or not."""
    torch.manual_seed(size)
    for layers, (bias, batch_first, rest) in itertools.product((1, 2, 3), CASES):
        extra = {"nonlinearity": kind} if kind in ("tanh", "relu") else {}
        module = KINDS.get(kind, nn.RNN)(5, size, layers, bias=bias, batch_first=batch_first, **extra).eval()
        shape = (lanes, steps, 5) if batch_first else (steps, lanes, 5)
        values, state = 2 * torch.randn(shape), None
        if not rest:
            parts = tuple(torch.randn(layers, lanes, size) for _ in range(2 if kind == "lstm" else 1))
            state = parts if len(parts) == 2 else parts[0]
        with torch.no_grad():
            expected, after = module(values, state)
        heard, output, ended = hear(module, values, state)
        assert close(output, expected)
        assert close(ended, after)
        name = next(reversed([s for s in heard if s.endswith(":hidden")]))
        assert close(heard[name], expected.transpose(0, 1) if batch_first else expected)


@pytest.mark.parametrize(("size", "lanes", "steps"), SHAPES)
def test_equals_lstm_cell(size: int, lanes: int, steps: int) -> None:
    """h and c of both layers of an LSTM equal two nn.LSTMCell loops on the same weights to 1e-5."""
    torch.manual_seed(1)
    module = nn.LSTM(4, size, 2)
    values = torch.randn(steps, lanes, 4)
    heard, _, _ = hear(module, values)
    for layer in range(2):
        cell = nn.LSTMCell(4 if layer == 0 else size, size)
        cell.load_state_dict({k: getattr(module, f"{k}_l{layer}") for k in cell.state_dict()})
        h, c, outputs = torch.zeros(lanes, size), torch.zeros(lanes, size), []
        for t in range(steps):
            with torch.no_grad():
                h, c = cell(values[t], (h, c))
            assert close(heard[f"lstm.{layer}:hidden"][t], h)
            assert close(heard[f"lstm.{layer}:cell"][t], c)
            outputs.append(h)
        values = torch.stack(outputs)


def test_lstm_gates_make_the_cell() -> None:
    """The gates that are heard satisfy c = f c' + i g and h = o tanh(c), in every layer."""
    torch.manual_seed(2)
    heard, _, _ = hear(nn.LSTM(3, 33, 2), 3 * torch.randn(12, 20, 3))
    for layer in range(2):
        h, c, i, f, o, g = (heard[f"lstm.{layer}:{s}"] for s in STREAMS["lstm"])
        before = torch.cat([torch.zeros_like(c[:1]), c[:-1]])
        assert close(c, f * before + i * g, 2e-6)
        assert close(h, o * c.tanh(), 2e-6)
        assert all(gate.min() >= 0 and gate.max() <= 1 for gate in (i, f, o))


def test_gru_gates_make_the_hidden() -> None:
    """The gates that are heard satisfy h = (1 - z) n + z h', and n = tanh(W x + r (U h' + b))."""
    torch.manual_seed(3)
    module, values = nn.GRU(3, 9), torch.randn(12, 20, 3)
    heard, _, _ = hear(module, values)
    h, r, z, n = (heard[f"gru.0:{s}"] for s in STREAMS["gru"])
    before = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
    assert close(h, (1 - z) * n + z * before, 2e-6)
    with torch.no_grad():
        given = nn.functional.linear(values, module.weight_ih_l0, module.bias_ih_l0)[..., 18:]
        recurrent = nn.functional.linear(before, module.weight_hh_l0, module.bias_hh_l0)[..., 18:]
    assert close(n, (given + r * recurrent).tanh())


class Embedded(nn.Module):
    """An embedding into an LSTM; `copy` hides from the listener that its input is the embedding's."""

    def __init__(self, kind: str, *, batch_first: bool = True) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6, padding_idx=0)
        self.rnn = KINDS[kind](6, 10, 2, batch_first=batch_first)
        self.batch_first, self.copy = batch_first, False

    def forward(self, ids):
        values = self.embedding(ids if self.batch_first else ids.T)
        return self.rnn(values.clone() if self.copy else values)[0]


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_embedding_table(kind: str, batch_first: bool) -> None:
    """The drive looked up in one row a symbol gives the same as the direct product of every position."""
    torch.manual_seed(4)
    model, ids = Embedded(kind, batch_first=batch_first), torch.randint(0, 11, (6, 40))
    heard = []
    for model.copy in (False, True):
        with listen(model, ["rnn.0:h", "rnn.1:h"]) as one:
            output = model(ids)
            heard.append([one["rnn.0:h"], one["rnn.1:h"], output])
    with torch.no_grad():
        heard.append([heard[0][0], heard[0][1], model(ids)])
    assert all(close(a, b) and close(a, c) for a, b, c in zip(*heard, strict=True))


def test_embedding_changed_in_place() -> None:
    """An embedding's output that is changed in place before the layer is not taken for the embedding's table."""

    class Shifted(Embedded):
        def forward(self, ids):
            values = self.embedding(ids)
            values += 1.0
            return self.rnn(values)[0]

    torch.manual_seed(5)
    model, ids = Shifted("lstm"), torch.randint(0, 11, (6, 40))
    with torch.no_grad():
        expected = model(ids)
    with listen(model, ["rnn.1:h"]):
        assert close(model(ids), expected)


def scaled(embedding):
    class Scaled(nn.Embedding):
        def forward(self, ids):
            return super().forward(ids) * 5

    model = Scaled(11, 6)
    model.load_state_dict(embedding.state_dict())
    return model


def hooked(embedding):
    embedding.register_forward_hook(lambda module, args, output: output * 5)
    return embedding


def patched(embedding):
    forward = embedding.forward
    embedding.forward = lambda ids: forward(ids) * 5
    return embedding


@pytest.mark.parametrize("change", [scaled, hooked, patched])
def test_unusual_embedding(change) -> None:
    """An embedding that does more than look up (a subclass, a hook, a patch) is heard as it is, not as its weights."""
    torch.manual_seed(6)
    model, ids = Embedded("lstm"), torch.randint(0, 11, (6, 40))
    model.embedding = change(model.embedding)
    with torch.no_grad():
        expected = model(ids)
    with listen(model, ["rnn.1:h"]):
        assert close(model(ids), expected)


def test_embedding_called_by_keyword() -> None:
    """`embedding(input=ids)` and `lstm(input=x, hx=None)` are heard like the calls without names."""

    class Named(Embedded):
        def forward(self, ids):
            return self.rnn(input=self.embedding(input=ids), hx=None)[0]

    torch.manual_seed(7)
    model, ids = Named("lstm"), torch.randint(0, 11, (6, 40))
    with torch.no_grad():
        expected = model(ids)
    with listen(model, ["rnn.1:h"]):
        assert close(model(ids), expected)


def counter(step: float = 1.0) -> nn.LSTM:
    """One unit whose cell goes down by `step` at every character whose input is 1 (all gates open)."""
    module = nn.LSTM(1, 1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        module.weight_ih_l0[2] = -20.0
        module.bias_ih_l0[:] = torch.tensor([20.0, 20.0, 0.0, 20.0])
    return module


def test_unbounded_counter() -> None:
    """A cell that counts down to -1,800 is heard to the number, over any cutting into passes."""
    module, values = counter(), torch.ones(1800, 3, 1)
    values[::3, 1] = 0
    expected = -values[..., 0].cumsum(0)
    heard, _, _ = hear(module, values)
    assert torch.allclose(heard["lstm.0:cell"][..., 0], expected, atol=1e-2)
    parts = []
    with listen(module, ["lstm.0:c"], carry=True) as listening:
        for first in range(0, 1800, 77):
            module(values[first : first + 77])
            parts.append(listening["lstm.0:c"])
    assert torch.allclose(torch.cat(parts)[..., 0], expected, atol=1e-2)
    assert heard["lstm.0:cell"].min() < -1799


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh", "relu"])
def test_nan_stays_nan(kind: str) -> None:
    """A NaN in one lane is NaN there from its step on in every stream, and touches no other lane."""
    extra = {"nonlinearity": kind} if kind in ("tanh", "relu") else {}
    torch.manual_seed(8)
    module = KINDS.get(kind, nn.RNN)(3, 9, 2, **extra)
    values = torch.randn(6, 20, 3)
    values[2, 4, 0] = torch.nan
    heard, _, _ = hear(module, values)
    for values in heard.values():
        gone = values.isnan()
        assert gone[2:, 4].all()
        assert int(gone.sum()) == 4 * 9


@pytest.mark.parametrize("kind", ["lstm", "gru", "tanh", "relu"])
def test_extreme_drive(kind: str) -> None:
    """Huge and infinite drives saturate as torch's functions do, without overflow or NaN of their own."""
    extra = {"nonlinearity": kind} if kind in ("tanh", "relu") else {}
    module = KINDS.get(kind, nn.RNN)(1, 4, **extra).eval()
    values = torch.tensor([1e4, -1e4, 1e30, -1e30, 0.0, 1e-30]).view(6, 1, 1).expand(6, 9, 1).contiguous()
    if kind == "relu":
        values = values.clamp(-1e4, 1e4)
    with torch.no_grad():
        expected = module(values)[0]
    assert torch.allclose(hear(module, values)[1], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float64, 1e-12), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_other_precisions(kind: str, precision: torch.dtype, tolerance: float) -> None:
    """Modules in float64 and bfloat16 go through plain torch operations and keep their precision."""
    torch.manual_seed(9)
    module = KINDS[kind](5, 12, 2, batch_first=True).to(precision).eval()
    values = torch.randn(7, 9, 5, dtype=precision)
    with torch.no_grad():
        expected, after = module(values)
    heard, output, ended = hear(module, values)
    assert output.dtype == precision
    assert close(output, expected, tolerance)
    assert close(ended, after, tolerance)
    assert {v.dtype for v in heard.values()} == {precision}


def test_torch_path_equals_kernels() -> None:
    """The same weights in float32 (kernels) and float64 (torch operations) give the same streams to 1e-5."""
    torch.manual_seed(10)
    for kind in KINDS:
        module, values = KINDS[kind](5, 12, 2), torch.randn(7, 9, 5)
        fast, _, _ = hear(module, values)
        slow, _, _ = hear(module.double(), values.double())
        assert all(torch.allclose(fast[s].double(), slow[s], atol=1e-5) for s in fast)


def test_any_stream_alone() -> None:
    """What else is heard changes nothing: each stream alone equals the same stream among all."""
    torch.manual_seed(11)
    for kind, make in KINDS.items():
        module, values = make(5, 12, 2), torch.randn(7, 9, 5)
        every, output, _ = hear(module, values)
        for site, expected in every.items():
            with listen(module, [site]) as heard:
                assert close(module(values)[0], output, 1e-6)
                assert close(heard[site], expected, 1e-6), (kind, site)


def test_threads_do_not_matter() -> None:
    """One thread or two: the same numbers to 1e-6."""
    torch.manual_seed(12)
    module, before = nn.LSTM(5, 40, 2), torch.get_num_threads()
    values = torch.randn(9, 37, 5)
    try:
        torch.set_num_threads(1)
        one = hear(module, values)[0]
        torch.set_num_threads(2)
        two = hear(module, values)[0]
    finally:
        torch.set_num_threads(before)
    assert all(np.allclose(one[s], two[s], atol=1e-6) for s in one)
