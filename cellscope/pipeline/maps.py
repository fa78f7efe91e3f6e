"""A map of one picture, with what it is worth: its range, its survival, its remarks; as PNG and JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress, Site, Unit
from cellscope.data.images import ImageSet
from cellscope.errors import InputError
from cellscope.models.classifier import Classifier
from cellscope.report.files import plain, safe_name, write_whole
from cellscope.report.heatmaps import beside, heat, overlaid, raw
from cellscope.report.pictures import Bytes, png, shown
from cellscope.vision.fill import Fill, say_fill
from cellscope.vision.occlusion import Pair, occlusion
from cellscope.vision.randomisation import Survival, survival
from cellscope.vision.saliency import attribute, method_named
from cellscope.vision.target import Place, Target, class_number

DRAWS = 3
"""How often layers are drawn anew for the check."""
RAW = ("guided", "deconvnet")
"""Methods whose maps are looked at as pictures, channel by channel, zero in grey."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One picture of a set, by its number, before a network, and what is asked of it: a class or a unit in a place."""

    network: Classifier
    images: ImageSet
    number: int
    target: Target
    place: Place = "mean"

    def __post_init__(self) -> None:
        if not 0 <= self.number < len(self.images):
            raise InputError(f"no picture {self.number} in {self.images.name}; it has 0 to {len(self.images) - 1:,}")

    @property
    def inputs(self) -> torch.Tensor:
        """The picture as the network gets it, [1, ..]."""
        return self.network.prepare(self.images.pixels(np.array([self.number])))

    @property
    def name(self) -> str:
        """The picture for people: its number, or its file, and its class."""
        own = self.images.names[self.number] if self.images.names else str(self.number)
        return own if self.images.labels is None else f"{own} ({self.images.classes[self.images.labels[self.number]]})"


@dataclass(frozen=True, eq=False)
class PictureMap:
    """values  float32 [row, column], or [column] for a row of numbers: signed ones are the sum over channels
    channels  float32 [channel, row, column] where the map is looked at as a picture, else None
    picture   float32 [channel, row, column] in 0..1, as the network saw it (empty for rows)
    """

    asked: Asked
    method: str
    target: str
    score: float
    signed: bool
    values: NDArray[np.float32]
    channels: NDArray[np.float32] | None
    picture: NDArray[np.float32]
    options: Mapping[str, Any]
    survival: Survival | None
    remarks: tuple[str, ...] = field(default=())

    @property
    def limit(self) -> float:
        """What the ends of the colours stand for."""
        return float(np.abs(self.values if self.channels is None else self.channels).max())

    @property
    def array(self) -> Bytes:
        """Picture, map, and the map over the picture, side by side: uint8 [row, column, 3]."""
        if not self.picture.size:
            raise InputError("a row of numbers has no picture to draw; its values are in the JSON")
        picture = shown(self.picture)
        if self.channels is not None:
            return beside([picture, raw(self.channels, self.limit)])
        colours = heat(self.values, self.limit)
        return beside([picture, colours, overlaid(picture, colours)])

    @property
    def headline(self) -> str:
        """What it is of, and how it was made."""
        said = ", ".join(f"{name} {_said(value)}" for name, value in self.options.items())
        return f"{self.method} of {self.target} for picture {self.asked.name}" + (f": {said}" if said else "")

    @property
    def scale(self) -> str:
        """What the colours mean, with the range."""
        end = f"{self.limit:.3g}"
        if self.channels is not None:
            return f"from {-self.limit:.3g} (dark) to {end} (bright), 0 grey"
        if self.signed:
            return f"from {-self.limit:.3g} (orange: against it) to {end} (blue: for it), 0 white"
        return f"from 0 (white) to {end} (blue)"

    def to_json(self) -> dict[str, Any]:
        """All of it, for a file."""
        network = self.asked.network
        checked = None if self.survival is None else {
            "sentence": self.survival.sentence, "layers": self.survival.layers, "spearman": self.survival.signed,
            "spearman_absolute": self.survival.absolute, "ssim": self.survival.ssim, "hog": self.survival.hog,
            "draws": self.survival.draws, "seed": self.survival.seed,
        }  # fmt: skip
        made = {
            "method": self.method, "target": self.target, "network": network.name, "description": network.description,
            "preprocessing": network.preparation, "images": self.asked.images.name,
            "picture": self.asked.number, "name": self.asked.name, "score": self.score, "signed": self.signed,
            "limit": self.limit, "options": {k: _said(v) for k, v in self.options.items()}, "survival": checked,
            "remarks": self.remarks, "columns": self.asked.images.columns, "values": self.values,
        }  # fmt: skip
        whole = plain(made)
        assert isinstance(whole, dict)
        return whole

    def write(self, folder: Path) -> list[Path]:
        """The PNG (of a picture) and the JSON; their names say method, picture, target and options.

        Two pictures of one name (of two folders, of two sets) are told apart by the first letters of their digests.
        """
        asked = self.asked
        own = asked.images.names[asked.number] if asked.images.names else str(asked.number)
        pixels = np.ascontiguousarray(asked.images.pixels(np.array([asked.number])))
        parts = [self.method, own, self.target, *(f"{name}-{_said(value)}" for name, value in self.options.items())]
        parts += self._checked()
        parts.append(hashlib.sha256(pixels.tobytes()).hexdigest()[:6])
        stem = folder / safe_name("_".join(re.sub(r"[^\w.]+", "-", part).strip("-") for part in parts))
        files = [write_whole(stem.with_name(stem.name + ".png"), png(self.array))] if self.picture.size else []
        text = json.dumps(self.to_json(), ensure_ascii=True, allow_nan=False, indent=1) + "\n"
        return [*files, write_whole(stem.with_name(stem.name + ".json"), text)]

    def _checked(self) -> list[str]:
        """How the check was made, where it was not as usual."""
        if self.survival is None:
            return ["unchecked"]
        made = (self.survival.draws, self.survival.seed)
        return [] if made == (DRAWS, 0) else [f"draws-{made[0]}-seed-{made[1]}"]


def occlusion_map(
    asked: Asked,
    *,
    window: Pair = 8,
    stride: Pair = 4,
    fill: Fill = "grey",
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> PictureMap:
    """Occlusion of one picture; with `draws` its survival when the top layer is drawn anew (0: unchecked)."""
    inputs, network = asked.inputs, asked.network
    options = {"window": window, "stride": stride, "fill": fill}
    made = occlusion(
        network, inputs, asked.target, window=window, stride=stride, fill=fill, place=asked.place, progress=progress
    )
    checked = None
    if draws:
        checked = survival(
            network, "occlusion", inputs, asked.target, place=asked.place, seed=seed, draws=draws, cascade=False,
            progress=progress, **options,
        )  # fmt: skip
    used = {"window": made.window, "stride": made.stride, "fill": made.fill}
    return PictureMap(
        asked, "occlusion", made.target, float(made.scores[0]), True, made.values[0], None, _seen(asked, inputs), used,
        checked, (*network.remarks, *made.remarks),
    )  # fmt: skip


def saliency_map(
    asked: Asked,
    method: str,
    *,
    layer: Site | None = None,
    fill: Fill = "zero",
    steps: int = 64,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> PictureMap:
    """One of `METHODS` for one picture; with `draws` its survival, layer by layer from the top (0: unchecked)."""
    inputs, network = asked.inputs, asked.network
    options: dict[str, Any] = {"layer": layer, "fill": fill, "steps": steps}
    made = attribute(network, method, inputs, asked.target, place=asked.place, **options)
    checked = None
    if draws:
        checked = survival(
            network, method, inputs, asked.target, place=asked.place, seed=seed, draws=draws, progress=progress,
            **{**options, "layer": made.site},
        )  # fmt: skip
    remarks = made.remarks
    if len(made.missing):
        remarks += (f"the values add up to f(picture) - f(fill) but for {made.missing[0]:.2g}",)
    channels = made.values[0] if method in RAW and made.values.ndim == 4 else None
    if channels is not None and network.preprocessing.order == "bgr":
        channels = channels[::-1]
    used: dict[str, Any] = {"layer": made.site} if made.site is not None else {}
    if len(made.missing):
        used |= {"fill": fill, "steps": steps}
    return PictureMap(
        asked, method, made.target, float(made.scores[0]), method_named(method).signed, made.plane[0], channels,
        _seen(asked, inputs), used, checked, remarks,
    )  # fmt: skip


def target_of(network: Classifier, inputs: torch.Tensor, class_name: str | None, unit: str | None) -> Target:
    """The unit, the class by name or number, or the class that the network gives the picture."""
    if unit is not None:
        if class_name is not None:
            raise InputError(f"give either a class ({class_name}) or a unit ({unit}), not both")
        return Unit.parse(unit)
    if class_name is not None:
        return class_number(network, class_name)
    from cellscope.hooks.modules import evaluating

    with evaluating(network.module), torch.no_grad():
        return int(network.logits(inputs)[0].argmax())


def place_of(text: str) -> Place:
    """`mean`, `centre`, `max`, or a row and a column as in `3,7`."""
    parts = text.split(",")
    if len(parts) == 2 and all(part.strip().isdecimal() for part in parts):
        return int(parts[0]), int(parts[1])
    return text


def fill_of(text: str) -> Fill:
    """A name, or the brightness in `0.5` or `1,0,0`."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        return text
    return values[0] if len(values) == 1 else values


def _seen(asked: Asked, inputs: torch.Tensor) -> NDArray[np.float32]:
    """The picture as the network saw it, in 0..1."""
    if inputs.dim() != 4:
        return np.empty((0, 0, 0), np.float32)
    made: NDArray[np.float32] = asked.network.preprocessing.undo(inputs.cpu())[0].clamp(0, 1).numpy()
    return made


def _said(value: Any) -> str:
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, int) for v in value):
        return f"{value[0]}x{value[1]}"
    if isinstance(value, str | float | tuple | list):
        return say_fill(value)
    return str(value)
