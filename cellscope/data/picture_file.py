"""One picture file, decoded: upright, on white, in 8 bits, at a size."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from cellscope.data.folders import shown
from cellscope.errors import CellscopeError, InputError

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
GREY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
LARGEST = 100_000_000
"""The most pixels that a file may claim; a few bytes can claim thousands of millions."""


@dataclass(frozen=True)
class Form:
    """What every picture of a set becomes: `size` (rows, columns), `fit` ("crop" or "stretch"), 1 or 3 channels."""

    size: tuple[int, int]
    fit: str = "crop"
    channels: int = 3

    def __post_init__(self) -> None:
        if self.fit not in ("crop", "stretch"):
            raise InputError(f"no fit {self.fit!r}; there is crop, stretch")
        if self.channels not in (1, 3):
            raise InputError(f"pictures are read with 1 channel (grey) or 3 (RGB), not with {self.channels}")
        if not all(1 <= length <= 8192 for length in self.size):
            raise InputError(f"a size of {self.size[0]} x {self.size[1]}; there is 1 to 8192 each")

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The part of a picture that is shown (left, top, right, bottom): all, or the middle of its longer side."""
        if self.fit == "stretch":
            return 0, 0, width, height
        scale = max(self.size[0] / height, self.size[1] / width)
        across, down = min(width, self.size[1] / scale), min(height, self.size[0] / scale)
        left, top = (width - across) / 2, (height - down) / 2
        return left, top, left + across, top + down


def read_picture(path: Path, form: Form) -> NDArray[np.uint8]:
    """uint8 [channel, row, column], bilinear with antialiasing; InputError, naming the file, where it is none.

    Turned as its EXIF entry says; what is transparent becomes white; 16 bits become 8; of several frames the first.
    """
    with _opened(path) as image:
        image.draft(None, (2 * max(form.size), 2 * max(form.size)))  # a large JPEG need not be decoded whole
        shown = _flat(ImageOps.exif_transpose(image)).convert("L" if form.channels == 1 else "RGB")
        if shown.size != form.size[::-1]:
            shown = shown.resize(form.size[::-1], Image.Resampling.BILINEAR, form.box(*shown.size))
        pixels = np.asarray(shown, np.uint8)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def read_mask(path: Path, form: Form, size: tuple[int, int]) -> NDArray[np.bool_]:
    """bool [row, column] of a mask that covers a whole picture of `size` (rows, columns), itself of any size.

    On where a channel is not zero (a palette's entry 0 is off) and not transparent; nearest pixel, the picture's part.
    """
    with _opened(path) as image:
        values = np.asarray(ImageOps.exif_transpose(image))
        if image.mode in ("LA", "PA", "RGBA"):
            values = values[..., :-1] * (values[..., -1:] > 0)
        on = values.reshape(*values.shape[:2], -1).any(-1)
        across, down = on.shape[1] / size[1], on.shape[0] / size[0]
        left, top, right, bottom = form.box(size[1], size[0])
        box = (left * across, top * down, right * across, bottom * down)
        shown = Image.fromarray(on.astype(np.uint8)).resize(form.size[::-1], Image.Resampling.NEAREST, box)
        return np.asarray(shown) > 0


@dataclass(frozen=True)
class Header:
    """What a file says of itself before it is decoded: (rows, columns) once upright, and whether it has colours."""

    size: tuple[int, int]
    colour: bool


def read_header(path: Path) -> Header:
    """InputError, naming the file, where it is no picture, or claims to be larger than is believed."""
    with _opened(path) as image:
        stated = image.format != "PNG" or "exif" in image.info  # asking a PNG for what it lacks decodes all of it
        turned = stated and image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        size = image.size if turned else image.size[::-1]
        return Header(size, image.mode not in GREY)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A picture, its header read; whatever goes wrong with it, then or later, is an InputError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a size that is checked below, of metadata nobody reads
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > LARGEST:
                    raise InputError(
                        f"{path} claims to have {image.width:,} x {image.height:,} pixels; it is not decoded"
                    )
                yield image
    except CellscopeError:
        raise
    except Exception as error:  # a damaged file makes Pillow raise anything
        raise InputError(f"{shown(str(path))} {_reason(path, error)}") from error


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is empty" if path.stat().st_size == 0 else "is no picture"
    if isinstance(error, Image.DecompressionBombError):
        return "claims to be too large to be true; it is not decoded"
    text = str(error).strip().splitlines()
    return f"cannot be decoded: {text[0] if text else type(error).__name__}"


def _flat(image: Image.Image) -> Image.Image:
    """Opaque, 8 bits a channel."""
    if image.mode.startswith("I"):  # 16-bit greys
        values = np.asarray(image).astype(np.float64) / 257
        return Image.fromarray(values.clip(0, 255).round().astype(np.uint8))
    if image.mode == "F":
        raise ValueError("pixels are floating-point numbers, whose white is not known")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image)
    return image
