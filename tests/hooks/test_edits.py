"""Units held at values while the network runs on: the edit enters the recurrence and what lies above it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from cellscope.axes import STREAMS, Site
from cellscope.errors import InputError
from cellscope.hooks.edits import Hold, HoldSpan, Together
from cellscope.hooks.listen import listen

SIZE, LANES, STEPS = 6, 4, 9


def lstm_by_hand(module: nn.LSTM, values: torch.Tensor, change) -> torch.Tensor:
    """The outputs [lane, step, unit] of one nn.LSTM layer, written out, with change(stream, values) after each line."""
    h = c = torch.zeros(values.shape[0], module.hidden_size)
    out = []
    for x in values.unbind(1):
        gates = (x @ module.weight_ih_l0.T + h @ module.weight_hh_l0.T + module.bias_ih_l0 + module.bias_hh_l0).chunk(
            4, 1
        )
        i, f, g, o = gates[0].sigmoid(), gates[1].sigmoid(), gates[2].tanh(), gates[3].sigmoid()
        i, f, g = change("input", i), change("forget", f), change("candidate", g)
        c = change("cell", f * c + i * g)
        h = change("hidden", change("output", o) * c.tanh())
        out.append(h)
    return torch.stack(out, 1)


@pytest.mark.parametrize("stream", STREAMS["lstm"])
def test_a_held_unit_enters_the_recurrence(stream: str) -> None:
    """Holding two units of any stream of an LSTM gives what an LSTM written out by hand gives, to 1e-5."""
    torch.manual_seed(0)
    module, values = nn.LSTM(5, SIZE, batch_first=True), torch.randn(LANES, STEPS, 5)

    def change(name: str, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        if name == stream:
            x[:, 1], x[:, 4] = 0.7, -0.3
        return x

    site = Site("lstm.0", stream)
    with torch.no_grad(), listen(module, [site], edits={site: Hold.of([1, 4], [0.7, -0.3])}) as heard:
        output = module(values)[0]
        held = heard[site]
    with torch.no_grad():
        assert torch.allclose(output, lstm_by_hand(module, values, change), atol=1e-5)
    assert torch.allclose(held[..., 1], torch.tensor(0.7))
    assert torch.allclose(held[..., 4], torch.tensor(-0.3))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_lanes_have_lesions_of_their_own(kind: type[nn.RNNBase]) -> None:
    """A pass whose lanes hold different units gives in every lane what a pass with that one lesion gives."""
    torch.manual_seed(1)
    module, values = kind(5, SIZE, 2, batch_first=True), torch.randn(LANES, STEPS, 5)
    name = kind.__name__.lower()
    site = Site(f"{name}.0", "hidden")
    units, levels = torch.tensor([0, 3, 5]), torch.tensor([0.0, 0.5, -0.5])
    with torch.no_grad(), listen(module, [], edits={site: Hold(units, levels, torch.tensor([0, 1, 3]))}):
        together = module(values)[0]
    with torch.no_grad():
        assert torch.allclose(together[2], module(values)[0][2], atol=1e-5)
    for lane, unit, level in zip((0, 1, 3), units.tolist(), levels.tolist(), strict=True):
        with torch.no_grad(), listen(module, [], edits={site: Hold.of([unit], [level])}):
            assert torch.allclose(module(values)[0][lane], together[lane], atol=1e-5)


@pytest.mark.parametrize("stream", ["reset", "update", "new"])
def test_gates_of_a_gru_can_be_held(stream: str) -> None:
    """Holding a whole gate of a GRU at a value gives what the GRU's equations say of that value, to 1e-5."""
    torch.manual_seed(2)
    module, values = nn.GRU(5, SIZE, batch_first=True), torch.randn(LANES, STEPS, 5)
    with torch.no_grad(), listen(module, [], edits={Site("gru.0", stream): Hold.of(range(SIZE), [0.25] * SIZE)}):
        output = module(values)[0]
    h = torch.zeros(LANES, SIZE)
    with torch.no_grad():
        for t, x in enumerate(values.unbind(1)):
            a, b, c = (x @ module.weight_ih_l0.T + module.bias_ih_l0).chunk(3, 1)
            p, q, w = (h @ module.weight_hh_l0.T + module.bias_hh_l0).chunk(3, 1)
            r, z = (a + p).sigmoid(), (b + q).sigmoid()
            r = torch.full_like(r, 0.25) if stream == "reset" else r
            z = torch.full_like(z, 0.25) if stream == "update" else z
            n = (c + r * w).tanh()
            n = torch.full_like(n, 0.25) if stream == "new" else n
            h = (1 - z) * n + z * h
            assert torch.allclose(output[:, t], h, atol=1e-5)


def test_a_direction_is_held_and_what_lies_across_it_is_left() -> None:
    """After HoldSpan the product is the value, to 1e-5, and the part across the direction is as it was."""
    torch.manual_seed(3)
    values, direction = torch.randn(LANES, SIZE), torch.randn(SIZE)
    unit = direction / direction.norm()
    hold = HoldSpan.of(direction.tolist(), [0.4])
    edited = hold(values.clone(), 0)
    assert torch.allclose(edited @ direction, torch.full((LANES,), 0.4), atol=1e-5)
    across = torch.eye(SIZE) - torch.outer(unit, unit)
    assert torch.allclose(edited @ across, values @ across, atol=1e-5)
    some = replace(hold, lanes=torch.tensor([2]))(values.clone(), 0)
    assert torch.equal(some[[0, 1, 3]], values[[0, 1, 3]])
    assert torch.allclose(some[2], edited[2])


def test_several_directions_are_held_at_once_and_their_rest_by_itself() -> None:
    """Directions at an angle all have their values; with `rest` the part within is left and all else is the point's."""
    torch.manual_seed(5)
    values, directions = torch.randn(LANES, SIZE), torch.randn(2, SIZE)
    hold = HoldSpan.of(directions.tolist(), [0.4, -1.0])
    assert torch.allclose(hold(values.clone(), 0) @ directions.T, torch.tensor([0.4, -1.0]).expand(LANES, 2), atol=1e-5)
    point = torch.randn(SIZE)
    rest = HoldSpan(hold.axes, point, rest=True)(values.clone(), 0)
    assert torch.allclose(rest @ directions.T, values @ directions.T, atol=1e-5)
    within = hold.axes.T @ hold.axes
    assert torch.allclose(rest - rest @ within, (point - within @ point).expand(LANES, SIZE), atol=1e-5)
    with pytest.raises(InputError, match="one follows from the others"):
        HoldSpan.of([[1.0, 2.0], [-2.0, -4.0]], [0.0, 1.0])


def test_several_edits_act_one_after_the_other() -> None:
    """Together holds what each of its edits holds; the later one has the last word."""
    values = Together((Hold.of([0, 1], [1.0, 1.0]), Hold.of([1], [2.0])))(torch.zeros(LANES, SIZE), 0)
    assert values[0].tolist() == [1.0, 2.0, 0, 0, 0, 0]


def test_after_the_with_nothing_is_left() -> None:
    """A model that was edited gives the same as before, and holds no forward of its own."""
    torch.manual_seed(4)
    module, values = nn.LSTM(5, SIZE, batch_first=True), torch.randn(LANES, STEPS, 5)
    with torch.no_grad():
        before = module(values)[0]
        with listen(module, [], edits={Site("lstm.0", "cell"): Hold.of([0], [9.0])}):
            assert not torch.allclose(module(values)[0], before)
        assert torch.equal(module(values)[0], before)
    assert "forward" not in vars(module)


def test_units_and_values_go_together() -> None:
    """As many values as units, or an error that says how many there were; an unknown site is named."""
    with pytest.raises(InputError, match="2 units to hold, and 1 values"):
        Hold.of([1, 2], [0.0])
    module = nn.LSTM(5, SIZE, batch_first=True)
    with (
        pytest.raises(InputError, match="no unit 6"),
        listen(module, [], edits={Site("lstm.0", "cell"): Hold.of([SIZE], [0.0])}),
    ):
        module(torch.zeros(LANES, STEPS, 5))
    with (
        pytest.raises(InputError, match=r"lstm\.7"),
        listen(nn.LSTM(5, SIZE), [], edits={Site("lstm.7", "cell"): Hold.of([0], [0.0])}),
    ):
        pass


class Plainly:
    """A hold that does not say that it is one, so that the steps are plain torch operations."""

    def __init__(self, hold: Hold) -> None:
        self.hold = hold

    def __call__(self, values: torch.Tensor, step: int) -> torch.Tensor:
        return self.hold(values, step)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("each", [True, False])
def test_fused_holds_equal_plain_ones(kind: type[nn.RNNBase], each: bool) -> None:
    """What the kernels hold is what plain torch steps hold, to 1e-5: many lanes, two layers, chunk after chunk."""
    torch.manual_seed(5)
    lanes, count = 37, 60
    module, values = kind(5, SIZE, 2, batch_first=True), torch.randn(lanes, 2 * STEPS, 5)
    rng = torch.Generator().manual_seed(0)
    where = torch.randint(lanes, (count,), generator=rng) if each else None
    holds = {}
    for stream in ("hidden", *(["cell"] if kind is nn.LSTM else [])):
        units, levels = torch.randint(SIZE, (count,), generator=rng), torch.randn(count, generator=rng)
        one, two = (
            Hold(units[half], levels[half], None if where is None else where[half])
            for half in (slice(30), slice(30, 60))
        )
        for layer in (0, 1):
            holds[Site(f"{kind.__name__.lower()}.{layer}", stream)] = (one, two)
    heard = []
    for plainly in (False, True):
        edits = {s: Together(tuple(Plainly(h) for h in pair) if plainly else pair) for s, pair in holds.items()}
        with torch.no_grad(), listen(module, list(holds), carry=True, edits=edits) as ear:
            outputs = [module(part)[0] for part in values.split(STEPS, 1)]
            heard.append([torch.cat(outputs, 1), *(ear[site].clone() for site in holds)])
    for fused, plain in zip(*heard, strict=True):
        assert torch.allclose(fused, plain, atol=1e-5)
