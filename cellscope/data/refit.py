"""A set of pictures at another size or with other channels, made as they are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cellscope.data.decoded import Decoded
from cellscope.data.images import ImageSet
from cellscope.data.picture_file import Form
from cellscope.errors import InputError

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in grey (ITU-R BT.601)."""

Array = NDArray[Any]


def refit(
    images: ImageSet, size: tuple[int, int] | None = None, fit: str = "crop", channels: int | None = None
) -> ImageSet:
    """The same pictures and masks, fitted as a folder's are; grey repeated to colours, colours weighed to grey.

    The set itself where it is so already. InputError for rows, and for other changes of channels.
    """
    if images.flat:
        what = f"{images.name} has rows of {images.shape[0]} numbers"
        raise InputError(f"{what}, and only pictures have a size and channels: give pictures, or neither of the two")
    before, rows, columns = images.shape
    after = channels or before
    if after != before and (before, after) not in ((1, 3), (3, 1)):
        raise InputError(f"{images.name} has {before} channels, of which {after} cannot be made")
    form = Form(size or (rows, columns), fit)
    if (after, *form.size) == images.shape:
        return images
    dtype = np.asarray(images.pictures[:1]).dtype.type

    def make(number: int) -> Array:
        return _channels(_resized(images.pictures[number : number + 1][0], form, Image.Resampling.BILINEAR), after)

    def make_masks(number: int) -> Array:
        masks = np.asarray(images.masks[number : number + 1][0], np.uint8)
        return _resized(masks, form, Image.Resampling.NEAREST) > 0

    made = replace(images, pictures=Decoded(len(images), (after, *form.size), dtype, make))
    if images.masks is None:
        return made
    return replace(made, masks=Decoded(len(images), (len(images.concepts), *form.size), bool, make_masks))


def _resized(planes: Array, form: Form, how: Image.Resampling) -> Array:
    """[plane, row, column] at the size of `form`."""
    if planes.shape[1:] == form.size:
        return planes
    box = form.box(planes.shape[2], planes.shape[1])
    return np.stack([np.asarray(Image.fromarray(plane).resize(form.size[::-1], how, box)) for plane in planes])


def _channels(planes: Array, after: int) -> Array:
    """[channel, row, column] with that many channels, in the numbers it came in."""
    if len(planes) == after:
        return planes
    if after == 3:
        return np.repeat(planes, 3, axis=0)
    grey = np.tensordot(LUMA, planes.astype(np.float32), 1)[None]
    return (grey.round() if planes.dtype == np.uint8 else grey).astype(planes.dtype)
