"""Which other basis a search looks at, and how it is learnt: for the trained network, and for the untrained one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cellscope.axes import Progress, Site
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.bases import Basis
from cellscope.evidence.components import COMPONENTS, learn_bases
from cellscope.evidence.probing import judged, measure
from cellscope.models.network import Network
from cellscope.observe import NetworkSource

KINDS = ("pca", "ica", "dictionary", "probe")
"""`probe` has a direction for each feature: the reading of all units that was fitted to it on the even blocks."""


@dataclass(frozen=True)
class Choice:
    """A kind of basis and how many components of each site it has (None: COMPONENTS, or as many as there are units)."""

    kind: str
    components: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"no basis {self.kind!r}; there is {', '.join(KINDS)}")
        if self.kind == "probe" and self.components is not None:
            raise InputError("the basis probe has a direction for each feature: leave the number of components out")

    def learn(
        self, network: Network, corpus: Corpus, sites: tuple[Site, ...], features: Sequence[Any], *, start: int,
        seed: int, exact: bool = False, progress: Progress | None = None,
    ) -> tuple[Basis, ...]:  # fmt: skip
        """The bases of a network's sites, learnt on corpus[start:], in the rounds in which it will be searched."""
        with NetworkSource(network, corpus, sites, exact=exact) as source:
            if self.kind == "probe":
                # A search reads every unit on time, and says itself how late it is.
                measured = measure(source, corpus, features, start=start, seed=seed, late=0, progress=progress)
                return (judged(measured, draws=1).directions(),)
            most = self.components or min(COMPONENTS, *source.sizes.values())
            return learn_bases(source, self.kind, components=most, start=start, seed=seed, progress=progress)


def choice_of(basis: str | None, components: int | None) -> Choice | None:
    """What a user asked for; None where units are searched as they are."""
    if basis is None and components is not None:
        raise InputError("components says how many a basis has; give --basis (basis=) pca, ica or dictionary, too")
    return None if basis is None else Choice(basis, components)
