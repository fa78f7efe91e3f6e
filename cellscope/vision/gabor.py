"""How Gabor-like a filter is: the best-fitting Gabor function, and what as many filters of noise reach by chance.

A Gabor function is a plane wave under a Gaussian (Gabor 1946; Daugman 1985; for simple cells of the visual cortex,
Jones & Palmer 1987; for first layers of networks, Krizhevsky et al. 2012, figure 3). It has eight free numbers, so on a
filter of 5 x 5 pixels even noise is fitted well: a share of variance says little without the share that noise reaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.errors import InputError

Floats = NDArray[np.float64]
NOISE = 39
"""Filters of noise that are fitted beside: the least p is then 1/40."""
STARTS = 3
STEPS = 40
BATCH = 128
NUMBERS = ("orientation", "frequency", "phase", "length", "width", "row", "column")


@dataclass(frozen=True, eq=False)
class GaborFits:
    """One Gabor function a filter, [unit] each; a filter that is the same everywhere has 0 everywhere.

    r2           share of the filter's variance over all pixels and channels that the fit accounts for; a filter of
                 several channels is fitted by one Gabor function times one colour
    orientation  degrees in 0..180 of the stripes: 0 lie along rows, 90 along columns, counted anticlockwise
    frequency    cycles per pixel across the stripes
    phase        degrees; 0 is symmetric (a bar), 90 antisymmetric (an edge); -colour and +180 are the same filter
    length, width  standard deviations of the Gaussian in pixels, along and across the stripes
    row, column  its centre, in pixels from the filter's first
    p            share of noise filters (and this one) with as high an r2
    noise        r2 of filters of noise of the same shape, [noise filter], drawn from `seed`
    fitted       [unit, row, column], in the filters' units; `colours` [unit, channel] has length 1
    """

    r2: Floats
    orientation: Floats
    frequency: Floats
    phase: Floats
    length: Floats
    width: Floats
    row: Floats
    column: Floats
    p: Floats
    noise: Floats
    fitted: Floats
    colours: Floats
    seed: int


def fit_gabors(filters: NDArray[np.floating], *, seed: int = 0, progress: Progress | None = None) -> GaborFits:
    """Fit every filter [unit, channel, row, column]; InputError where it has fewer than 3 x 3 pixels."""
    weights = np.asarray(filters, np.float64)
    if weights.ndim != 4 or min(weights.shape[2:]) < 3:
        raise InputError(f"a Gabor function is fitted to filters of 3 x 3 pixels or more, not to {weights.shape}")
    noise = np.random.default_rng(seed).standard_normal((NOISE, *weights.shape[1:]))
    both = np.concatenate([weights, noise])
    planes, colours, total = _planes(both)
    found, fitted = np.zeros((len(both), len(NUMBERS))), np.zeros(planes.shape)
    varying = np.flatnonzero(total > 1e-18 * (both**2).sum((1, 2, 3)))
    for at in range(0, len(varying), BATCH):
        part = varying[at : at + BATCH]
        found[part], fitted[part] = _fit(planes[part])
        if progress is not None:
            progress(at + len(part), len(varying), "Gabor fits")
    centred = planes - planes.mean((1, 2), keepdims=True)
    own = fitted - fitted.mean((1, 2), keepdims=True)
    left = (centred**2).sum((1, 2)) - ((centred - own) ** 2).sum((1, 2))
    r2 = np.clip(left / np.where(total > 0, total, 1), 0, 1)
    units = slice(len(weights))
    chance = r2[len(weights) :]
    p = (1 + (chance[None] >= r2[units, None]).sum(1)) / (1 + NOISE)
    numbers = dict(zip(NUMBERS, found[units].T, strict=True))
    return GaborFits(r2[units], p=p, noise=chance, fitted=fitted[units], colours=colours[units], seed=seed, **numbers)


def _planes(weights: Floats) -> tuple[Floats, Floats, Floats]:
    """The plane and the colour whose product is nearest to each filter less its channels' means, and its variance."""
    count, channels, rows, columns = weights.shape
    flat = weights.reshape(count, channels, -1)
    means = flat.mean(2, keepdims=True)
    left, size, right = np.linalg.svd(flat - means, full_matrices=False)
    colours = left[:, :, 0]
    sign = np.where(colours[np.arange(count), np.abs(colours).argmax(1)] < 0, -1.0, 1.0)
    planes = (right[:, 0] * (size[:, 0] * sign)[:, None]).reshape(count, rows, columns)
    return planes, colours * sign[:, None], (size**2).sum(1)


def gabor(shape: tuple[int, int], row: float, column: float, orientation: float, frequency: float, length: float,
          width: float) -> tuple[Floats, Floats]:  # fmt: skip
    """Symmetric and antisymmetric Gabor function [row, column] of height 1; parameters as in `GaborFits`."""
    both = _waves(shape, np.array([[row, column, orientation, frequency, length, width]], float))[0]
    return both[0].reshape(shape), both[1].reshape(shape)


def _waves(shape: tuple[int, int], points: Floats) -> Floats:
    """The two Gabor functions of every point [point, 6], as [point, 2, pixel]."""
    row, column, orientation, frequency, length, width = points.T[:, :, None]
    rows, columns = (axis.ravel() for axis in np.indices(shape))
    angle = np.deg2rad(orientation)
    along = (columns - column) * np.cos(angle) - (rows - row) * np.sin(angle)
    across = (columns - column) * np.sin(angle) + (rows - row) * np.cos(angle)
    hull = np.exp(-0.5 * ((along / length) ** 2 + (across / width) ** 2))
    wave = 2 * np.pi * frequency * across
    return np.stack([hull * np.cos(wave), hull * np.sin(wave)], 1)


def _solved(shape: tuple[int, int], points: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Of every point the best two heights [point, 2] for its target [point, pixel], and what they make of it.

    Where one of the functions is nearly the other, or nothing, it gets little.
    """
    bases = _waves(shape, points)
    bases = bases - bases.mean(2, keepdims=True)
    squares = bases @ bases.transpose(0, 2, 1)
    squares[:, [0, 1], [0, 1]] += 1e-10 * (1e-30 + np.trace(squares, axis1=1, axis2=2))[:, None]
    heights = np.linalg.solve(squares, bases @ targets[:, :, None])
    return heights[:, :, 0], (heights * bases).sum(1)


def _fit(planes: Floats) -> tuple[Floats, Floats]:
    """`NUMBERS` of the best fit to every plane [plane, row, column], and the fitted planes.

    From the best points of a coarse grid, the Levenberg-Marquardt steps of all planes are taken side by side. Heights
    and mean are solved for at every step (variable projection), so that six numbers are searched for.
    """
    shape = (planes.shape[1], planes.shape[2])
    targets = planes.reshape(len(planes), -1)
    targets = targets - targets.mean(1, keepdims=True)
    size = np.sqrt((targets**2).sum(1, keepdims=True))
    unit = targets / size
    grid, bases = _coarse(shape)
    energy = (np.einsum("gbp,np->ngb", bases, unit, optimize=True) ** 2).sum(2)
    starts = grid[np.stack([_apart(grid, own) for own in energy])]  # [plane, start, 6]
    side = max(shape)
    low = np.array([-1.0, -1.0, -np.inf, 0.5 / side, 0.4, 0.4])
    high = np.array([shape[0], shape[1], np.inf, 0.5, side, side], float)
    points, costs = _descend(shape, starts.reshape(-1, 6), np.repeat(unit, STARTS, 0), low, high)
    best = costs.reshape(-1, STARTS).argmin(1) + STARTS * np.arange(len(planes))
    points = points[best]
    heights, fitted = _solved(shape, points, targets)
    row, column, orientation, frequency, length, width = points.T
    phase = np.rad2deg(np.arctan2(-heights[:, 1], heights[:, 0]))
    numbers = np.stack([orientation % 180, frequency, phase, length, width, row, column], 1)
    turned = np.floor(orientation / 180) % 2 == 1  # half a turn is the same hull and wave, the other way along
    numbers[turned, 2] *= -1
    return numbers, fitted.reshape(planes.shape)


def _descend(
    shape: tuple[int, int], points: Floats, targets: Floats, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Points [point, 6] moved downhill within bounds, each with a damping of its own; the points and their costs."""
    scale = np.array([1, 1, 30, 0.1, 1, 1], float)
    points = np.clip(points, low, high)
    rest = targets - _solved(shape, points, targets)[1]
    cost, damping = (rest**2).sum(1), np.full(len(points), 1e-2)
    for _ in range(STEPS):
        moved = [_solved(shape, points + 1e-5 * scale * axis, targets)[1] for axis in np.eye(6)]
        slopes = (np.stack(moved, 2) - (targets - rest)[:, :, None]) / 1e-5  # [point, pixel, 6]
        square = slopes.transpose(0, 2, 1) @ slopes
        spread = np.trace(square, axis1=1, axis2=2) / 6 + 1e-12
        square += (damping * spread)[:, None, None] * np.eye(6)
        step = np.linalg.solve(square, slopes.transpose(0, 2, 1) @ rest[:, :, None])[:, :, 0]
        tried = np.clip(points + step * scale, low, high)
        left = targets - _solved(shape, tried, targets)[1]
        new = (left**2).sum(1)
        better = new < cost
        points, rest = np.where(better[:, None], tried, points), np.where(better[:, None], left, rest)
        cost = np.where(better, new, cost)
        damping = np.clip(np.where(better, damping / 4, damping * 4), 1e-8, 1e6)
    return points, cost


def _apart(grid: Floats, energy: Floats) -> list[int]:
    """The best point of the grid, and the best ones of other orientations and frequencies."""
    chosen: list[int] = []
    for k in np.argsort(-energy).tolist():
        if all(tuple(grid[k, 2:4]) != tuple(grid[j, 2:4]) for j in chosen):
            chosen.append(k)
        if len(chosen) == STARTS:
            break
    return chosen


@lru_cache(maxsize=8)
def _coarse(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """A grid of points [point, 6] and, of each, an orthonormal basis of its functions [point, 2, pixel]."""
    side = max(shape)
    middle = [(n - 1) / 2 for n in shape]
    shifts = (-side / 5, 0.0, side / 5)
    points = np.array([
        (middle[0] + down, middle[1] + right, orientation, frequency, length, width)
        for down in shifts
        for right in shifts
        for orientation in np.arange(0, 180, 15.0)
        for frequency in np.geomspace(0.6 / side, 0.45, 6)
        for length in (side / 6, side / 3)
        for width in (side / 8, side / 4)
    ])  # fmt: skip
    pairs = _waves(shape, points).transpose(0, 2, 1)
    orthonormal, _ = np.linalg.qr(pairs - pairs.mean(1, keepdims=True))
    return points, np.ascontiguousarray(orthonormal.transpose(0, 2, 1))
