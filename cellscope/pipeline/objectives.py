"""What is to be optimised, from the words of a user: units, layers, classes, ways between units, directions, sums."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Unit
from cellscope.data.arrays import open_array
from cellscope.errors import InputError, not_found
from cellscope.hooks.outlets import choose_outlets, outlets
from cellscope.models.classifier import Classifier
from cellscope.vision.objective import Objective
from cellscope.vision.objectives import channel, direction, interpolation, layer, logit, neuron, probability

OF_UNITS = ("channel", "neuron", "layer")
OF_CLASSES = ("logit", "probability")


def objective_of(classifier: Classifier, units: Sequence[str], classes: Sequence[str], of: str = "") -> Objective:
    """What is asked for: units (site/index, or a site for all of its units) or classes, by name or number.

    `of`: channel (default), neuron, or layer (of a site alone) for units; logit (default) or probability for classes.
    """
    if units and classes:
        raise InputError("give units or --class, not both: their values cannot be compared")
    if not units and not classes:
        raise InputError("what is to be optimised? name a UNIT, as in features.4/17, or --class NAME")
    known = OF_CLASSES if classes else OF_UNITS
    of = of or known[0]
    if of not in known:
        raise InputError(f"{of} is none for {'classes' if classes else 'units'}; there is {', '.join(known)}")
    if classes:
        numbers = [_class_of(classifier, name) for name in classes]
        return (logit if of == "logit" else probability)(numbers, classifier.classes)
    sizes = _sizes(classifier, units)
    if of == "layer":
        if len(units) != 1 or units[0] not in sizes:
            raise InputError(f"--of layer is for one SITE; there is {', '.join(sizes)}")
        return layer(units[0])
    named = [unit for text in units for unit in _units_of(text, sizes)]
    return (channel if of == "channel" else neuron)(named)


def between(classifier: Classifier, first: str, second: str, frames: int) -> Objective:
    """The way from the channel `first` to the channel `second` in so many pictures."""
    return interpolation(_unit(classifier, first), _unit(classifier, second), frames)


def along(classifier: Classifier, site: str, path: Path, power: float = 0.0) -> Objective:
    """The direction, or directions, that a file holds: an array [unit] or [direction, unit] of a site."""
    outlet = choose_outlets(classifier.module, classifier.example, (site,))[0]
    vectors = read_vectors(path)
    if vectors.shape[1] != outlet.units:
        raise InputError(f"{path} holds directions of {vectors.shape[1]} numbers, and {site} has {outlet.units} units")
    if not np.isfinite(vectors).all() or not np.abs(vectors).max(1).min():
        raise InputError(f"{path} holds a direction that is 0, or no number, so it leads nowhere")
    return direction(outlet.site, vectors, power=power)


def added(classifier: Classifier, objective: Objective, terms: Sequence[str]) -> Objective:
    """The objective and `WEIGHT*TARGET` (a unit's channel or a class's score; the weight may be left out) for each."""
    for text in terms:
        parts = re.fullmatch(r"\s*(?:([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*\*)?\s*(.+?)\s*", text)
        if parts is None:
            raise InputError("an empty --with; write WEIGHT*UNIT or WEIGHT*CLASS, as in -0.5*features.4/17")
        weight, target = parts[1], parts[2]
        known = target in classifier.classes
        one = (
            logit([_class_of(classifier, target)], classifier.classes) if known else channel(_unit(classifier, target))
        )
        objective = objective + (one if weight is None else float(weight) * one)
    return objective


def _sizes(classifier: Classifier, addresses: Sequence[str]) -> dict[str, int]:
    """How many units each site has, containers that an address names among them."""
    named = [text.partition("/")[0] for text in addresses]
    return {str(outlet.site): outlet.units for outlet in outlets(classifier.module, classifier.example, named)}


def _unit(classifier: Classifier, text: str) -> Unit:
    """A unit by its address; InputError where the network has none of it."""
    units = _units_of(text, _sizes(classifier, [text]))
    if "/" not in text:
        raise InputError(f"{text} is a site; name one of its units, as in {text}/0")
    return Unit.parse(units[0])


def read_vectors(path: Path) -> NDArray[np.float32]:
    """An array [unit] or [direction, unit] from .npy, HDF5, zarr, or numbers in a text file."""
    if not path.exists():
        raise InputError(f"no file {path} of directions")
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        try:
            text = path.read_text("utf-8").replace(",", " ").replace(";", " ")
            rows = [[float(number) for number in line.split()] for line in text.splitlines() if line.strip()]
            made = np.array(rows, np.float32)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no table of numbers: {' '.join(str(error).split())}") from error
    elif path.suffix.lower() == ".npy":
        try:
            made = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no array: {' '.join(str(error).split())}") from error
    else:
        array = open_array(path)
        made = array.read(0, len(array))
    made = np.atleast_2d(np.asarray(made, np.float32))
    if made.ndim != 2 or not made.size:
        raise InputError(f"{path} must hold [unit] or [direction, unit], not {made.shape}")
    return made


def _class_of(classifier: Classifier, name: str) -> int:
    if name in classifier.classes:
        return classifier.classes.index(name)
    if name.isdecimal() and int(name) < len(classifier.classes):
        return int(name)
    raise not_found("class", name, classifier.classes)


def _units_of(text: str, sizes: dict[str, int]) -> list[str]:
    """One unit, or all of a site."""
    site, _, index = text.partition("/")
    if site not in sizes:
        raise not_found("site", site, list(sizes))
    if not index and "/" not in text:
        return [f"{site}/{k}" for k in range(sizes[site])]
    if not index.isdecimal() or int(index) >= sizes[site]:
        raise InputError(f"no unit {text}; {site} has units 0 to {sizes[site] - 1}")
    return [text]
