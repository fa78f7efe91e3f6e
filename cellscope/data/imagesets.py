"""Pictures by name or path: what `cellscope train X` may be given where a network for pictures is meant."""

from __future__ import annotations

from pathlib import Path

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.errors import not_found

KNOWN = ("shapes", "digits")


def is_image_set(name_or_path: str | Path) -> bool:
    """Whether `open_images` is meant rather than a text: a known name."""
    return str(name_or_path) in KNOWN


def open_images(
    name_or_path: str | Path,
    *,
    size: tuple[int, int] | None = None,
    fit: str = "crop",
    channels: int | None = None,
    label: str | None = None,
    masks: str | Path | None = None,
    seed: int = 0,
    count: int | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """The pictures of that name; MissingError, saying what can be given, where there are none."""
    name = str(name_or_path)
    if name == "shapes":
        from cellscope.data.shapes import shapes

        return shapes(6000 if count is None else count, seed=seed, progress=progress)
    if name == "digits":
        from cellscope.data.digits import digits

        return digits()
    raise not_found("set of pictures", name, KNOWN)
