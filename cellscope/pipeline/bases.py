"""Which other basis a search looks at, and how it is learnt: for the trained network, and for the untrained one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.axes import Progress, Site
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis, site_of
from cellscope.evidence.components import COMPONENTS, learn_bases
from cellscope.evidence.probing import judged, measure
from cellscope.models.network import Network
from cellscope.observe import NetworkSource
from cellscope.pipeline.objectives import read_vectors
from cellscope.pipeline.saved import caveats_of

KINDS = ("pca", "ica", "dictionary", "probe")
"""`probe` has a direction for each feature: the reading of all units that was fitted to it on the even blocks."""
COUNTED = ("ica", "dictionary")
"""Kinds in which every component hangs on how many there are, so that their number is part of the name."""
SAVED = (".npy", ".csv", ".tsv", ".txt")
"""How the names of files end that hold directions [direction, unit], as probe --save writes one."""


@dataclass(frozen=True)
class Choice:
    """A kind of basis and how many components of each site it has (None: COMPONENTS, or as many as there are units); or
    a file of directions, which are taken as they are.
    """

    kind: str
    components: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS and not self.saved:
            raise InputError(f"no basis {self.kind!r}; there is {', '.join(KINDS)}")
        if self.kind == "probe" and self.components is not None:
            raise InputError("the basis probe has a direction for each feature: leave the number of components out")

    @property
    def saved(self) -> bool:
        """Whether the directions lie in a file."""
        return self.kind not in KINDS and self.kind.lower().endswith(SAVED)

    @property
    def name(self) -> str:
        """What addresses call it: `pca`, `ica`, `ica-32` where their number was chosen, `url.npy`."""
        if self.saved:
            return Path(self.kind).name
        counted = self.components is not None and self.kind in COUNTED
        return f"{self.kind}-{self.components}" if counted else self.kind

    @property
    def key(self) -> list[Any]:
        """What tells it from other choices, so that what was found with it can be kept."""
        if self.saved:
            return [hashlib.sha256(read_vectors(Path(self.kind)).tobytes()).hexdigest()]
        return [self.kind, self.components]

    def learn(
        self, network: Network, corpus: Corpus, sites: tuple[Site, ...], features: Sequence[Any], *, start: int,
        seed: int, exact: bool = False, progress: Progress | None = None,
    ) -> tuple[Basis, ...]:  # fmt: skip
        """The bases of a network's sites, learnt on corpus[start:], in the rounds in which it will be searched."""
        with NetworkSource(network, corpus, sites, exact=exact) as source:
            if self.saved:
                return (replace(self.read(source.sizes), caveats=caveats_of(Path(self.kind), corpus, start)),)
            if self.kind == "probe":
                # A search reads every unit on time, and says itself how late it is.
                measured = measure(source, corpus, features, start=start, seed=seed, late=0, progress=progress)
                return (judged(measured, draws=1).directions(),)
            most = self.components or min(COMPONENTS, *source.sizes.values())
            made = learn_bases(source, self.kind, components=most, start=start, seed=seed, progress=progress)
            return tuple(replace(basis, site=Site(basis.site.path, self.name)) for basis in made)

    def read(self, sizes: dict[Site, int]) -> Basis:
        """The directions of the file; InputError where they are not of the units of these sites."""
        vectors, units = read_vectors(Path(self.kind)), sum(sizes.values())
        if vectors.shape[1] != units or not (np.isfinite(vectors).all() and vectors.any(1).all()):
            raise InputError(
                f"{self.kind} must hold directions of {units} numbers for {', '.join(map(str, sizes))}, none of them 0 "
                f"all over; it holds {' x '.join(map(str, vectors.shape))}"
            )
        site, none = site_of(tuple(sizes), self.name), np.zeros(len(vectors), np.float32)
        return Basis(site, tuple(sizes), np.ascontiguousarray(vectors.T), none, about=f"directions from {self.name}")


def choice_of(basis: str | Choice | None, components: int | None) -> Choice | None:
    """What a user asked for; None where units are searched as they are."""
    if isinstance(basis, Choice):
        return basis
    if basis is None and components is not None:
        raise InputError("components says how many a basis has; give --basis (basis=) pca, ica or dictionary, too")
    return None if basis is None else Choice(basis, components)
