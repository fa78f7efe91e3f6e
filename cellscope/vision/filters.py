"""The weights of a convolution as pictures: what each filter adds up, and with which sign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cellscope.axes import Site
from cellscope.errors import InputError, not_found
from cellscope.hooks.outlets import outlets
from cellscope.models.classifier import Classifier
from cellscope.report.pictures import Bytes, at_least, diverging, grey, scaled, tiles
from cellscope.vision.crops import Crops

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Filters:
    """Weights [unit, channel, row, column] of one site, as the network has them, for its prepared input.

    `first`: they lie on the picture itself, and channels are in the order of its colours (turned round for BGR). With
    `groups`, unit k reads the channels of group k // (units / groups) alone. A fully connected layer that reads the
    picture has filters of the picture's size.
    """

    site: Site
    weights: Floats
    first: bool
    groups: int
    stride: tuple[int, int]
    dilation: tuple[int, int]

    @property
    def limits(self) -> Floats:
        """The largest absolute weight of each filter, [unit]: black and white, or the ends of the colours."""
        made: Floats = np.abs(self.weights).max((1, 2, 3))
        return made

    def pictures(self) -> Bytes:
        """Filters of 1 or 3 channels as pictures [unit, row, column(, 3)]: 0 is grey (128), scaled by its limit."""
        if self.weights.shape[1] not in (1, 3):
            raise InputError(
                f"filters of {self.weights.shape[1]} channels have no colours; see them as small multiples"
            )
        levels = grey(scaled(self.weights, scale="unit", signed=True).levels)
        return levels[:, 0] if levels.shape[1] == 1 else np.ascontiguousarray(levels.transpose(0, 2, 3, 1))

    def sheet(self, *, least: int = 0) -> Bytes:
        """All pictures of filters as one near-square grid; `least` is a tile's least side."""
        return tiles(np.stack([at_least(picture, least) for picture in self.pictures()]), gap=2, pad=255)

    def multiples(self, *, scale: str = "unit", least: int = 0) -> Bytes:
        """Every kernel in colours about a neutral zero, a row of tiles a unit and a column an input channel.

        Scaled over the unit ("unit") or over the layer ("shared").
        """
        colours = diverging(scaled(self.weights, scale=scale, signed=True).levels)
        flat = colours.reshape(-1, *colours.shape[2:])
        return tiles(np.stack([at_least(tile, least) for tile in flat]), columns=self.weights.shape[1])


def filter_sites(classifier: Classifier) -> dict[Site, nn.Module]:
    """Sites that have filters, in the order of firing: convolutions, and a first fully connected layer."""
    modules = dict(classifier.module.named_modules())
    found: dict[Site, nn.Module] = {}
    for outlet in outlets(classifier.module, classifier.example):
        module = modules.get(outlet.site.path)
        reads = isinstance(module, nn.Linear) and module.in_features == int(np.prod(classifier.shape)) and not found
        if module is not None and (isinstance(module, nn.Conv2d) or reads):
            found[Site(outlet.site.path)] = module
    return found


def filters(classifier: Classifier, site: str | Site | None = None) -> Filters:
    """The filters of a site, or of the first that has any; MissingError lists those that do."""
    there = filter_sites(classifier)
    if not there or len(classifier.shape) != 3:
        raise InputError(f"{classifier.name} has no convolution, and no layer that reads a picture: it has no filters")
    wanted = next(iter(there)) if site is None else Site.parse(str(site))
    if wanted not in there:
        raise not_found("site with filters", str(wanted), [str(s) for s in there])
    module, first = there[wanted], wanted == next(iter(there))
    weights = module.weight.detach().float().cpu().numpy()  # type: ignore[operator]
    if not np.isfinite(weights).all():
        raise InputError(f"{wanted} has weights that are not finite")
    if isinstance(module, nn.Linear):
        weights = weights.reshape(-1, *classifier.shape)
    if first and classifier.preprocessing.order == "bgr":
        weights = weights[:, ::-1]
    groups, stride, dilation = 1, (1, 1), (1, 1)
    if isinstance(module, nn.Conv2d):
        groups, stride, dilation = module.groups, _pair(module.stride), _pair(module.dilation)
    return Filters(wanted, np.ascontiguousarray(weights), first, groups, stride, dilation)


def _pair(numbers: tuple[int, ...]) -> tuple[int, int]:
    return int(numbers[0]), int(numbers[-1])


def likeness(own: Filters, made: Crops) -> Floats:
    """How like the filter each patch is that excites it: their correlation [k], over what lies inside the picture.

    1 would be the filter's own picture; natural patches that excite it most are brighter, not liker. 0 for a patch
    that is the same everywhere.
    """
    if not own.first or own.groups != 1 or made.unit.site != own.site:
        raise InputError(f"patches of {made.unit.site} and filters of {own.site} cannot be compared")
    field, weights, found = made.field, own.weights[made.unit.index], []
    for k, (row, column) in enumerate(made.places.tolist()):
        rows = round(field.offset[0] + field.stride[0] * row) + own.dilation[0] * np.arange(weights.shape[1])
        columns = round(field.offset[1] + field.stride[1] * column) + own.dilation[1] * np.arange(weights.shape[2])
        inside = [np.flatnonzero((n >= 0) & (n < size)) for n, size in zip((rows, columns), field.picture, strict=True)]
        patch = made.pixels[k][:, rows[inside[0]]][:, :, columns[inside[1]]]
        found.append(_correlation(weights[:, inside[0]][:, :, inside[1]], patch))
    return np.array(found, np.float32)


def _correlation(one: Floats, other: Floats) -> float:
    a, b = one.ravel() - one.mean(), other.ravel() - other.mean()
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size > 1e-12 else 0.0
