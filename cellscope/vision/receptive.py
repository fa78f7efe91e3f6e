"""The receptive field of any unit at any place, for any architecture: which pixels it can depend on.

Found by asking the network itself: rows, and then columns, of an input are set to NaN one after another, and a cell of
a map depends on a row if it is NaN too. NaN passes through weights of zero, ReLUs that are off and maxima that lie
elsewhere, so this is what a unit can depend on, and not what it depends on in one picture. Strides, dilation, padding
that is cut off at the border, skip connections and pooling over everything need no rules of their own (the rules for
plain stacks: Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks", Distill 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress, Site
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import Outlet
from cellscope.models.classifier import Classifier

Integers = NDArray[np.int64]
BATCH = 64


@dataclass(frozen=True, eq=False)
class Extent:
    """Along one side of `length` pixels: cell k of a map sees first[k] <= pixel < last[k], cut off at the border.

    `size`, `stride` and `offset` are what it would be without a border: cell k sees `size` pixels from
    offset + stride * k on. `whole`: every cell sees all of the side, and then size is the side itself.
    """

    length: int
    first: Integers
    last: Integers

    @property
    def whole(self) -> bool:
        return bool((self.first == 0).all() and (self.last == self.length).all())

    @cached_property
    def _lines(self) -> tuple[float, float, float]:
        """Stride, and where cell 0 begins and ends, from the cells whose beginning, or end, lies inside."""
        cells = np.arange(len(self.first))
        begins, ends = cells[self.first > 0], cells[self.last < self.length]
        if self.whole or not (len(begins) and len(ends)):
            return self.length / len(cells), float(self.first[0]), float(self.last[0])
        steps = [(v[c[-1]] - v[c[0]], c[-1] - c[0]) for c, v in ((begins, self.first), (ends, self.last))]
        over = sum(int(cells_between) for _, cells_between in steps)
        stride = sum(int(pixels) for pixels, _ in steps) / over if over else self.length / len(cells)
        start = float(np.mean(self.first[begins] - stride * begins))
        return stride, start, float(np.mean(self.last[ends] - stride * ends))

    @property
    def stride(self) -> float:
        return self._lines[0]

    @property
    def offset(self) -> float:
        return self._lines[1]

    @property
    def size(self) -> int:
        return max(int(np.ceil(self._lines[2] - self._lines[1] - 1e-9)), int((self.last - self.first).max()))

    def reach(self, cell: int, first: int, last: int) -> tuple[int, int]:
        """First and last (not included) of what a cell would see without a border."""
        if self.whole or last - first >= self.size:
            return first, last
        if first == 0 and last == self.length:
            start = int(np.floor(self.offset + self.stride * cell + 0.5))
            return start, start + self.size
        return (last - self.size, last) if first == 0 else (first, first + self.size)

    @cached_property
    def centres(self) -> Integers:
        """The pixel on which each cell is centred, inside the picture; of two in the middle the later one."""
        cells = np.arange(len(self.first))
        stride, start, end = self._lines
        middle = (cells + 0.5) * stride if self.whole else (start + end) / 2 + stride * cells
        made: Integers = np.clip(np.floor(middle + 1e-9), 0, self.length - 1).astype(np.int64)
        return made


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """What the cells of a site's map see of a picture of `picture` (rows, columns), as the network is given it."""

    site: Site
    rows: Extent
    columns: Extent

    @property
    def picture(self) -> tuple[int, int]:
        return self.rows.length, self.columns.length

    @property
    def grid(self) -> tuple[int, int]:
        return len(self.rows.first), len(self.columns.first)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns that an inner cell sees; more than the picture has, where only a part ever fits."""
        return self.rows.size, self.columns.size

    @property
    def stride(self) -> tuple[float, float]:
        """Pixels between neighbouring cells."""
        return self.rows.stride, self.columns.stride

    @property
    def offset(self) -> tuple[float, float]:
        """The first row and column that cell (0, 0) would see if the picture had no border; below 0 with padding."""
        return self.rows.offset, self.columns.offset

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Top, bottom, left, right (the ends not included) of the pixels that a cell sees, within the picture."""
        if not (0 <= row < self.grid[0] and 0 <= column < self.grid[1]):
            raise InputError(f"{self.site} has {self.grid[0]} x {self.grid[1]} places; there is no ({row}, {column})")
        r, c = self.rows, self.columns
        return int(r.first[row]), int(r.last[row]), int(c.first[column]), int(c.last[column])

    def reach(self, row: int, column: int) -> tuple[int, int, int, int]:
        """The box of a cell as large as an inner one's: where the border cuts it off, it goes on beyond it."""
        top, bottom, left, right = self.box(row, column)
        return (*self.rows.reach(row, top, bottom), *self.columns.reach(column, left, right))

    def centres(self, grid: tuple[int, int] | None = None) -> tuple[Integers, Integers]:
        """The row of pixels on which each row of cells is centred, and the column on which each column is."""
        if grid is not None and tuple(grid) != self.grid:
            raise InputError(f"{self.site} has {self.grid[0]} x {self.grid[1]} places, not {grid[0]} x {grid[1]}")
        return self.rows.centres, self.columns.centres


def receptive_field(classifier: Classifier, outlet: Outlet, *, progress: Progress | None = None) -> ReceptiveField:
    """The receptive field of one site; see `receptive_fields`."""
    return receptive_fields(classifier, [outlet], progress=progress)[outlet.site]


def receptive_fields(
    classifier: Classifier, outlets: Sequence[Outlet], *, progress: Progress | None = None
) -> dict[Site, ReceptiveField]:
    """The receptive fields of sites, from one forward pass for every row and column of a picture, in batches.

    For rows of numbers, and where nothing of the NaN arrives (a function that swallows it), every cell is taken to see
    everything.
    """
    shape = classifier.shape
    if len(shape) == 1:
        return {o.site: ReceptiveField(o.site, _everything(1, o.grid[0]), _everything(shape[0], 1)) for o in outlets}
    total, extents = sum(shape[1:]), []
    for axis in (0, 1):
        done = axis * shape[1]
        reach = _reach(classifier, outlets, axis, done, total, progress)
        extents.append({o.site: _extent(reach[o.site]) for o in outlets})
    return {o.site: ReceptiveField(o.site, extents[0][o.site], extents[1][o.site]) for o in outlets}


def _everything(length: int, cells: int) -> Extent:
    return Extent(length, np.zeros(cells, np.int64), np.full(cells, length))


def _reach(
    classifier: Classifier, outlets: Sequence[Outlet], axis: int, done: int, total: int, progress: Progress | None
) -> dict[Site, NDArray[np.bool_]]:
    """Whether a cell depends on a row (axis 0) or column (axis 1) of the picture, [row or column, cell], by site."""

    def keep(values: Tensor) -> Tensor:
        if values.dim() == 2:
            return values.isnan().any(1, keepdim=True)
        return values.isnan().any(1).any(2 - axis)

    length = classifier.shape[1 + axis]
    parts: dict[Site, list[NDArray[np.bool_]]] = {o.site: [] for o in outlets}
    # Elsewhere than on a CPU, convolutions may go by transforms that carry a NaN over a whole tile.
    plain = torch.backends.cudnn.flags(enabled=False)
    with torch.inference_mode(), plain, watch(classifier.module, parts, keep=keep, stop=True) as seen:
        for at in range(0, length, BATCH):
            which = torch.arange(at, min(at + BATCH, length))
            inputs = torch.full((len(which), *classifier.shape), 0.5)
            inputs.movedim(2 + axis, 1)[torch.arange(len(which)), which] = torch.nan
            for site, hit in seen.play(inputs.to(classifier.device)).items():
                parts[site].append(hit.cpu().numpy())
            if progress is not None:
                progress(done + at + len(which), total, "receptive fields")
    return {site: np.concatenate(part) for site, part in parts.items()}


def _extent(reach: NDArray[np.bool_]) -> Extent:
    """The first and last row of the picture that each cell depends on."""
    length = len(reach)
    if not reach.any(0).all():
        return _everything(length, reach.shape[1])
    return Extent(length, reach.argmax(0).astype(np.int64), length - reach[::-1].argmax(0).astype(np.int64))
