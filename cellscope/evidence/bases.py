"""Directions and components as units: other bases for what a site does, each with units that can be heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.chunks import Chunk, Round, Values
from cellscope.errors import InputError
from cellscope.observe import NetworkSource, Source

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Basis:
    """Component j of an activation a is a @ directions[:, j] + offset[j], or 0 where that is below it and `rectified`.

    site        where the components are heard, as `lstm.0.cell:pca`; `over` are the sites whose units they are made of
    directions  float32 [unit, component], in units of the activations; units of several sites one after the other
    about       what the components are, in words; `names` what they are called beside their number, if anything
    caveats     sentences that say what weakens findings on them
    """

    site: Site
    over: tuple[Site, ...]
    directions: NDArray[np.float32]
    offset: NDArray[np.float32]
    rectified: bool = False
    about: str = ""
    names: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.directions.shape[1])

    @property
    def stream(self) -> Site:
        """The stream in which a component can be held; InputError where it is made of several."""
        return held_in(self.over)

    def called(self, component: int) -> str:
        """Its address: `lstm.0.cell:pca/3`, `lstm.0.cell:probe/url`."""
        return f"{self.site}/{self.names[component] if self.names else component}"

    def held(self, component: int, value: float) -> tuple[Floats, float]:
        """The direction [unit] of a component, and the product of the state with it where the component is `value`."""
        return self.directions[:, component].astype(np.float64), value - float(self.offset[component])

    def of(self, values: Mapping[Site, Any]) -> NDArray[np.float32]:
        """The components [.., component] of what the units did, each [.., unit]; tensors are taken, too."""
        # In torch: numpy's own threads would go on turning and take the cores from what comes next.
        made = torch.from_numpy(self.offset)
        first = 0
        for site in self.over:
            heard = torch.as_tensor(values[site]).float().cpu()
            last = first + heard.shape[-1]
            made = made + heard @ torch.from_numpy(self.directions[first:last])
            first = last
        told: NDArray[np.float32] = (made.clamp_(min=0) if self.rectified else made).numpy()
        return told


class Projected:
    """The components of bases in place of a source's units: whatever runs on a source runs on them unchanged."""

    def __init__(self, source: Source, bases: Sequence[Basis]) -> None:
        self._source, self._bases = source, tuple(bases)
        self.sizes = {basis.site: len(basis) for basis in bases}
        self.round_length = source.round_length
        for basis in bases:
            lost = [str(site) for site in basis.over if site not in source.sizes]
            if lost:
                raise InputError(f"{basis.site} is made of {lost[0]}, which is not heard; heard are "
                                 f"{', '.join(map(str, source.sizes))}")  # fmt: skip

    def __len__(self) -> int:
        return len(self._source)

    def play(self, part: Round) -> tuple[Values, Iterator[Chunk]]:
        """A sample of the components, and the chunks of the round."""
        sample, chunks = self._source.play(part)
        return self._of(sample), (
            Chunk(chunk.positions, chunk.blocks, self._of(chunk.values), chunk.step, chunk.of) for chunk in chunks
        )

    def _of(self, values: Values) -> Values:
        return {basis.site: basis.of(values) for basis in self._bases}


@contextmanager
def hear(
    network: Any, corpus: Any, sites: Sequence[Site], bases: Sequence[Basis] = (), *, exact: bool = False
) -> Iterator[Source]:
    """A source of `sites` of a network that reads a corpus: of its units, or of the components of `bases`."""
    chosen = [basis for basis in bases if basis.site in sites]
    heard = tuple(dict.fromkeys(site for basis in chosen for site in basis.over)) or tuple(sites)
    with NetworkSource(network, corpus, heard, exact=exact) as source:
        yield Projected(source, chosen) if chosen else source


def held_in(sites: Sequence[Site]) -> Site:
    """The stream in which a direction can be held; InputError where there are several."""
    if len(sites) != 1:
        raise InputError(
            f"a direction is held in one stream, and this one lies in {', '.join(map(str, sites))}; "
            "name one, as in --streams c or lstm.0.cell:probe/0"
        )
    return sites[0]


def site_of(over: Sequence[Site], name: str) -> Site:
    """Where the components of a basis of these sites are heard: `lstm.0.cell:pca`, `all:pca` where they are several."""
    if len(over) != 1:
        return Site("all", name)
    return Site(str(over[0]).replace(":", "."), name)
