"""Recurrent layers played step by step, for many lanes at once, with every stream in the open.

The outputs equal PyTorch's fused modules to rounding; what is gained is the cell, the gates and the lower layers, which
the fused kernels hide. On a CPU in float32 each worker thread plays its share of the lanes: one matrix product and one
fused kernel a step. Elsewhere the same steps are plain torch operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cellscope.hooks.edits import Edit, Hold, entries_of, holds_of
from cellscope.hooks.product import repeated_product
from cellscope.hooks.sites import Layer
from cellscope.parallel import in_shares

State = tuple[Tensor, ...]
"""What a layer carries: (hidden,) or (hidden, cell), each [lane, unit]."""


@dataclass(frozen=True)
class Drive:
    """What drives a layer from outside, bias included: row `rows[step, lane]` of `table` [row, gate x unit].

    A layer that reads an embedding has one row a symbol; any other has one row a (step, lane).
    """

    table: Tensor
    rows: Tensor


def drive_of(layer: Layer, values: Tensor, symbols: Tensor | None = None) -> Drive:
    """The drive of `values` [step, lane, input], or of the rows of an embedding [symbol, input] that `symbols` [step,
    lane] picks.
    """
    weight, bias = _weights(layer, "weight_ih"), _bias(layer)
    if symbols is not None:
        return Drive(nn.functional.linear(values, weight, bias), symbols)
    steps, lanes, _ = values.shape
    table = nn.functional.linear(values.reshape(steps * lanes, -1), weight, bias)
    return Drive(table, torch.arange(steps * lanes, device=values.device).view(steps, lanes))


def play_layer(
    layer: Layer,
    drive: Drive,
    state: State | None,
    streams: frozenset[str],
    *,
    into: dict[str, Tensor] | None = None,
    edits: Mapping[str, Edit] | None = None,
) -> tuple[dict[str, Tensor], State]:
    """Play one layer over [step, lane]: the asked streams and always `hidden`, each [step, lane, unit], and the state
    after. The arrays of an earlier call may be given as `into`: they are written over where they have the right size.
    `edits` by stream act at every step, before what is computed from that stream.
    """
    steps, lanes = drive.rows.shape
    weight = _weights(layer, "weight_hh").T.contiguous()
    if state is None:
        state = tuple(weight.new_zeros(lanes, layer.size) for _ in range(2 if layer.kind == "lstm" else 1))
    names = ["hidden", *(s for s in sorted(streams) if s != "hidden")]
    heard = into if into is not None else {}
    for name in names:
        if name not in heard or heard[name].shape != (steps, lanes, layer.size):
            # In memory lane after lane, for whoever reads on along a lane; the logical order is that of torch.
            heard[name] = weight.new_empty(lanes, steps, layer.size).transpose(0, 1)
    holds = _plain_holds(edits or {})
    if weight.device.type == "cpu" and weight.dtype == torch.float32 and holds is not None:
        return heard, _play_threads(layer, drive, state, weight, heard, holds)
    return heard, _play_torch(layer, drive, state, weight, heard, edits or {})


Holds = Mapping[str, tuple[Hold, ...]]


def _plain_holds(edits: Mapping[str, Edit]) -> Holds | None:
    """The edits by stream as holds of what the kernels hold, cells and hidden units; None where there are others."""
    holds = {stream: holds_of(edit) for stream, edit in edits.items()}
    if not holds.keys() <= {"cell", "hidden"} or None in holds.values():
        return None
    return {stream: found for stream, found in holds.items() if found}


def _weights(layer: Layer, name: str) -> Tensor:
    weight: Tensor = getattr(layer.module, f"{name}_l{layer.index}").detach()
    return weight


def _bias(layer: Layer) -> Tensor | None:
    """Both biases together, but for the part of the GRU's recurrent one that sits inside the reset."""
    if not layer.module.bias:
        return None
    recurrent = _weights(layer, "bias_hh")
    if layer.kind == "gru":
        recurrent = torch.cat([recurrent[: 2 * layer.size], torch.zeros_like(recurrent[2 * layer.size :])])
    return _weights(layer, "bias_ih") + recurrent


def _candidate_bias(layer: Layer, like: Tensor) -> Tensor:
    """The recurrent bias of the GRU's candidate [unit], which the reset gate multiplies."""
    return _weights(layer, "bias_hh")[2 * layer.size :] if layer.module.bias else like.new_zeros(layer.size)


def _play_threads(
    layer: Layer, drive: Drive, state: State, weight: Tensor, heard: dict[str, Tensor], holds: Holds
) -> State:
    after = tuple(torch.empty_like(part) for part in state)
    table = drive.table.contiguous().numpy()
    rows = drive.rows.numpy()

    def share(first: int, last: int) -> None:
        with torch.no_grad():
            _play_share(layer, table, rows[:, first:last], weight, heard, state, after, slice(first, last), holds)

    in_shares(drive.rows.shape[1], share)
    return after


def _play_share(
    layer: Layer,
    table: np.ndarray,
    rows: np.ndarray,
    weight: Tensor,
    heard: dict[str, Tensor],
    state: State,
    after: State,
    lanes: slice,
    holds: Holds,
) -> None:
    """Play lanes `lanes` of a layer; writes the heard streams and the state after in place."""
    from cellscope.hooks import kernels

    steps = rows.shape[0]
    out = {name: values[:, lanes].numpy() for name, values in heard.items()}
    count = rows.shape[1]
    times = repeated_product(weight, count)
    gates = _gate_block(layer.kind, heard, count, layer.size)
    hidden = [state[0][lanes].clone(), torch.empty(count, layer.size)]
    views = [h.numpy() for h in hidden]
    cells = [state[1][lanes].clone().numpy(), np.empty_like(views[0])] if layer.kind == "lstm" else []
    none = np.empty((0, count, layer.size), np.float32)
    bias = _candidate_bias(layer, weight).numpy() if layer.kind == "gru" else None
    held = {stream: entries_of(found, lanes.start, lanes.stop, layer.size) for stream, found in holds.items()}
    for t in range(steps):
        now, after_now = t & 1, 1 - (t & 1)
        product = times(hidden[now])
        into = views[after_now]
        if layer.kind == "lstm":
            if gates is None:
                kernels.lstm_step(table, rows[t], product, cells[now], into, cells[after_now])
            else:
                kernels.lstm_step_gates(table, rows[t], product, cells[now], into, cells[after_now], gates)
            if "cell" in held:
                kernels.hold_cells(table, rows[t], product, *held["cell"], into, cells[after_now])
            if "cell" in out:
                out["cell"][t] = cells[after_now]
        elif layer.kind == "gru":
            keep = gates is not None
            kernels.gru_step(table, rows[t], product, bias, views[now], into, gates if keep else none, keep)
        else:
            kernels.rnn_step(table, rows[t], product, into, layer.module.nonlinearity == "relu")
        if "hidden" in held:
            kernels.hold_hidden(*held["hidden"], into)
        out["hidden"][t] = into
        if gates is not None:
            for g, name in enumerate(_GATE_ORDER[layer.kind]):
                if name in out:
                    out[name][t] = gates[g]
    after[0][lanes] = hidden[steps & 1]
    if cells:
        after[1][lanes] = torch.from_numpy(cells[steps & 1])


_GATE_ORDER = {"lstm": ("input", "forget", "output", "candidate"), "gru": ("reset", "update", "new"), "rnn": ()}


def _gate_block(kind: str, heard: dict[str, Tensor], lanes: int, size: int) -> np.ndarray | None:
    names = _GATE_ORDER[kind]
    return np.empty((len(names), lanes, size), np.float32) if any(name in heard for name in names) else None


def _play_torch(
    layer: Layer, drive: Drive, state: State, weight: Tensor, heard: dict[str, Tensor], edits: Mapping[str, Edit]
) -> State:
    """The same steps as plain torch operations, for other devices and precisions and for edits; the reference that the
    kernels are tested against.
    """
    hidden, cell = state[0], state[1] if layer.kind == "lstm" else None

    for t in range(drive.rows.shape[0]):
        now: dict[str, Tensor] = {}

        def keep(stream: str, values: Tensor, now: dict[str, Tensor] = now, t: int = t) -> Tensor:
            now[stream] = edits[stream](values, t) if stream in edits else values
            return now[stream]

        given, recurrent = drive.table[drive.rows[t]], hidden @ weight
        if layer.kind == "lstm":
            assert cell is not None
            i, f, g, o = (given + recurrent).chunk(4, dim=1)
            kept = keep("forget", f.sigmoid()) * cell
            cell = keep("cell", kept + keep("input", i.sigmoid()) * keep("candidate", g.tanh()))
            hidden = keep("output", o.sigmoid()) * cell.tanh()
        elif layer.kind == "gru":
            (a, b, c), (x, y, w) = given.chunk(3, dim=1), recurrent.chunk(3, dim=1)
            r, z = keep("reset", (a + x).sigmoid()), keep("update", (b + y).sigmoid())
            n = keep("new", (c + r * (w + _candidate_bias(layer, weight))).tanh())
            hidden = n + z * (hidden - n)
        else:
            hidden = (given + recurrent).relu() if layer.module.nonlinearity == "relu" else (given + recurrent).tanh()
        hidden = keep("hidden", hidden)
        for name, values in heard.items():
            values[t] = now[name]
    return (hidden,) if cell is None else (hidden, cell)
