"""The demonstration on pictures: drawn scenes, and a small network that learns to tell their main figure."""

from __future__ import annotations

from pathlib import Path

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.data.imagesets import open_images
from cellscope.pipeline.demo import finished, latest_demo
from cellscope.pipeline.picture_training import begin_pictures, proceed_pictures
from cellscope.training.config import TrainingConfig
from cellscope.training.picture_session import PictureSession
from cellscope.training.run import RUNS, RunFolder, free_name

NAME = "demo-images"
COUNT = 12_000
"""Scenes, of which a quarter is held back and searched."""
RATE = 2e-3
EPOCHS = 11.25
"""1,580 steps, what 1.25 quiet minutes on two cores come to: a busy machine takes longer for the same network."""
MINUTES = 3.75
"""The training ends then at the latest."""
NETWORK = {"widths": (16, 32, 64, 64, 64), "pools": 3, "reads": "places", "hidden": 32}
"""Its last places see 56 of the 64 pixels, and each of them answers: the form of an object has to be told there."""


def demo_images(*, progress: Progress | None = None) -> ImageSet:
    """The scenes of the demonstration."""
    return open_images("shapes", count=COUNT, progress=progress)


def latest(runs: Path = RUNS) -> RunFolder | None:
    """The last run that a demonstration on pictures made."""
    return latest_demo(runs, NAME)


def demo_session(
    images: ImageSet, *, runs: Path = RUNS, minutes: float | None = None, again: bool = False
) -> PictureSession:
    """The training that is to be done, a new one or the rest of one that was stopped: of `EPOCHS`, or of `minutes`."""
    run = None if again else latest(runs)
    if run is not None and not finished(run):
        return proceed_pictures(run, images=images, minutes=minutes)
    name = free_name(runs, NAME) if (runs / NAME).exists() else NAME
    epochs, minutes = (EPOCHS, MINUTES) if minutes is None else (None, minutes)
    config = TrainingConfig(epochs=epochs, minutes=minutes, batch_size=64, learning_rate=RATE)
    return begin_pictures(images, runs=runs, name=name, shapes=NETWORK, config=config, options={"count": COUNT})
