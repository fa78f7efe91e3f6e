"""The text, what every unit did on it, and what else is known of each character, packed for the page's script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.report.contents import Passages, Predictions
from cellscope.report.quantise import blocks, pack, pack_flags, pack_numbers, pack_text

FINE_UNITS = 32
"""So many units, the best ones, are kept with all levels."""

GATE_LEVELS = 100
GATES_SHARE = 0.25
"""Gates take no more of what a page may weigh: on a long text those of fewer units are there."""
LOSS_LEVELS = 120
NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0)


def text_panel(
    passages: Passages,
    best: Sequence[str],
    *,
    budget: int,
    spans: Mapping[str, NDArray[np.bool_]] | None = None,
) -> dict[str, object]:
    """Passages as JSON that stays within `budget` bytes; `best` are unit addresses, most important first."""
    if spans is None:
        spans = {} if passages.spans is None else {"": passages.spans}
    panel: dict[str, object] = {
        "length": passages.length,
        "text": pack_text("".join(item.text for item in passages.items)),
        "items": [[i.kind, i.unit, i.start, i.peak, len(i.text)] for i in passages.items],
        "spans": {name: pack_flags(flags) for name, flags in spans.items()},
        "numbers": None if passages.numbers is None else pack(passages.numbers.astype("<f4").tobytes()),
        "loss": None if passages.loss is None else pack_numbers(passages.loss, levels=LOSS_LEVELS),
        "gates": _gates(passages.gates, budget=int(GATES_SHARE * budget)),
        "predictions": None if passages.predictions is None else _predictions(passages.predictions),
        "range": colour_range(passages, best),
    }
    left = max(budget - _size(panel), 100_000)
    return panel | _activations(passages, best, budget=left)


def colour_range(passages: Passages, best: Sequence[str]) -> float:
    """One symmetric range for all units: the next round number above 99.5 % of the best unit's sizes.

    The page is about that unit; a range that fits its widest rival too would leave it pale where c has no bounds.
    """
    sizes = []
    wanted = set(best[:1])
    for site, values in passages.activations.items():
        names = [f"{site}/{unit}" for unit in passages.columns(site)]
        columns = [k for k, name in enumerate(names) if name in wanted]
        part = np.abs(values[:, columns] if columns else values[:4096])
        part = part[np.isfinite(part)]
        if part.size:
            sizes.append(float(np.percentile(part[:: max(1, part.size // 200_000)], 99.5)))
    return round_up(max(sizes, default=1.0))


def round_up(size: float) -> float:
    """The next round number: 0.93 is 1, 1.2 is 1.5, 1700 is 2000."""
    if not (math.isfinite(size) and size > 0):
        return 1.0
    power = 10.0 ** math.floor(math.log10(size))
    return next((float(f"{n * power:.3g}") for n in NICE if n * power >= size * 0.9999), 10 * power)


def _gates(gates: Mapping[str, Mapping[str, NDArray[np.floating]]], *, budget: int) -> dict[str, object]:
    """The gates of the units in their order, for as long as they stay within `budget` bytes."""
    packed: dict[str, object] = {}
    for unit, own in gates.items():
        made = {gate: pack_numbers(values, levels=GATE_LEVELS) for gate, values in own.items()}
        budget -= _size(made)
        if budget < 0:
            break
        packed[unit] = made
    return packed


def _predictions(predictions: Predictions) -> dict[str, object]:
    """Only the symbols that occur; ids and square roots of probabilities, one plane a rank."""
    used, ids = np.unique(predictions.ids, return_inverse=True)
    wide = len(used) > 256
    planes = ids.reshape(predictions.ids.shape).T.astype("<u2" if wide else "u1")
    roots = np.sqrt(np.clip(np.nan_to_num(predictions.probabilities.T), 0, 1))
    return {
        "ranks": planes.shape[0],
        "symbols": [predictions.symbols[i] for i in used],
        "wide": wide,
        "ids": pack(np.ascontiguousarray(planes).tobytes()),
        "roots": pack(np.rint(roots * 255).astype(np.uint8).tobytes()),
    }


def _activations(passages: Passages, best: Sequence[str], *, budget: int) -> dict[str, object]:
    """Every site's units in blocks; a block's columns count over all sites."""
    total = sum(values.shape[1] for values in passages.activations.values())
    rank = {address: k for k, address in enumerate(best)}
    columns: list[str] = []
    packed: list[dict[str, object]] = []
    for site, values in passages.activations.items():
        names = [f"{site}/{unit}" for unit in passages.columns(site)]
        order = sorted(range(len(names)), key=lambda k, names=names: rank.get(names[k], len(rank)))  # type: ignore[misc]
        fine = [k for k in order if rank.get(names[k], FINE_UNITS) < FINE_UNITS]
        share = budget * len(names) // max(total, 1)
        before = len(columns)
        made = blocks(values, fine=fine, budget=share)
        packed.extend(part.as_json() | {"columns": [before + k for k in part.columns]} for part in made)
        columns.extend(names)
    return {"columns": columns, "blocks": packed}


def _size(panel: Mapping[str, object]) -> int:
    def of(value: object) -> int:
        if isinstance(value, str):
            return len(value) + 3
        if isinstance(value, Mapping):
            return sum(len(str(k)) + 4 + of(v) for k, v in value.items())
        return sum(of(v) for v in value) + 2 if isinstance(value, (list, tuple)) else 12

    return of(panel)
