"""What is done to a picture before a network sees it: declared, kept with the run, and printed in its pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.errors import InputError

ORDERS = ("rgb", "bgr")
FITS = ("crop", "stretch")


@dataclass(frozen=True)
class Preprocessing:
    """Fit to `size` (rows, columns; None: as it is), order the channels, scale 0..1 to `low`..`high`, take off `mean`,
    divide by `std`.

    `fit`: "crop" scales the shorter side and takes the middle, "stretch" scales both. `mean` and `std` have one number,
    or one a channel in the network's order, in units of `low`..`high`. For rows of plain numbers only `mean` and `std`
    count.
    """

    size: tuple[int, int] | None = None
    order: str = "rgb"
    fit: str = "crop"
    low: float = 0.0
    high: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        for name, known in (("order", ORDERS), ("fit", FITS)):
            if getattr(self, name) not in known:
                raise InputError(f"no {name} {getattr(self, name)!r}; there is {', '.join(known)}")
        if not self.high > self.low or not np.isfinite(self.high - self.low):
            raise InputError(f"a range from {self.low:g} to {self.high:g} is empty, or has no end")
        if self.size is not None and min(self.size) < 1:
            raise InputError(f"a size of {self.size[0]} x {self.size[1]} has no pixels")
        if not all(np.isfinite(self.mean)) or not all(np.isfinite(s) and s > 0 for s in self.std):
            raise InputError(f"mean must be numbers and std numbers above 0, not {self.mean} and {self.std}")

    def apply(self, pixels: NDArray[np.float32]) -> Tensor:
        """Pictures in 0..1 [picture, channel, row, column] as the network gets them; rows [row, column] likewise."""
        x = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))
        if x.dim() == 2:
            mean, std = self._columns(x.shape[1], "columns")
            return (x - mean) / std
        if self.size is not None and tuple(x.shape[2:]) != tuple(self.size):
            x = fitted(x, self.size, self.fit)
        if self.order == "bgr":
            x = x.flip(1)
        mean, std = self._columns(x.shape[1])
        if (self.low, self.high) != (0.0, 1.0):
            x = x * (self.high - self.low) + self.low
        return (x - mean).div_(std)

    def undo(self, inputs: Tensor) -> Tensor:
        """Pictures as they are shown, in 0..1 (unclipped), from what the network gets; differentiable."""
        if inputs.dim() == 2:
            mean, std = (part.to(inputs) for part in self._columns(inputs.shape[1], "columns"))
            return inputs * std + mean
        mean, std = (part.to(inputs) for part in self._columns(inputs.shape[1]))
        x = (inputs * std + mean - self.low) / (self.high - self.low)
        return x.flip(1) if self.order == "bgr" else x

    def ranges(self, channels: int) -> tuple[Tensor, Tensor]:
        """The inputs that black and white become, each [channel, 1, 1]."""
        mean, std = self._columns(channels)
        return (self.low - mean) / std, (self.high - mean) / std

    def describe(self, *, rows: bool = False) -> str:
        """In one line, for the pages; of `rows` of plain numbers, what counts for them."""
        if rows:
            return f"mean {_said(self.mean)}, std {_said(self.std)}"
        parts = []
        if self.size is not None:
            how = "cropped to the middle" if self.fit == "crop" else "stretched"
            parts.append(f"{self.size[0]} x {self.size[1]} ({how})")
        parts.append(f"{self.order.upper()} in {self.low:g}..{self.high:g}")
        parts.append(f"mean {_said(self.mean)}, std {_said(self.std)}")
        return "; ".join(parts)

    def _columns(self, many: int, what: str = "channels") -> tuple[Tensor, Tensor]:
        """Mean and std, each [channel, 1, 1], or [column] for rows of numbers."""
        columns = []
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) not in (1, many):
                raise InputError(f"{name} has {len(values)} numbers for {many} {what}; give one, or one a {what[:-1]}")
            column = torch.tensor(values, dtype=torch.float32).expand(many)
            columns.append(column.reshape(-1, 1, 1) if what == "channels" else column)
        return columns[0], columns[1]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preprocessing:
        """What `to_json` wrote; InputError where a field is unknown or out of range."""
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown:
            raise InputError(f"the preprocessing has unknown fields: {', '.join(unknown)}")
        own: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
        return cls(**own)


def fitted(pictures: Tensor, size: tuple[int, int], fit: str) -> Tensor:
    """Pictures [picture, channel, row, column] scaled to `size`, bilinear with antialiasing."""
    rows, columns = pictures.shape[2:]
    if fit == "crop":
        scale = max(size[0] / rows, size[1] / columns)
        whole = (max(size[0], round(rows * scale)), max(size[1], round(columns * scale)))
    else:
        whole = size
    x = torch.nn.functional.interpolate(pictures, whole, mode="bilinear", antialias=True, align_corners=False)
    top, left = (whole[0] - size[0]) // 2, (whole[1] - size[1]) // 2
    return x[:, :, top : top + size[0], left : left + size[1]]


def _said(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values[:4]) + (" ..." if len(values) > 4 else "")
