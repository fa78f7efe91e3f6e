"""Optimised pictures on disk: each beside the best pictures of the data, the numbers in JSON, nothing overwritten."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.report.files import plain, safe_name, write_whole
from cellscope.report.pictures import at_least, png, shown, tiles
from cellscope.vision.maximise import Maximisation
from cellscope.vision.samples import Samples
from cellscope.vision.visualise import CAVEAT, Visualisation

LEAST = 96
"""Pixels that a picture is drawn with, at least."""


def planned(folder: Path, how: str, names: Sequence[str], seed: int) -> tuple[list[Path], Path]:
    """Where the PNG of each target and the JSON go; `seed` is in every name."""
    names = tuple(dict.fromkeys(names))
    whole = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    stems = [f"{how}_{re.sub(r'[^A-Za-z0-9_.]+', '-', name).strip('-')}_seed-{seed}" for name in (*names, whole)]
    paths = [folder / safe_name(stem) for stem in stems]
    return [path.with_name(path.name + ".png") for path in paths[:-1]], paths[-1].with_name(paths[-1].name + ".json")


def refuse_to_replace(plan: tuple[list[Path], Path], force: bool) -> None:
    """InputError where one of the files is there; before the work is done, not after it."""
    there = [path for path in (*plan[0], plan[1]) if path.exists()]
    if there and not force:
        raise InputError(f"{there[0]} is there already; give another --seed or --out, or --force to replace it")


def write_visualisation(
    made: Visualisation, folder: Path, *, samples: Samples | None = None, images: ImageSet | None = None
) -> list[Path]:
    """A PNG for each target (its pictures, then the best of the data) and one JSON."""
    rows = [made.pictures[at : at + made.repeats] for at in range(0, len(made.pictures), made.repeats)]
    plan = planned(folder, "visualised", made.names, made.seed)
    return _write(plan, rows, _about(made, samples, images), samples, images)


def write_maximisation(
    made: Maximisation, folder: Path, *, samples: Samples | None = None, images: ImageSet | None = None
) -> list[Path]:
    """A PNG for each target (one picture a start, then the best of the data) and one JSON; rows of numbers: JSON."""
    about = {**_about(made, samples, images), "caveat": CAVEAT}
    rows = list(made.pictures) if made.pictures.ndim == 5 else []
    if not rows:
        about["rows"] = made.pictures
    return _write(planned(folder, f"maximised-{made.recipe.name}", made.names, made.seed), rows, about, samples, images)


def _about(made: Visualisation | Maximisation, samples: Samples | None, images: ImageSet | None) -> dict[str, Any]:
    kept = {name: getattr(made, name) for name in made.__dataclass_fields__ if name != "pictures"}
    for name in ("preset", "recipe", "agreement"):
        if name in kept:
            kept[name] = asdict(kept[name])
    if samples is not None and images is not None:
        kept["samples"] = {**asdict(samples), "images": images.name}
    return kept


def _write(
    plan: tuple[list[Path], Path], rows: list[NDArray[np.float32]], about: dict[str, Any],
    samples: Samples | None, images: ImageSet | None,
) -> list[Path]:  # fmt: skip
    for number, (path, pictures) in enumerate(zip(plan[0], rows, strict=False)):
        best = None if samples is None or images is None else images.pixels(samples.pictures[number])
        write_whole(path, png(_beside(pictures, best)))
    text = json.dumps(plain(about), ensure_ascii=True, allow_nan=False, indent=1) + "\n"
    return [*plan[0][: len(rows)], write_whole(plan[1], text)]


def _beside(pictures: NDArray[np.float32], best: NDArray[np.float32] | None) -> NDArray[np.uint8]:
    """The optimised pictures in a row; on the right, after a white gap, the best of the data, 3 x 3 in one's height."""
    drawn = [at_least(shown(picture), 3 * LEAST if best is not None else LEAST) for picture in pictures]
    left = tiles(np.stack(drawn), gap=4, columns=len(drawn))
    if best is None or not len(best):
        return left
    small = tiles(np.stack([at_least(shown(picture), LEAST) for picture in best]), gap=4, columns=min(3, len(best)))
    if left.ndim != small.ndim:
        left, small = (a if a.ndim == 3 else np.repeat(a[..., None], 3, 2) for a in (left, small))
    height = max(len(left), len(small))
    grounds = [_padded(part, height) for part in (left, np.full((height, 16, *left.shape[2:]), 255, np.uint8), small)]
    return np.concatenate(grounds, 1)


def _padded(array: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    made = np.full((height, *array.shape[1:]), 255, np.uint8)
    made[: len(array)] = array
    return made
