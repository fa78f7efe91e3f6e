"""Bases that are learnt without labels: principal and independent components, and a sparse dictionary.

All are learnt on standardised units, clipped to a sample's extremes as the covariance is, and given back as directions
in units of the activations.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress, Site
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis, site_of
from cellscope.observe import Source, rounds
from cellscope.sinks.covariance import Covariance

COMPONENTS = 64
READ = 2**19
"""Characters at the end of the text from which a basis is learnt, at most."""
ROWS = 2**14
"""Of these so many rows are kept for what needs rows, spread evenly; neighbours say nearly the same."""
FEW = 2**13
"""Rows that a dictionary is learnt from."""
PENALTY = 2.0
"""What the dictionary pays for a code of 1, for units of variance 1."""
ON = 0.1
"""The share of the rows at which a component of the dictionary is on."""

RANK = 1e-5
"""A direction in which units vary by less than this share of the largest variance is none."""

ABOUT = {
    "pca": "principal components of standardised units, those of most variance first",
    "ica": "independent components of standardised units (FastICA)",
    "dictionary": f"codes of a sparse dictionary of standardised units, each on at {ON:.0%} of what it was learnt from",
}

Floats = NDArray[np.float64]


def learn_bases(
    source: Source, kind: str, *, components: int = COMPONENTS, start: int = 0, seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Basis, ...]:  # fmt: skip
    """A basis of `components` components for every site of a source, learnt from the end of its text from `start` on:
    `pca`, `ica` or `dictionary`. The same seed gives the same one.
    """
    for site, size in source.sizes.items():
        check(kind, site, components, size)
    covariances, rows = _heard(source, start, kind != "pca", progress)
    return tuple(
        basis_of(kind, covariance, rows.get(site), site=site, components=components, seed=seed)
        for site, covariance in covariances.items()
    )


def check(kind: str, site: Site, components: int, units: int) -> None:
    """InputError for a kind that is none, or for more components than the units of a site can have."""
    if kind not in MAKERS:
        raise InputError(f"no basis {kind!r}; there is {', '.join(MAKERS)}")
    if not 1 <= components <= (units if kind != "dictionary" else 16 * units):
        raise InputError(f"{components} components of {units} units of {site}; give fewer")


def basis_of(
    kind: str, covariance: Covariance, rows: NDArray[np.float32] | None, *, site: Site, components: int, seed: int
) -> Basis:
    """The basis of one site, from the covariance of its units and, for all but `pca`, standardised rows [row, unit]."""
    if covariance.lost is not None:
        raise InputError(f"{site}/{covariance.lost} gives values that are not finite; is the network damaged?")
    return MAKERS[kind](site, covariance, rows, components, seed)


def _heard(
    source: Source, start: int, keep: bool, progress: Progress | None
) -> tuple[dict[Site, Covariance], dict[Site, NDArray[np.float32]]]:
    """The covariance of every site, and where `keep` standardised rows [row, unit] of it."""
    length = len(source)
    start = max(start, length - READ)
    stride = max(1, (length - start) // (ROWS if keep else 2**16))
    found: dict[Site, Covariance] = {}
    kept: dict[Site, list[NDArray[np.float32]]] = {site: [] for site in source.sizes}
    done = 0
    parts = rounds(length, start=start, size=source.round_length)
    for part in parts:
        sample, chunks = source.play(part)
        for site, values in sample.items():
            found.setdefault(site, Covariance(values, np.empty(0, np.int64), parts[0].blocks, stride=stride))
        for chunk in chunks:
            none = np.empty((0, -(-chunk.steps // stride), len(chunk.positions)), np.float32)
            for site, values in chunk.values.items():
                one = type(chunk)(chunk.positions, chunk.blocks, {site: values}, chunk.step, chunk.of)
                found[site].add(one, none, none)
                if keep:
                    kept[site].append(found[site].standardised(values[::stride].reshape(-1, values.shape[2])))
            done += chunk.steps * len(chunk.positions)
            if progress:
                progress(done, length - start, "basis")
    return found, {site: np.concatenate(rows) for site, rows in kept.items() if rows}


def _principal(covariance: Covariance) -> tuple[Floats, int]:
    """The directions of most variance [unit, direction], largest first, of unit length; and in how many of them the
    units vary: dead units, and units that are a sum of others, leave fewer than there are units.
    """
    moments = covariance.moments(np.arange(len(covariance.gram)))
    values, vectors = torch.linalg.eigh(torch.from_numpy(moments.covariance))
    return vectors.flip(1).numpy(), max(1, int((values > RANK * values[-1]).sum()))


def _pca(site: Site, covariance: Covariance, _: Any, components: int, seed: int) -> Basis:
    """Principal components, largest first; the largest weight of each is positive."""
    return _basis(site, "pca", covariance, _principal(covariance)[0][:, :components], about=ABOUT["pca"])


def _ica(site: Site, covariance: Covariance, rows: Any, components: int, seed: int) -> Basis:
    """FastICA (Hyvärinen 1999; scikit-learn): directions in which activations are least Gaussian, among those in which
    they vary, which may be fewer than were asked for.
    """
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        principal, many = _principal(covariance)
        varying = principal[:, : min(many, len(rows) - 1)]
        few = min(components, varying.shape[1])
        model = FastICA(few, whiten="unit-variance", random_state=seed, max_iter=200, tol=1e-3)
        model.fit(rows @ varying)
    late = "; it was stopped before it came to its end" if model.n_iter_ >= 200 else ""
    return _basis(site, "ica", covariance, varying @ model.components_.T, about=ABOUT["ica"] + late)


def _dictionary(site: Site, covariance: Covariance, rows: Any, components: int, seed: int) -> Basis:
    """A sparse dictionary (Mairal et al. 2009; scikit-learn) with codes that are not negative.

    A component is what of the activation's product with its atom lies above a threshold that a tenth of the rows pass:
    a code without a search, the same wherever the character stands (Coates and Ng 2011).
    """
    from sklearn.decomposition import MiniBatchDictionaryLearning

    model = MiniBatchDictionaryLearning(
        components, alpha=PENALTY, batch_size=256, max_iter=2, random_state=seed, fit_algorithm="cd",
        positive_code=True, transform_algorithm="threshold", n_jobs=1,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        some = rows[:: max(1, len(rows) // FEW)]
        model.fit(some - some.mean(0))
    atoms = model.components_.T
    threshold = np.quantile(rows @ atoms, 1 - ON, axis=0)
    return _basis(site, "dictionary", covariance, atoms, offset=-threshold, rectified=True, about=ABOUT["dictionary"])


def _basis(
    site: Site, name: str, covariance: Covariance, vectors: Floats, *, offset: Any = 0.0, rectified: bool = False,
    about: str = "",
) -> Basis:  # fmt: skip
    """A basis in units of the activations from vectors [unit, component] of standardised ones."""
    if not rectified:  # a component's sign is a matter of chance, but not that of a code
        largest = np.abs(vectors).argmax(0)
        vectors = vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    directions = vectors * covariance.scale[:, None].astype(np.float64)
    shift = offset - covariance.middle.astype(np.float64) @ directions
    return Basis(
        site_of((site,), name), (site,), directions.astype(np.float32), shift.astype(np.float32), rectified, about
    )


MAKERS: dict[str, Callable[..., Basis]] = {"pca": _pca, "ica": _ica, "dictionary": _dictionary}
"""Every kind that is learnt without labels, by name."""
