"""The filters of a layer as files: pictures, small multiples, how Gabor-like, turned copies, and their best patches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.hooks.outlets import outlets
from cellscope.models.classifier import Classifier
from cellscope.report.files import Cell, safe_name, write_table, write_whole
from cellscope.report.pictures import Bytes, at_least, diverging, png, scaled, shown, tiles
from cellscope.vision.crops import Crops, crops
from cellscope.vision.examples import examples
from cellscope.vision.filters import Filters, filters, likeness
from cellscope.vision.gabor import GaborFits, fit_gabors
from cellscope.vision.receptive import receptive_fields
from cellscope.vision.rotations import Rotations, rotations

COLUMNS = ("unit", "limit", "gabor", "gabor_p", "orientation", "frequency", "phase", "group", "angle", "patch",
           "patch_value", "patch_likeness")  # fmt: skip
SIDE = 120
"""Pixels of a tile's side, at least."""
PATCHES = 3


@dataclass(frozen=True, eq=False)
class FilterLook:
    """Filters and what was found of them; the last four for the first layer alone."""

    own: Filters
    gabors: GaborFits | None
    turned: Rotations | None
    best: tuple[Crops, ...]
    alike: tuple[float, ...]

    @property
    def sentences(self) -> list[str]:
        """What was found, in words."""
        said = []
        if self.gabors is not None:
            most = float(self.gabors.noise.max())
            above = int((self.gabors.r2 > most).sum())
            said.append(
                f"{above} of {len(self.gabors.r2)} filters are more like a Gabor function than any of "
                f"{len(self.gabors.noise)} filters of noise (median R2 {np.median(self.gabors.r2):.2f}, noise "
                f"{np.median(self.gabors.noise):.2f}, at most {most:.2f})"
            )
        if self.turned is not None:
            groups = "; ".join(" ".join(map(str, group)) for group in self.turned.groups)
            said.append(
                f"groups of filters that are one another turned, correlation {self.turned.least:.2f} or more (noise "
                f"reaches {self.turned.noise:.2f}): {groups or 'none'}"
            )
        if self.alike:
            said.append(
                "the patch that a filter likes best is not the filter's picture: their correlation is "
                f"{np.median(self.alike):.2f} in the median"
            )
        return said


def look_at_filters(
    network: Classifier, images: ImageSet | None, site: str | None = None, *, seed: int = 0,
    progress: Progress | None = None,
) -> FilterLook:  # fmt: skip
    """The filters of a site (default: the first); of the first also Gabor fits, turned copies and best patches."""
    own = filters(network, site)
    side = own.weights.shape[2:]
    fits = fit_gabors(own.weights, seed=seed, progress=progress) if own.first and min(side) >= 3 else None
    square = own.first and side[0] == side[1] >= 3
    turned = rotations(own.weights, seed=seed) if square else None
    best: tuple[Crops, ...] = ()
    if own.first and own.groups == 1 and images is not None:
        found = examples(network, images, [own.site], k=PATCHES, seed=seed, progress=progress)[own.site]
        (outlet,) = (o for o in outlets(network.module, network.example) if o.site == own.site)
        field = receptive_fields(network, [outlet])[own.site]
        best = tuple(crops(network, images, found, unit, field) for unit in range(len(own.weights)))
    return FilterLook(own, fits, turned, best, tuple(float(likeness(own, made)[0]) for made in best))


def write_filters(network: Classifier, look: FilterLook, folder: Path) -> list[Path]:
    """PNG, CSV and JSON of the filters; the paths of the pictures."""
    own, stem = look.own, safe_name(str(look.own.site))
    drawn: dict[str, Bytes] = {"multiples": own.multiples(least=15 if own.weights[:, :, 0, 0].size <= 1024 else 0)}
    if own.weights.shape[1] in (1, 3):
        drawn["filters"] = own.sheet(least=SIDE // 2)
        if look.best:
            drawn["beside"] = tiles(np.stack([_beside(look, unit) for unit in range(len(own.weights))]), gap=12,
                                    pad=255, columns=2)  # fmt: skip
    paths = [write_whole(folder / f"{stem}-{name}.png", png(array)) for name, array in drawn.items()]
    write_table(folder / stem, COLUMNS, _rows(look), _about(network, look))
    return paths


def _about(network: Classifier, look: FilterLook) -> dict[str, Any]:
    about: dict[str, Any] = {
        "network": network.name, "description": network.description, "site": str(look.own.site),
        "weights": look.own.weights.shape, "groups": look.own.groups,
        "scale": "each filter symmetric about 0 by its own largest weight (limit)", "said": look.sentences,
    }  # fmt: skip
    if look.gabors is not None:
        about["gabor"] = {"noise r2": look.gabors.noise, "seed": look.gabors.seed}
    if look.turned is not None:
        about["turned"] = {"groups": look.turned.groups, "least": look.turned.least, "noise": look.turned.noise,
                           "seed": look.turned.seed, "likeness": look.turned.likeness}  # fmt: skip
    return about


def _rows(look: FilterLook) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = []
    member = {unit: (number, group[0]) for number, group in enumerate(look.turned.groups if look.turned else ())
              for unit in group}  # fmt: skip
    for unit, limit in enumerate(look.own.limits.tolist()):
        row: dict[str, Cell] = {"unit": f"{look.own.site}/{unit}", "limit": limit}
        if look.gabors is not None:
            g = look.gabors
            row |= {"gabor": float(g.r2[unit]), "gabor_p": float(g.p[unit]), "frequency": float(g.frequency[unit]),
                    "orientation": float(g.orientation[unit]), "phase": float(g.phase[unit])}  # fmt: skip
        if look.turned is not None and unit in member:
            number, first = member[unit]
            row |= {"group": number, "angle": int(look.turned.angle[first, unit])}
        if look.best:
            made = look.best[unit]
            row |= {"patch": int(made.pictures[0]), "patch_value": float(made.values[0]),
                    "patch_likeness": look.alike[unit]}  # fmt: skip
        rows.append(row)
    return rows


def _beside(look: FilterLook, unit: int) -> Bytes:
    """Filter, its best patches, the best one's picture with the patch framed, the unit's response to that picture."""
    made = look.best[unit]
    response = scaled(made.maps[:1], signed=True).levels[0]
    parts = [at_least(look.own.pictures()[unit], SIDE)]
    parts += [at_least(shown(made.crop(k)), SIDE) for k in range(len(made.pictures))]
    whole = made.sheet(whole=True, columns=1, least=SIDE)
    parts += [whole[: (whole.shape[0] + 2) // len(made.pictures) - 2], at_least(diverging(response), SIDE)]
    size = tuple(max(part.shape[k] for part in parts) for k in (0, 1))
    return tiles(np.stack([_centred(part, size) for part in parts]), gap=4, pad=255, columns=len(parts))


def _centred(picture: Bytes, size: tuple[int, ...]) -> Bytes:
    """In colours, in the middle of a white tile."""
    coloured = np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 else picture
    rows, columns = size[0] - picture.shape[0], size[1] - picture.shape[1]
    around = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0))
    return np.pad(coloured, around, constant_values=255)
