"""The objectives of the literature, each a function that makes one: neuron, channel, layer, logit, direction ..."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from cellscope.axes import Site, Unit
from cellscope.errors import InputError
from cellscope.vision.objective import Heard, Objective


def neuron(units: Unit | str | Iterable[Unit | str], place: tuple[int, int] | None = None) -> Objective:
    """The unit at one place; without one in the middle: row rows // 2, column columns // 2 (lucid's centre rule)."""

    def score(maps: Tensor, wanted: Tensor) -> Tensor:
        rows, columns = maps.shape[2:]
        row, column = place or (rows // 2, columns // 2)
        if not (0 <= row < rows and 0 <= column < columns):
            raise InputError(f"no place {row}, {column} in a map of {rows} x {columns}")
        return maps[:, :, row, column].gather(1, wanted[:, None])[:, 0]

    return _of_units(units, "neuron", score, "" if place is None else f" at {place[0]},{place[1]}")


def channel(units: Unit | str | Iterable[Unit | str]) -> Objective:
    """The mean of the unit over all its places."""
    return _of_units(units, "channel", lambda maps, wanted: maps.mean((2, 3)).gather(1, wanted[:, None])[:, 0])


def layer(site: Site | str) -> Objective:
    """The mean square over the whole layer: DeepDream's (Mordvintsev et al. 2015)."""
    site = _site(site)
    return Objective((f"layer {site}",), lambda heard: heard.map(site).square().mean((1, 2, 3)), (site,))


def logit(classes: int | Sequence[int], names: Sequence[str] = ()) -> Objective:
    """The unnormalised score of a class (before any softmax)."""
    return _of_classes(classes, names, "logit", lambda scores: scores)


def probability(classes: int | Sequence[int], names: Sequence[str] = ()) -> Objective:
    """The softmax of the class scores; it can also rise because other classes fall."""
    return _of_classes(classes, names, "probability", lambda scores: scores.softmax(1))


def direction(site: Site | str, vectors: ArrayLike, *, power: float = 0.0) -> Objective:
    """The mean over places of (activations . vector) x max(0.1, cosine) ** power; lucid's power is 0, a plain product.

    `vectors` are [channel] or [target, channel].
    """
    site, rows = _site(site), torch.from_numpy(np.atleast_2d(np.asarray(vectors, np.float32)))

    def score(heard: Heard) -> Tensor:
        maps = heard.map(site)
        if rows.shape[1] != maps.shape[1]:
            raise InputError(f"a direction in {site} has {maps.shape[1]} numbers, not {rows.shape[1]}")
        vector = rows[_own(heard, len(rows))].to(maps)[:, :, None, None]
        product = (maps * vector).sum(1)
        if power:
            lengths = (1e-4 + maps.square().sum(1).clamp_min(1e-12).sqrt()) * (1e-4 + vector.norm(dim=1))
            product = product * (product / lengths).clamp_min(0.1) ** power
        return product.mean((1, 2))

    names = tuple(f"direction {k} of {site}" for k in range(len(rows))) if len(rows) > 1 else (f"direction of {site}",)
    return Objective(names, score, (site,))


def interpolation(first: Unit | str, second: Unit | str, count: int = 5) -> Objective:
    """`count` targets from the channel `first` to the channel `second`: (1 - w) first + w second, w = 0 .. 1."""
    if count < 2:
        raise InputError(f"an interpolation has 2 targets or more, not {count}")
    one, other = channel(first), channel(second)
    weights = torch.linspace(0, 1, count)

    def score(heard: Heard) -> Tensor:
        w = weights[heard.targets].to(heard.map(one.sites[0]))
        still = Heard(heard.maps, heard.logits, torch.zeros_like(heard.targets), heard.together)
        return (1 - w) * one.score(still) + w * other.score(still)

    names = tuple(f"{1 - w:.2g} {one.names[0]} + {w:.2g} {other.names[0]}" for w in weights.tolist())
    return Objective(names, score, tuple(dict.fromkeys((*one.sites, *other.sites))))


def diversity(site: Site | str) -> Objective:
    """How alike the pictures of one target are in their textures: sum over the others of the cosine of Gram matrices.

    To be subtracted, as in `channel(unit) - 100 * diversity(site)` with several pictures a unit (`repeats`).
    """
    site = _site(site)

    def score(heard: Heard) -> Tensor:
        if heard.together < 2:
            raise InputError("diversity compares several pictures of one unit: give repeats=4")
        flat = heard.map(site).flatten(2)
        grams = torch.nn.functional.normalize((flat @ flat.transpose(1, 2)).flatten(1), eps=1e-5)
        group = grams.view(-1, heard.together, grams.shape[1])
        alike: Tensor = group @ group.transpose(1, 2)
        return (alike.sum(2) - alike.diagonal(dim1=1, dim2=2)).flatten()

    return Objective((f"diversity {site}",), score, (site,))


def alignment(site: Site | str, *, decay: float = 2.0) -> Objective:
    """Keeps neighbouring targets alike at `site`, so that an interpolation stays in place: lucid's, decay 2."""
    site = _site(site)

    def score(heard: Heard) -> Tensor:
        maps = heard.map(site)
        made = maps.new_zeros(len(maps))
        for gap in range(heard.together, min(5 * heard.together, len(maps)), heard.together):
            apart = (maps[gap:] - maps[:-gap]).square().mean((1, 2, 3)) / decay ** (gap // heard.together)
            made = made - torch.nn.functional.pad(apart, (0, gap))
        return made

    return Objective((f"alignment {site}",), score, (site,), whole=True)


def _site(site: Site | str) -> Site:
    return Site.parse(site) if isinstance(site, str) else site


def _own(heard: Heard, count: int) -> Tensor:
    """The targets by an objective's own numbers: one that has a single target has it for all of a sum's."""
    return heard.targets if count > 1 else torch.zeros_like(heard.targets)


def _units(units: Unit | str | Iterable[Unit | str]) -> tuple[Unit, ...]:
    several = (units,) if isinstance(units, (Unit, str)) else tuple(units)
    made = tuple(Unit.parse(u) if isinstance(u, str) else u for u in several)
    if not made:
        raise InputError("no unit was given; write site/index, as in features.4/17")
    return made


def _of_units(
    units: Unit | str | Iterable[Unit | str], what: str, score: Callable[[Tensor, Tensor], Tensor], more: str = ""
) -> Objective:
    """One target a unit; units may lie at several sites."""
    wanted = _units(units)
    sites = tuple(dict.fromkeys(unit.site for unit in wanted))
    index = torch.tensor([unit.index for unit in wanted])
    at = torch.tensor([sites.index(unit.site) for unit in wanted])

    most = [max(unit.index for unit in wanted if unit.site == site) for site in sites]

    def scored(heard: Heard) -> Tensor:
        targets = _own(heard, len(wanted))
        made: Tensor | None = None
        for number, site in enumerate(sites):
            maps = heard.map(site)
            if most[number] >= maps.shape[1]:
                raise InputError(f"no unit {site}/{most[number]}; it has {maps.shape[1]} units, counted from 0")
            if len(sites) == 1:
                return score(maps, index[targets].to(maps.device))
            here = at[targets] == number
            values = score(maps, index[targets].where(here, 0 * targets).to(maps.device))
            made = values if made is None else torch.where(here.to(maps.device), values, made)
        assert made is not None
        return made

    return Objective(tuple(f"{what} {unit}{more}" for unit in wanted), scored, sites)


def _of_classes(
    classes: int | Sequence[int], names: Sequence[str], what: str, head: Callable[[Tensor], Tensor]
) -> Objective:
    wanted = (classes,) if isinstance(classes, int) else tuple(classes)
    index = torch.tensor(wanted)

    def score(heard: Heard) -> Tensor:
        scores = head(heard.scores())
        if not 0 <= min(wanted) <= max(wanted) < scores.shape[1]:
            raise InputError(f"no class {max(wanted)}; there are {scores.shape[1]}, counted from 0")
        return scores.gather(1, index[_own(heard, len(wanted))].to(scores.device)[:, None])[:, 0]

    said = [names[k] if 0 <= k < len(names) else str(k) for k in wanted]
    return Objective(tuple(f"{what} {name}" for name in said), score, logits=True)
