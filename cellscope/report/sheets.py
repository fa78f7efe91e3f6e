"""Many small pictures in few PNG files: `Sheets` packs them, the page's script draws them from there.

A strip is pictures of one size, side by side in one file. Maps become colour by their transparency: zero is clear, so
that it is the paper of either theme or the picture beneath, blue is above and orange below. Each map has 127 levels a
side of its own greatest size, which is said beside it; a common scale is a matter of drawing it paler.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cellscope.report.files import write_whole
from cellscope.report.pictures import data_uri, png

LEVELS = 127
HIGH, LOW = (31, 106, 196), (214, 104, 10)
WIDEST, MOST_PIXELS = 1024, 1 << 20
"""A file is about this wide, and is closed once it holds so many pixels: one is decoded in some ten milliseconds."""

Json = dict[str, object]


@dataclass
class Sheet:
    """A file that is being filled: blocks of pixels, one below the other, and its number."""

    number: int
    kind: str
    blocks: list[NDArray[np.uint8]] = field(default_factory=list)
    height: int = 0
    width: int = 0


class Sheets:
    """The PNG files of one page. `folder` holds them, `href` is how the page names it; None: they lie in the page."""

    def __init__(self, folder: Path, href: str | None) -> None:
        self.folder, self.href = folder, href
        self._open: dict[str, Sheet] = {}
        self._sources: list[str] = []

    def pictures(self, name: str, pictures: NDArray[np.uint8]) -> list[int]:
        """The strip of uint8 [picture, row, column] or [.., 3]: file, left, top, width, height, number, columns."""
        wide = pictures if pictures.ndim == 4 else np.repeat(pictures[..., None], 3, axis=3)
        return self._place(name, "colour", wide)

    def maps(self, name: str, values: NDArray[Any]) -> Json:
        """The strip of maps [map, row, column], and the least and greatest value of each."""
        maps = np.asarray(values, np.float64)
        low, high = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))
        size = np.maximum(np.abs(low), np.abs(high))
        levels = np.rint(maps / np.where(size > 0, size, 1)[:, None, None] * LEVELS) + LEVELS
        return {"strip": self._place(name, "map", levels.astype(np.uint8)), "low": low, "high": high}

    def weights(self, name: str, values: NDArray[Any]) -> Json:
        """Signed [picture, row, column] as maps, or [picture, 3, row, column] in colour with zero in the middle grey.

        Pictures in colour have one range for all channels of each, symmetric about zero.
        """
        if values.ndim == 3:
            return self.maps(name, values)
        if values.shape[1] != 3:
            return self.maps(name, values.mean(axis=1))
        size = np.abs(values).max(axis=(1, 2, 3))
        levels = values / np.where(size > 0, size, 1)[:, None, None, None] * LEVELS + 128
        drawn = np.rint(levels).astype(np.uint8).transpose(0, 2, 3, 1)
        return {"strip": self.pictures(f"{name} colour", drawn), "low": -size, "high": size, "colour": True}

    def many(self, name: str, pictures: NDArray[np.uint8]) -> list[list[int]]:
        """A bank of pictures as strips, as many to each as a file holds."""
        area = int(np.prod(pictures.shape[1:3]))
        each = max(1, min(64, MOST_PIXELS // max(area, 1)))
        return [self.pictures(name, pictures[k : k + each]) for k in range(0, len(pictures), each)]

    def close(self) -> list[str]:
        """Write what is still open, take away what an earlier page left here; the files' addresses by number."""
        for name in list(self._open):
            self._write(name)
        if self.href is not None and self.folder.is_dir():
            kept = {Path(source).name for source in self._sources}
            for path in self.folder.glob("*.png"):
                if path.name not in kept:
                    path.unlink(missing_ok=True)
        return self._sources

    def _place(self, name: str, kind: str, pictures: NDArray[np.uint8]) -> list[int]:
        count, height, width = pictures.shape[:3]
        columns = max(1, min(count, WIDEST // width))
        block = _block(pictures, columns, LEVELS if kind == "map" else 0)
        sheet = self._open.get(name)
        if sheet and (sheet.height + block.shape[0]) * max(sheet.width, block.shape[1]) > MOST_PIXELS:
            self._write(name)
            sheet = None
        if sheet is None:
            sheet = self._open[name] = Sheet(len(self._sources), kind)
            self._sources.append(f"{name.replace(' ', '-')}-{sheet.number}.png")
        top = sheet.height
        sheet.blocks.append(block)
        sheet.height += block.shape[0]
        sheet.width = max(sheet.width, block.shape[1])
        return [sheet.number, 0, top, width, height, count, columns]

    def _write(self, name: str) -> None:
        sheet = self._open.pop(name)
        fill = LEVELS if sheet.kind == "map" else 0
        whole = np.full((sheet.height, sheet.width, *sheet.blocks[0].shape[2:]), fill, np.uint8)
        top = 0
        for block in sheet.blocks:
            whole[top : top + block.shape[0], : block.shape[1]] = block
            top += block.shape[0]
        encoded = _clear(whole) if sheet.kind == "map" else png(whole)
        file = self._sources[sheet.number]
        if self.href is None:
            self._sources[sheet.number] = data_uri(encoded)
        else:
            write_whole(self.folder / file, encoded)
            self._sources[sheet.number] = f"{self.href}/{file}"


def _block(pictures: NDArray[np.uint8], columns: int, fill: int) -> NDArray[np.uint8]:
    """Pictures in reading order, `columns` in a row, without gaps."""
    count, height, width = pictures.shape[:3]
    rows = -(-count // columns)
    made = np.full((rows * columns, *pictures.shape[1:]), fill, np.uint8)
    made[:count] = pictures
    rest = pictures.shape[3:]
    axes = (0, 2, 1, 3, *range(4, 4 + len(rest)))
    grid = made.reshape(rows, columns, height, width, *rest).transpose(axes)
    return np.ascontiguousarray(grid.reshape(rows * height, columns * width, *rest))


def _clear(levels: NDArray[np.uint8]) -> bytes:
    """Levels 0..254, 127 clear, as a PNG whose palette carries colour and transparency: one byte a pixel."""
    image = Image.fromarray(levels)
    image.putpalette(bytes(LOW) * LEVELS + bytes(3) + bytes(HIGH) * LEVELS, "RGB")
    steps = np.rint(np.abs(np.arange(2 * LEVELS + 1) - LEVELS) / LEVELS * 255).astype(np.uint8)
    out = io.BytesIO()
    image.save(out, "PNG", transparency=steps.tobytes())
    return out.getvalue()
