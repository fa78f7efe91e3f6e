"""The elementwise half of a recurrent step, fused: what a matrix product leaves to do for LSTM, GRU and RNN on a CPU.

Each kernel does one step for many lanes in one pass over memory. tanh is the rational approximation that Eigen and XLA
use (degree 13 over 6 in float32, absolute error below 5e-7), because LLVM turns it into vector code and `math.tanh`
not.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

f32 = np.float32
CLIP = f32(7.99881172180175781)  # where the approximation is 1 exactly: a gate that is fully open must not leak
A1, A3, A5 = f32(4.89352455891786e-03), f32(6.37261928875436e-04), f32(1.48572235717979e-05)
A7, A9, A11, A13 = (
    f32(5.12229709037114e-08),
    f32(-8.60467152213735e-11),
    f32(2.00018790482477e-13),
    f32(-2.76076847742355e-16),
)
B0, B2, B4, B6 = (
    f32(4.89352518554385e-03),
    f32(2.26843463243900e-03),
    f32(1.18534705686654e-04),
    f32(1.19825839466702e-06),
)
HALF = f32(0.5)

# NaN must stay NaN, so of "fast math" only what keeps it: fused multiply-add and reordering.
_FAST = {"contract", "reassoc", "nsz", "arcp"}
_compiled = numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")


@numba.njit(inline="always", fastmath=_FAST, error_model="numpy")
def _tanh(x: Any) -> Any:
    """tanh of a float32."""
    y = min(max(x, -CLIP), CLIP)
    s = y * y
    p = ((((((A13 * s + A11) * s + A9) * s + A7) * s + A5) * s + A3) * s + A1) * y
    q = ((B6 * s + B4) * s + B2) * s + B0
    return p / q


@numba.njit(inline="always", fastmath=_FAST, error_model="numpy")
def _sigmoid(x: Any) -> Any:
    """The logistic function of a float32."""
    return _tanh(x * HALF) * HALF + HALF


@_compiled
def lstm_step(drive: Any, rows: Any, recurrent: Any, before: Any, hidden: Any, cell: Any) -> None:
    """One LSTM step: reads drive[rows] + recurrent [lane, 4 unit] and cell `before`, writes `hidden` and `cell`
    [lane, unit].
    """
    lanes, size = hidden.shape
    for lane in range(lanes):
        d = drive[rows[lane]]
        r = recurrent[lane]
        c0, c1, h1 = before[lane], cell[lane], hidden[lane]
        for j in range(size):
            i = _sigmoid(d[j] + r[j])
            f = _sigmoid(d[size + j] + r[size + j])
            g = _tanh(d[2 * size + j] + r[2 * size + j])
            o = _sigmoid(d[3 * size + j] + r[3 * size + j])
            c = f * c0[j] + i * g
            c1[j] = c
            h1[j] = o * _tanh(c)


@_compiled
def lstm_step_gates(drive: Any, rows: Any, recurrent: Any, before: Any, hidden: Any, cell: Any, gates: Any) -> None:
    """`lstm_step` that also writes the input, forget, output gate and the candidate into `gates` [gate, lane, unit]."""
    lanes, size = hidden.shape
    for lane in range(lanes):
        d = drive[rows[lane]]
        r = recurrent[lane]
        c0, c1, h1 = before[lane], cell[lane], hidden[lane]
        gi, gf, go, gg = gates[0, lane], gates[1, lane], gates[2, lane], gates[3, lane]
        for j in range(size):
            i = _sigmoid(d[j] + r[j])
            f = _sigmoid(d[size + j] + r[size + j])
            g = _tanh(d[2 * size + j] + r[2 * size + j])
            o = _sigmoid(d[3 * size + j] + r[3 * size + j])
            c = f * c0[j] + i * g
            gi[j], gf[j], go[j], gg[j] = i, f, o, g
            c1[j] = c
            h1[j] = o * _tanh(c)


@_compiled
def hold_cells(
    drive: Any, rows: Any, recurrent: Any, lanes: Any, units: Any, values: Any, hidden: Any, cell: Any
) -> None:
    """After an LSTM step: entry e puts the cell of `lanes[e]`, `units[e]` at `values[e]`, and `hidden` follows from it
    and the step's output gate.
    """
    size = hidden.shape[1]
    for e in range(len(lanes)):
        lane, unit = lanes[e], units[e]
        o = _sigmoid(drive[rows[lane], 3 * size + unit] + recurrent[lane, 3 * size + unit])
        cell[lane, unit] = values[e]
        hidden[lane, unit] = o * _tanh(values[e])


@_compiled
def hold_hidden(lanes: Any, units: Any, values: Any, hidden: Any) -> None:
    """After a step: entry e puts the hidden unit of `lanes[e]`, `units[e]` at `values[e]`."""
    for e in range(len(lanes)):
        hidden[lanes[e], units[e]] = values[e]


@_compiled
def gru_step(
    drive: Any, rows: Any, recurrent: Any, bias: Any, before: Any, hidden: Any, gates: Any, keep: bool
) -> None:
    """One GRU step in PyTorch's form (reset applied after the product); `gates` [gate, lane, unit] is written where
    `keep`.
    """
    lanes, size = hidden.shape
    for lane in range(lanes):
        d = drive[rows[lane]]
        a = recurrent[lane]
        h0, h1 = before[lane], hidden[lane]
        for j in range(size):
            r = _sigmoid(d[j] + a[j])
            z = _sigmoid(d[size + j] + a[size + j])
            n = _tanh(d[2 * size + j] + r * (a[2 * size + j] + bias[j]))
            h1[j] = n + z * (h0[j] - n)
            if keep:
                gates[0, lane, j], gates[1, lane, j], gates[2, lane, j] = r, z, n


@_compiled
def rnn_step(drive: Any, rows: Any, recurrent: Any, hidden: Any, relu: bool) -> None:
    """One step of a plain recurrent layer with tanh, or with max(0, x) where `relu`."""
    lanes, size = hidden.shape
    for lane in range(lanes):
        d = drive[rows[lane]]
        a = recurrent[lane]
        h1 = hidden[lane]
        if relu:
            for j in range(size):
                x = d[j] + a[j]
                h1[j] = x if not x < 0 else f32(0)
        else:
            for j in range(size):
                h1[j] = _tanh(d[j] + a[j])
