"""Every way to a network for pictures: a run of ours, somebody's module and weights, a named torchvision model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from cellscope.data.images import ImageSet
from cellscope.data.imagesets import open_images
from cellscope.errors import InputError, not_found
from cellscope.models.architectures import architecture
from cellscope.models.classifier import Classifier, wrap
from cellscope.models.foreign import fill, make_module
from cellscope.models.preprocessing import Preprocessing
from cellscope.models.state_dict import read_state_dict
from cellscope.pipeline.picture_training import held_back_images
from cellscope.training.checkpoint import read_checkpoint
from cellscope.training.picture_batches import channels_last
from cellscope.training.run import RUNS, RunFolder, Which, all_runs, open_run, weights_told

UNGIVEN = "weights drawn at random (seed 0)"
"""What a network of torchvision's has where no file of weights was given."""


def is_picture_run(run: RunFolder) -> bool:
    """Whether a run's network looks at pictures (or rows) rather than at text."""
    return run.info().get("subject") == "pictures"


def open_classifier(
    run: str | Path | None = None,
    *,
    runs: Path = RUNS,
    which: Which = "best",
    model: str | None = None,
    weights: Path | None = None,
    shape: tuple[int, ...] | None = None,
    classes: tuple[str, ...] = (),
    preprocessing: Preprocessing | None = None,
) -> tuple[Classifier, RunFolder | None]:
    """The network of a run for pictures (the latest by default) and its folder, or that of `model` and `weights`.

    `model` is package.module:factory, or torchvision:NAME where torchvision is installed; it needs the `shape` of its
    input, (channel, row, column).
    """
    if model is not None:
        if run is not None:
            raise InputError(f"give either the run {run} or --model {model}, not both")
        return _foreign(model, weights, shape, classes, preprocessing), None
    if weights is not None:
        raise InputError("--weights goes with --model package.module:factory")
    folder = open_run(run, runs) if run is not None else _latest(runs)
    return load_classifier(folder, which=which), folder


def load_classifier(run: RunFolder, *, which: Which = "best") -> Classifier:
    """The network of a run with its best (default) or last weights or those of a snapshot."""
    info = run.info()
    if not is_picture_run(run):
        raise InputError(f"run {run.name} reads text; give a run that was trained on pictures")
    shapes = architecture(info["model"])
    path = run.weights(which)
    tensors, description = read_checkpoint(path)
    own = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
    with torch.random.fork_rng(devices=[]):
        module = shapes.build()
    fill(module, own, path)
    channels_last(module)  # its convolutions answer nearly twice as quickly
    said = f"{shapes.describe()}, {weights_told(which, description)}"
    preprocessing = Preprocessing.from_json(info["preprocessing"])
    return Classifier(module.eval(), shapes.shape, tuple(info["classes"]), preprocessing, run.name, said)


def open_pictures(folder: RunFolder | None, images: str | Path | None = None, **options: Any) -> ImageSet:
    """The pictures that were named, or those of the run that it was not trained on."""
    if images is not None:
        return open_images(images, **options)
    if folder is None:
        raise InputError("which pictures? give --images SET: a model that is not a run has none of its own")
    return held_back_images(folder)


def fitting(network: Classifier, options: Mapping[str, Any]) -> dict[str, Any]:
    """How `open_images` is to read a set for this network: at its size and with its channels, unless `options` say
    otherwise.
    """
    own = {"size": network.shape[1:], "channels": network.shape[0]} if len(network.shape) == 3 else {}
    return own | dict(options)


def _latest(runs: Path) -> RunFolder:
    found = [run for run in all_runs(runs) if is_picture_run(run)]
    if not found:
        raise InputError(f"no run in {runs} was trained on pictures; make one with: cellscope train shapes")
    return found[-1]


def _foreign(
    model: str,
    weights: Path | None,
    shape: tuple[int, ...] | None,
    classes: tuple[str, ...],
    preprocessing: Preprocessing | None,
) -> Classifier:
    if shape is None:
        raise InputError(f"--model {model} needs the size of its input: --size ROWSxCOLUMNS and --channels")
    named = model.startswith("torchvision:")
    module = _torchvision(model.partition(":")[2]) if named else make_module(model)
    said = f"{type(module).__name__} of {model}"
    remarks: tuple[str, ...] = ()
    if weights is not None:
        fill(module, read_state_dict(weights), weights)
        said += f", weights {weights.name}"
    elif named:
        said += f", {UNGIVEN}"
        remarks = (f"{UNGIVEN}: none were given (--weights)",)
    name = model.replace(":", ".")
    made = wrap(module.to("cpu"), shape, classes=classes, preprocessing=preprocessing, name=name, description=said)
    return replace(made, remarks=(*remarks, *made.remarks))


def _torchvision(name: str) -> torch.nn.Module:
    """A torchvision classifier by name, without weights (give them as a file: nothing is fetched behind your back):
    they are random, the same every time.
    """
    try:
        from torchvision import models
    except (ImportError, RuntimeError) as error:  # beside a CPU build of torch, its own operators fail to load
        reason = str(error).splitlines()[0]
        raise InputError(f"torchvision:{name} needs torchvision, which cannot be imported here ({reason})") from error
    known = models.list_models(module=models)  # classifiers alone: detectors fetch weights for their backbones
    if name not in known:
        raise not_found("torchvision classifier", name, known)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made: torch.nn.Module = models.get_model(name, weights=None)
    return made
