"""Occlusion: what the network's answer loses when a window of the picture is covered (Zeiler and Fergus 2013).

The values are those of captum's `Occlusion`: a window starts at the first row and column and moves by the stride until
the picture is covered, the last one cut off at the edge; a pixel's value is the mean over the windows that cover it of
f(picture) - f(covered picture). Positive: what was covered spoke for the target. (Zeiler's figure shows f(covered
picture) itself, so there low means important.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Progress
from cellscope.errors import InputError
from cellscope.hooks.modules import quick_layout
from cellscope.models.classifier import Classifier
from cellscope.vision.fill import Fill, fill_values, say_fill
from cellscope.vision.target import Aim, Place, Target, aim_at, checked

Pair = int | tuple[int, int]

BATCH_BYTES = {"cpu": 2 << 20, "cuda": 64 << 20}
"""Bytes of pictures in a batch: on a processor, maps of a small network then stay within its cache."""


@dataclass(frozen=True, eq=False)
class OcclusionMap:
    """values  float32 [picture, row, column]: mean loss of the target's number over the windows that cover a pixel
    drops   float32 [picture, window row, window column]: the loss a window by itself
    scores  float32 [picture]: the target's number for the picture as it is
    window, stride: rows and columns, as used; remarks: what is odd about it, for people
    """

    values: NDArray[np.float32]
    drops: NDArray[np.float32]
    scores: NDArray[np.float32]
    target: str
    window: tuple[int, int]
    stride: tuple[int, int]
    fill: str
    batch: int
    remarks: tuple[str, ...] = ()

    @property
    def limit(self) -> float:
        """The largest absolute value: colours go from its negative to it, with zero neutral."""
        return float(np.abs(self.values).max())


def occlusion(
    classifier: Classifier,
    inputs: Tensor,
    target: Target,
    *,
    window: Pair = 8,
    stride: Pair = 4,
    fill: Fill = "grey",
    place: Place = "mean",
    batch: int | None = None,
    progress: Progress | None = None,
) -> OcclusionMap:
    """Occlusion maps of prepared pictures [picture, channel, row, column] for a class or a unit.

    `window` and `stride` are pixels of the network's input, one number or (rows, columns); a window covers all
    channels. A window larger than the picture covers all of it. InputError where the stride leaves gaps.
    """
    inputs = checked(classifier, inputs)
    if inputs.dim() != 4:
        raise InputError(f"occlusion covers windows of a picture; {classifier.name} takes rows of numbers")
    size = (int(inputs.shape[2]), int(inputs.shape[3]))
    asked, stride = _pair(window, "window"), _pair(stride, "stride")
    window = (min(asked[0], size[0]), min(asked[1], size[1]))
    starts = [_starts(*sides) for sides in zip(size, window, stride, strict=True)]
    if batch is not None and batch < 1:
        raise InputError(f"a batch of {batch} pictures; give 1 or more")
    batch = batch or good_batch(inputs, len(starts[0]) * len(starts[1]))
    values = fill_values(classifier, inputs, fill).expand(len(inputs), -1, -1, -1)
    drops = np.empty((len(inputs), len(starts[0]), len(starts[1])), np.float64)
    scores = np.empty(len(inputs), np.float32)
    with aim_at(classifier, target, place, stop=True) as aim, torch.inference_mode():
        windows = _Windows(starts, window, batch, quick_layout(aim, aim, inputs[:1]))
        for k in range(len(inputs)):
            report = None if progress is None else _of(progress, k, len(inputs))
            scores[k], drops[k] = windows.drops(aim, inputs[k : k + 1], values[k : k + 1], report)
        name = aim.name
    if not np.isfinite(drops).all() or not np.isfinite(scores).all():
        raise InputError(f"{classifier.name} gives numbers that are not finite for {name}; no map can be made")
    remarks = _remarks(asked, window, drops, name)
    return OcclusionMap(
        spread(drops, starts, window, size), drops.astype(np.float32), scores, name, window, stride, say_fill(fill),
        batch, remarks,
    )  # fmt: skip


@dataclass(frozen=True)
class _Windows:
    """Where windows start (rows, columns), how large they are, and how many covered pictures go through at once."""

    starts: list[list[int]]
    window: tuple[int, int]
    batch: int
    layout: torch.memory_format

    def drops(
        self, aim: Aim, picture: Tensor, fill: Tensor, progress: Progress | None
    ) -> tuple[float, NDArray[np.float64]]:
        """The number for one picture [1, ..] as it is, and how much each window takes off, [row, column]."""
        corners = [(row, column) for row in self.starts[0] for column in self.starts[1]]
        whole = float(aim(picture.contiguous(memory_format=self.layout)))
        shares = np.array_split(np.arange(len(corners)), math.ceil(len(corners) / self.batch))
        pictures = picture.new_empty((len(shares[0]), *picture.shape[1:])).contiguous(memory_format=self.layout)
        covered = np.empty(len(corners), np.float64)
        for share in shares:
            part = pictures[: len(share)].copy_(picture)
            for one, at in zip(part, share.tolist(), strict=True):
                row, column = corners[at]
                one[:, row : row + self.window[0], column : column + self.window[1]] = fill[0]
            covered[share] = aim(part).cpu().numpy()
            if progress is not None:
                progress(int(share[-1]) + 1, len(corners), "occlusion")
        return whole, (whole - covered).reshape(len(self.starts[0]), len(self.starts[1]))


def spread(
    drops: NDArray[np.float64], starts: list[list[int]], window: tuple[int, int], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Each pixel's mean [picture, row, column] over the windows [picture, window row, window column] that cover it."""
    rows, columns = (_cover(*side) for side in zip(starts, window, size, strict=True))
    total = np.einsum("pij,ir,jc->prc", drops, rows, columns, optimize=True)
    mean: NDArray[np.float64] = total / np.outer(rows.sum(0), columns.sum(0))
    return mean.astype(np.float32)


def good_batch(inputs: Tensor, windows: int) -> int:
    """How many covered pictures to run at once: a power of two of about `BATCH_BYTES`, never more than there are."""
    room = BATCH_BYTES.get(inputs.device.type, BATCH_BYTES["cpu"]) // (inputs[0].numel() * inputs.element_size())
    return min(windows, max(4, min(1024, 1 << max(0, room.bit_length() - 1))))


def _cover(starts: list[int], window: int, size: int) -> NDArray[np.float64]:
    """1 where a window [window, place] covers a place along one side of the picture."""
    place, first = np.arange(size), np.array(starts)[:, None]
    return ((place >= first) & (place < first + window)).astype(np.float64)


def _starts(size: int, window: int, stride: int) -> list[int]:
    """First places of the windows along one side; the last window may be cut off."""
    if stride > window and window < size:
        raise InputError(f"a stride of {stride} leaves gaps between windows of {window}; give a stride of at most that")
    return [number * stride for number in range(math.ceil((size - window) / stride) + 1)]


def _pair(given: Pair, name: str) -> tuple[int, int]:
    rows, columns = (given, given) if isinstance(given, int) else given
    if rows < 1 or columns < 1:
        raise InputError(f"a {name} of {rows} x {columns}; it needs 1 pixel or more")
    return rows, columns


def _of(progress: Progress, number: int, pictures: int) -> Progress:
    """Progress of one picture as that of all."""
    return lambda done, total, text: progress(number * total + done, pictures * total, text)


def _remarks(asked: tuple[int, int], used: tuple[int, int], drops: NDArray[np.float64], name: str) -> tuple[str, ...]:
    found = []
    if asked != used:
        found.append(f"the window was cut to the picture: {used[0]} x {used[1]} instead of {asked[0]} x {asked[1]}")
    flat = np.flatnonzero(~drops.any(axis=(1, 2)))
    if len(flat):
        which = "" if len(drops) == 1 else f" in picture {', '.join(map(str, flat[:8]))}"
        found.append(f"no window changes {name}{which}: the map is 0 everywhere")
    return tuple(found)
