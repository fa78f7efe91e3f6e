"""What every layer of a network does with one picture: maps of all channels, values of all units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.hooks.modules import watch
from cellscope.hooks.outlets import choose_outlets
from cellscope.models.classifier import Classifier

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layer:
    """One site on one picture: `maps` [unit, row, column], or [unit] without places; `kind` is its module's."""

    site: Site
    kind: str
    maps: Floats

    @property
    def low(self) -> float:
        """The least value of the layer."""
        return float(self.maps.min())

    @property
    def high(self) -> float:
        """The greatest value of the layer."""
        return float(self.maps.max())

    @property
    def silent(self) -> tuple[int, ...]:
        """Units that are 0 everywhere in this picture."""
        return tuple(np.flatnonzero((self.maps == 0).reshape(len(self.maps), -1).all(1)).tolist())

    @property
    def flat(self) -> tuple[int, ...]:
        """Units with places that have one and the same value, other than 0, in all of them."""
        values = self.maps.reshape(len(self.maps), -1)
        same = (values == values[:, :1]).all(1) & (values[:, 0] != 0)
        return tuple(np.flatnonzero(same).tolist()) if values.shape[1] > 1 else ()


@dataclass(frozen=True, eq=False)
class Activations:
    """Layers by site, in the order in which they fire, and the class scores [class] of one picture."""

    layers: dict[Site, Layer]
    scores: Floats

    @property
    def best(self) -> int:
        """The class with the greatest score."""
        return int(self.scores.argmax())


def activations(classifier: Classifier, pixels: NDArray[np.float32], sites: Iterable[str | Site] = ()) -> Activations:
    """Maps of `sites` (default: all that can be seen) for one picture in 0..1 [channel, row, column] or row [column].

    InputError for several pictures at once, for a site that is not there, and for values that are not finite.
    """
    if pixels.ndim not in (1, 3):
        raise InputError(f"one picture is [channel, row, column] or a row of numbers, not {pixels.shape}")
    chosen = choose_outlets(classifier.module, classifier.example, sites)
    inputs = classifier.prepare(pixels[None])
    with torch.inference_mode(), watch(classifier.module, [outlet.site for outlet in chosen]) as seen:
        scores = classifier.logits(inputs)[0].float().cpu().numpy()
        maps = {outlet.site: seen[outlet.site][0].float().cpu().numpy() for outlet in chosen}
    for site, values in maps.items():
        if not np.isfinite(values).all():
            unit = int(np.nonzero(~np.isfinite(values))[0][0])
            raise InputError(f"{site}/{unit} has values that are not finite on this picture")
    return Activations({o.site: Layer(o.site, o.kind, maps[o.site]) for o in chosen}, scores)
