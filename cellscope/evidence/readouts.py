"""Linear readings of units, fitted to sums over some blocks and scored on sums over others; no activation is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.sinks.covariance import Moments

Floats = NDArray[np.float64]

STRENGTHS = np.logspace(-5, 1, 7)
"""Ridge penalties that are tried, in units of a standardised activation's variance."""


@dataclass(frozen=True, eq=False)
class Readout:
    """label = weights @ units + intercept: weights [task, unit], intercept [task]."""

    weights: Floats
    intercept: Floats

    @classmethod
    def around(cls, moments: Moments, weights: Floats) -> Readout:
        """The reading with these weights whose mean is the label's."""
        n = max(moments.count, 1)
        return cls(weights, (moments.labels[:, 0] - weights @ moments.sums) / n)

    def residual(self, moments: Moments) -> Floats:
        """The sum of squared errors on `moments` [task]."""
        w, b = self.weights, self.intercept
        square = ((torch.from_numpy(w) @ torch.from_numpy(moments.gram)) * torch.from_numpy(w)).sum(1).numpy()
        y, yy = moments.labels.T
        cross = (w * moments.cross).sum(1)
        made: Floats = yy - 2 * b * y - 2 * cross + moments.count * b * b + 2 * b * (w @ moments.sums) + square
        return np.maximum(made, 0.0)


def taken(moments: Moments, units: NDArray[np.int64], tasks: slice = slice(None)) -> Moments:
    """The sums of some units, and of some tasks."""
    gram = moments.gram[units[:, None], units]
    return Moments(moments.count, moments.sums[units], gram, moments.cross[tasks][:, units], moments.labels[tasks])


def without(moments: Moments, part: Moments) -> Moments:
    """The sums of what is left when a part is taken out."""
    names = ("count", "sums", "gram", "cross", "labels")
    return Moments(*(getattr(moments, name) - getattr(part, name) for name in names))


def ridge(moments: Moments, strengths: Floats) -> Floats:
    """Weights [strength, task, unit] of ridge regressions; `strengths` is [strength] or [strength, task]."""
    values, vectors = torch.linalg.eigh(torch.from_numpy(moments.covariance))
    turned = torch.from_numpy(moments.with_labels) @ vectors
    penalty = torch.from_numpy(np.atleast_2d(strengths.T).T.reshape(len(strengths), -1, 1))
    made: Floats = ((turned / (values.clamp(min=0) + penalty)) @ vectors.T).numpy()
    return made


def chosen_strengths(whole: Moments, folds: Sequence[Moments]) -> Floats:
    """For each task the strength that does best on folds left out in turn [task]; `whole` is their sum."""
    lost = np.zeros((len(STRENGTHS), len(whole.labels)))
    for fold in folds:
        rest = without(whole, fold)
        for at, weights in enumerate(ridge(rest, STRENGTHS)):
            lost[at] += Readout.around(rest, weights).residual(fold)
    best: Floats = STRENGTHS[lost.argmin(0)]
    return best


def fitted(whole: Moments, strengths: Floats) -> Readout:
    """Ridge regressions, each with its own strength [task]."""
    return Readout.around(whole, ridge(whole, strengths[None])[0])


def tuned(whole: Moments, folds: Sequence[Moments]) -> Readout:
    """Ridge regressions whose strengths do best on folds left out in turn."""
    return fitted(whole, chosen_strengths(whole, folds))
