"""What every layer does with one picture, as files: a grid of tiles a layer, one unit large, and a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cellscope.axes import Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.report.files import Cell, safe_name, unit_name, write_table, write_whole
from cellscope.report.pictures import at_least, diverging, grey, grid, png, scaled, shown
from cellscope.vision.activations import Activations, Layer, activations

COLUMNS = ("site", "kind", "units", "rows", "columns", "low", "high", "signed", "silent", "flat", "png")
LARGE = 512
"""Pixels of the longer side of a unit that is drawn by itself."""


def write_activations(
    network: Classifier, images: ImageSet, number: int, folder: Path, *, sites: tuple[str, ...] = (),
    units: tuple[str, ...] = (), scale: str = "shared",
) -> list[dict[str, Any]]:  # fmt: skip
    """Draw the layers for one picture into `folder`; the rows of its table, one a layer, in the order of firing."""
    chosen = [Unit.parse(text) for text in units]
    found = activations(network, images.pixels(np.array([number]))[0], sites)
    for unit in chosen:
        _require(found, unit)
    if len(network.shape) == 3:
        inputs = network.prepare(images.pixels(np.array([number])))
        seen = network.preprocessing.undo(inputs.cpu())[0].numpy()
        write_whole(folder / "picture.png", png(at_least(shown(seen), 256)))
    rows = [_write_layer(layer, folder, scale) for layer in found.layers.values()]
    for unit in chosen:
        write_whole(folder / f"{unit_name(str(unit))}.png", _large(found.layers[unit.site], unit.index))
    order = np.argsort(-found.scores)[:5].tolist()
    about = {
        "network": network.name, "description": network.description, "images": images.name, "picture": number,
        "preprocessing": network.preparation, "scale": scale,
        "best classes": {network.classes[k]: float(found.scores[k]) for k in order},
    }  # fmt: skip
    write_table(folder / "layers", COLUMNS, rows, about)
    return rows


def _require(found: Activations, unit: Unit) -> None:
    if unit.site not in found.layers:
        raise InputError(f"{unit}: {unit.site} is not among the layers that are drawn; ask for it with --site")
    count = len(found.layers[unit.site].maps)
    if unit.index >= count:
        raise InputError(f"no unit {unit.index} in {unit.site}; it has 0 to {count - 1}")


def _write_layer(layer: Layer, folder: Path, scale: str) -> dict[str, Cell]:
    made = grid(layer.maps, scale=scale if layer.maps.ndim == 3 else "shared")
    name = f"{safe_name(str(layer.site))}.png"
    write_whole(folder / name, made.png)
    rows, columns = layer.maps.shape[1:] if layer.maps.ndim == 3 else (1, 1)
    return {
        "site": str(layer.site), "kind": layer.kind, "units": len(layer.maps), "rows": rows, "columns": columns,
        "low": layer.low, "high": layer.high, "signed": made.signed, "silent": " ".join(map(str, layer.silent)),
        "flat": " ".join(map(str, layer.flat)), "png": name,
    }  # fmt: skip


def _large(layer: Layer, unit: int) -> bytes:
    """One map by itself, on the scale of its layer."""
    maps = layer.maps if layer.maps.ndim == 3 else layer.maps[:, None, None]
    made = scaled(maps)
    drawn = diverging(made.levels[unit]) if made.signed else grey(made.levels[unit])
    return png(at_least(drawn, LARGE))
