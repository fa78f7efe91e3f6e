"""From a set of pictures to a trained run, from a run to its continuation, and back to its network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.data.imagesets import open_images
from cellscope.errors import InputError
from cellscope.models.architectures import ARCHITECTURES, architecture
from cellscope.models.preprocessing import Preprocessing
from cellscope.training.config import TrainingConfig, revise
from cellscope.training.loop import Trainer
from cellscope.training.picture_batches import PictureBatches, channels_last
from cellscope.training.picture_session import LOSSES, PictureSession
from cellscope.training.precision import choose_device, choose_precision
from cellscope.training.run import RUNS, RunFolder, free_name

VAL_FRACTION = 0.25
"""The part of the pictures that is held back: a search looks at these alone, so it needs many."""
SAMPLE = 4096
"""Pictures whose mean and spread are measured for the preprocessing."""


def begin_pictures(
    images: ImageSet,
    *,
    runs: Path = RUNS,
    name: str | None = None,
    kind: str | None = None,
    shapes: Mapping[str, Any] | None = None,
    config: TrainingConfig | None = None,
    val_fraction: float = VAL_FRACTION,
    options: Mapping[str, Any] | None = None,
    fit: str = "crop",
) -> PictureSession:
    """A new run, `runs`/NAME, for a network of `kind` (small_cnn for pictures, mlp for rows) with these shapes.

    `options` are what `open_images` was given, so that the set can be opened again.
    """
    config = config or TrainingConfig()
    kind = kind or ("mlp" if images.flat else "small_cnn")
    if images.labels is None:
        raise InputError(f"{images.name} has no labels to learn: give a folder with one sub-folder a class")
    if len(images.classes) < 2:
        raise InputError(f"{images.name} has the one class {', '.join(images.classes)}; there is nothing to tell apart")
    network = ARCHITECTURES[kind](shape=images.shape, classes=len(images.classes), **dict(shapes or {}))  # type: ignore[arg-type]
    learned, held_back = split(len(images), val_fraction, config.seed)
    if len(learned) < 2:
        raise InputError(
            f"{images.name} has {len(images):,} pictures, and a val_fraction of {val_fraction:g} leaves {len(learned)} "
            "to learn from; 2 are needed"
        )
    info: dict[str, Any] = {
        "cellscope": version("cellscope"),
        "state": "new",
        "subject": "pictures",
        "images": {
            "name": images.name, "source": images.source or images.name, "options": dict(options or {}),
            "length": len(images), "shape": list(images.shape), "digest": images.lessons,
            "val_fraction": val_fraction, "seed": config.seed, "learned": len(learned), "held_back": len(held_back),
        },
        "classes": list(images.classes),
        "preprocessing": measured(images, learned, fit).to_json(),
        "model": network.to_json(),
        "training": config.to_json(),
    }  # fmt: skip
    trainer = _trainer(images, info)
    info["parameters"] = sum(parameter.numel() for parameter in trainer.model.parameters())
    run = RunFolder.create(runs, name if name is not None else free_name(runs, Path(images.name).stem or "run"), info)
    return PictureSession(run, trainer, held_back)


def proceed_pictures(
    run: RunFolder, *, minutes: float | None = None, epochs: float | None = None, device: str | None = None,
    images: ImageSet | None = None,
) -> PictureSession:  # fmt: skip
    """The run's session at its last checkpoint; InputError where its pictures have changed or it is finished.

    A run that was killed between its last step and its final evaluation has only that left to do.
    """
    info = run.info()
    revise(info, minutes=minutes, epochs=epochs, device=device)
    if images is None:
        images = run_images(run, check=True)
    elif images.lessons != info["images"]["digest"]:
        raise InputError(f"{images.name} is not the set that run {run.name} was trained on; give the same one")
    session = PictureSession(run, _trainer(images, info), split_of(info)[1])
    session.resume(info)
    return session


def run_images(run: RunFolder, *, check: bool = False, progress: Progress | None = None) -> ImageSet:
    """The pictures that a run was trained on; InputError where they have gone or changed (`check`: at all)."""
    known = run.info().get("images")
    if not known:
        raise InputError(f"run {run.name} was not trained on pictures")
    images = open_images(known["source"], **known["options"], progress=progress)
    if len(images) != known["length"] or list(images.shape) != known["shape"]:
        raise InputError(f"{known['source']} has changed since run {run.name} was trained on it")
    if check and images.lessons != known["digest"]:
        raise InputError(f"{known['source']} has changed since run {run.name} was trained on it")
    return images


def held_back_images(run: RunFolder, images: ImageSet | None = None, *, others: Sequence[RunFolder] = ()) -> ImageSet:
    """The pictures of a run's set that neither it nor any of `others` was trained on; a run that held nothing back does
    not count, and where none did it is all of them.

    InputError where the others were trained on another set, or no picture was held back from all.
    """
    images = images or run_images(run)
    together = (run, *others)
    known = [one.info().get("images") or {} for one in together]
    if len({own.get("digest") for own in known}) > 1:
        told = ", ".join(f"{one.name} on {own.get('name')}" for one, own in zip(together, known, strict=True))
        raise InputError(f"they were trained on different pictures ({told}): say which to show, --images SET")
    parts = [part for one in together if len(part := split_of(one.info())[1])]
    if not parts:
        return images
    held_back = reduce(np.intersect1d, parts)
    if not len(held_back):
        names = " and ".join(one.name for one in together)
        raise InputError(f"no picture of {images.name} was held back from {names}: say which to show, --images SET")
    return images.take(held_back, f"{images.name} (held back)")


def split(length: int, fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of the pictures to learn from and of those held back, by chance, each in order."""
    if not 0 <= fraction < 1:
        raise InputError(f"val_fraction must be from 0 to below 1, not {fraction}")
    order = np.random.default_rng((seed, 1)).permutation(length)
    many = round(length * fraction)
    return np.sort(order[many:]), np.sort(order[:many])


def split_of(info: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The split that run.json describes."""
    known = info["images"]
    return split(known["length"], known["val_fraction"], known["seed"])


def measured(images: ImageSet, learned: NDArray[np.int64], fit: str = "crop") -> Preprocessing:
    """The mean and the spread of each channel (or column) over some of the pictures that are learned from."""
    pixels = images.pixels(learned[:: max(1, len(learned) // SAMPLE)])
    axes = (0,) if images.flat else (0, 2, 3)
    mean, std = pixels.mean(axes), pixels.std(axes)
    size = None if images.flat else images.shape[1:]
    return Preprocessing(
        size=None if size is None else (size[0], size[1]),
        fit=fit,
        mean=tuple(float(m) for m in mean),
        std=tuple(float(s) if s > 1e-6 else 1.0 for s in std),
    )


def _trainer(images: ImageSet, info: dict[str, Any]) -> Trainer:
    """The trainer that run.json describes; the precision is settled here, once, and written into `info`."""
    config = TrainingConfig.from_json(info["training"])
    preprocessing = Preprocessing.from_json(info["preprocessing"])
    batches = PictureBatches(images, preprocessing, split_of(info)[0], size=config.batch_size, seed=config.seed)
    device, kind = choose_device(config.device), info["model"]["kind"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        module = channels_last(architecture(info["model"]).build().to(device))
    if "precision" not in info:
        inputs, labels = (part.to(device) for part in batches.batch(0, 0))
        info["precision"], info["precision_reason"] = choose_precision(
            module, inputs, labels, wanted=config.precision, loss=LOSSES[kind]
        )
    return Trainer(module, batches, config, precision=info["precision"], loss=LOSSES[kind])
