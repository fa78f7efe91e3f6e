"""Logistic regression whose penalty is chosen on rows held aside: the readable model and the probes are made of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.errors import InputError

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
"""scikit-learn's C, for rows whose squared length is about 1; a smaller one is a stronger penalty."""


@dataclass(frozen=True, eq=False)
class Linear:
    """scores [row, class] = features @ weights.T + bias.

    known      int64 [class], the classes that were there to learn from, ascending
    weights    float64 [class, column], in units of the features as they were given
    strength   the C that was chosen
    converged  whether the fit came to its end within its iterations
    """

    known: Numbers
    weights: Floats
    bias: Floats
    strength: float
    converged: bool

    def tell(self, features: NDArray[Any]) -> Numbers:
        """The class of every row, int64 [row]."""
        told: Numbers = self.known[(features @ self.weights.T + self.bias).argmax(1)]
        return told


def fit(features: NDArray[Any], labels: Numbers, *, each: bool = True, seed: int = 0, iterations: int = 300) -> Linear:
    """Multinomial logistic regression with an L2 penalty (scikit-learn).

    Columns are centred and divided by their own spread, or (`each` false) by one for all. The penalty is that of
    `STRENGTHS` which does best on a fifth of the rows, held aside; all rows are then fitted with it.
    """
    if len(np.unique(labels)) < 2:
        raise InputError("a linear model needs two classes at least among the pictures that it learns from")
    middle = features.mean(0, dtype=np.float64)
    spread = features.std(0, dtype=np.float64)
    live = spread > 1e-6 * max(float(spread.max()), 1e-30)
    if not live.any():
        raise InputError("a linear model needs something that differs among the pictures that it learns from")
    if not each:
        spread = np.full_like(spread, np.sqrt((spread**2).sum() / max(1, live.sum())))
    scale = np.divide(1 / np.sqrt(max(1, live.sum())), spread, out=np.zeros_like(spread), where=live)
    x, back = _short((features - middle) * scale)
    aside = np.random.default_rng(seed).permutation(len(x)) < len(x) // 5
    strength = STRENGTHS[1]
    if aside.any() and len(np.unique(labels[~aside])) > 1:
        tried = [_regression(x[~aside], labels[~aside], c, iterations) for c in STRENGTHS]
        right = [float((model.predict(x[aside]) == labels[aside]).mean()) for model in tried]
        strength = STRENGTHS[int(np.argmax(right))]
    model = _regression(x, labels, strength, iterations)
    weights, bias = model.coef_ @ back, np.asarray(model.intercept_, np.float64)
    if len(weights) == 1:  # two classes: half the log odds for the one, half against the other
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    weights = weights * scale
    converged = bool((np.asarray(model.n_iter_) < iterations).all())
    return Linear(np.asarray(model.classes_, np.int64), weights, bias - weights @ middle, strength, converged)


def _short(x: Floats) -> tuple[Floats, Floats]:
    """The same rows in as few columns as they span, and what brings weights back [short column, column].

    With an L2 penalty the answer is the same: its weights are sums of rows (the representer theorem).
    """
    if x.shape[1] <= len(x):
        return x, np.eye(x.shape[1])
    values, vectors = np.linalg.eigh(x @ x.T)
    kept = values > values.max() * 1e-10
    lengths = np.sqrt(values[kept])
    back: Floats = (vectors[:, kept] / lengths).T @ x
    return vectors[:, kept] * lengths, back


def _regression(x: Floats, labels: Numbers, strength: float, iterations: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is said in `converged`
        return LogisticRegression(C=strength, max_iter=iterations).fit(x, labels)


def share(right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The share of True, and its 95 % interval (Wilson 1927)."""
    n, p, z = len(right), float(right.mean()), 1.959964
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    return p, max(0.0, min(p, middle - reach)), min(1.0, max(p, middle + reach))
