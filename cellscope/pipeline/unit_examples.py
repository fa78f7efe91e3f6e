"""Examples of units as files: tables of all, an overview a layer, and everything about the units that are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cellscope.axes import Progress, Site, Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.hooks.outlets import choose_outlets, require_units
from cellscope.models.classifier import Classifier
from cellscope.report.files import Cell, safe_name, unit_name, write_table, write_whole
from cellscope.report.pictures import png, tiles
from cellscope.vision.crops import Crops, crops
from cellscope.vision.examples import WHICH, Examples, examples
from cellscope.vision.projections import SEED, projections
from cellscope.vision.receptive import ReceptiveField, receptive_fields

COLUMNS = ("unit", "which", "rank", "value", "picture", "name", "class", "row", "column", "dead")
LEAST = 96
"""The least side of a tile of a unit that was asked for, in pixels."""


@dataclass(frozen=True, eq=False)
class Looked:
    """A network, its pictures, the examples of its sites and what their cells see (of networks for pictures)."""

    network: Classifier
    images: ImageSet
    found: Mapping[Site, Examples]
    fields: Mapping[Site, ReceptiveField]


def look(
    network: Classifier, images: ImageSet, *, sites: tuple[str, ...] = (), units: tuple[Unit, ...] = (), k: int = 9,
    seed: int = 0, progress: Progress | None = None,
) -> Looked:  # fmt: skip
    """Find examples of every unit of `sites` (default: those of `units`, or all) and what their cells see."""
    require_units(network.module, network.example, units)
    sites = sites or tuple(dict.fromkeys(str(unit.site) for unit in units))
    found = examples(network, images, sites, k=k, seed=seed, progress=progress)
    fields = receptive_fields(network, choose_outlets(network.module, network.example, found), progress=progress)
    return Looked(network, images, found, fields)


def write_examples(looked: Looked, folder: Path, *, progress: Progress | None = None) -> None:
    """For every site a table of its examples (CSV, JSON) and, of networks for pictures, one PNG of all units' top."""
    for number, (site, found) in enumerate(looked.found.items()):
        field = looked.fields[site]
        about = {
            "network": looked.network.name, "description": looked.network.description, "site": str(site),
            "images": looked.images.name, "pictures": found.seen, "k": found.k, "seed": found.seed,
            "statistic": "maximum over the map; random pictures are the same for all units", "grid": found.grid,
            "receptive field": {"size": field.size, "stride": field.stride, "offset": field.offset},
            "dead": found.dead, "active in": found.active,
        }  # fmt: skip
        write_table(folder / safe_name(str(site)), COLUMNS, _rows(looked, found), about)
        if len(looked.network.shape) == 3:
            sheets = [_crops(looked, Unit(site, unit), "top").sheet(columns=3) for unit in range(len(found.active))]
            write_whole(folder / f"{safe_name(str(site))}-top.png", png(_together(sheets)))
        if progress is not None:
            progress(number + 1, len(looked.found), str(site))


def _together(sheets: list[np.ndarray]) -> np.ndarray:
    """Sheets of nearly one size in a near-square grid, wide gaps between."""
    rows, columns = (max(sheet.shape[k] for sheet in sheets) for k in (0, 1))
    full = [np.pad(s, ((0, rows - s.shape[0]), (0, columns - s.shape[1]), (0, 0)), constant_values=255) for s in sheets]
    return tiles(np.stack(full), gap=8, pad=255)


def _rows(looked: Looked, found: Examples) -> list[dict[str, Cell]]:
    images, dead = looked.images, set(found.dead)
    names = images.names or [""] * len(images)
    rows: list[dict[str, Cell]] = []
    for unit in range(len(found.active)):
        for which in WHICH:
            kept = found.kept(which)
            for rank, picture in enumerate(kept.pictures[unit].tolist()):
                label = "" if images.labels is None else images.classes[int(images.labels[picture])]
                row, column = kept.places[unit, rank].tolist()
                rows.append({
                    "unit": f"{found.site}/{unit}", "which": which, "rank": rank, "name": names[picture],
                    "value": float(kept.values[unit, rank]), "picture": picture, "class": label, "row": row,
                    "column": column, "dead": unit in dead,
                })  # fmt: skip
    return rows


def _crops(looked: Looked, unit: Unit, which: str) -> Crops:
    found = looked.found[unit.site]
    return crops(looked.network, looked.images, found, unit.index, looked.fields[unit.site], which=which)


def write_unit(looked: Looked, unit: Unit, folder: Path) -> tuple[list[Path], list[str]]:
    """Everything about one unit's examples as PNG: crops, whole pictures, overlaid, and projected back to the pixels.

    The paths, and remarks for people: that it is dead, that a value did not come out again, that a projection is
    refused.
    """
    if unit.site not in looked.found:
        raise InputError(f"{unit}: {unit.site} is not among the layers that were looked at; ask for it with --site")
    stem = unit_name(str(unit))
    made = {which: _crops(looked, unit, which) for which in WHICH}
    drawn = {which: one.sheet(whole=which != "top", least=LEAST) for which, one in made.items()}
    top = made["top"]
    drawn["whole"] = top.sheet(whole=True, least=LEAST)
    drawn["overlay"] = top.sheet(overlay=True, whole=True, least=LEAST)
    remarks = [] if unit.index not in looked.found[unit.site].dead else [f"{unit} is dead: it is the same everywhere"]
    if not top.reproduced:
        remarks.append(f"{unit}: maxima came out differently when the pictures were seen again")
    for method in ("deconvnet", "guided"):
        try:
            found = projections(looked.network, looked.images, top, method)
        except InputError as error:
            remarks.append(str(error))
            continue
        drawn[method] = found.sheet(least=LEAST)
        remarks += [
            f"{method}, {SEED}: each picture from {-found.limits.max():.3g} to {found.limits.max():.3g} at most"
        ]
        remarks += found.remarks
    return [write_whole(folder / f"{stem}-{name}.png", png(array)) for name, array in drawn.items()], remarks
