"""Which component is meant by what somebody typed: `lstm.0.cell:pca/3`, the address that `find --basis` gives it.

A basis is pca, ica, dictionary (with `-32` where it has another number of components), probe, or a file that `probe
--save` wrote: `lstm.0.cell:url.npy`. A component of probe may be called by its feature: `lstm.0.cell:probe/url`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cellscope.axes import Progress, Site, Unit
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError, not_found
from cellscope.evidence.bases import Basis
from cellscope.evidence.components import COMPONENTS
from cellscope.features.library import select
from cellscope.hooks.sites import choose_sites, sites_of
from cellscope.models.network import Network
from cellscope.pipeline.bases import COUNTED, KINDS, SAVED, Choice
from cellscope.pipeline.units import named_unit

DIGITS = 9
"""No number of components has more."""


@dataclass(frozen=True)
class Component:
    """The component `which` of a basis of some sites; a number, or of the probe a feature's name."""

    over: tuple[Site, ...]
    choice: Choice
    which: str

    @property
    def feature(self) -> str | None:
        """The feature whose direction it is, where it is called by that."""
        return None if self.which.isdecimal() else self.which

    def of(self, bases: Sequence[Basis]) -> tuple[Basis, Unit]:
        """The basis among those that were learnt, and the component in it; MissingError where there is none such."""
        basis = next(b for b in bases if b.over == self.over)
        if self.feature is not None and self.feature not in basis.names:
            raise not_found(f"direction in {basis.site}", self.feature, basis.names)
        number = int(self.which) if self.feature is None else basis.names.index(self.feature)
        if number >= len(basis):
            raise MissingError(f"no component {number} in {basis.site}; it has 0 to {len(basis) - 1}")
        return basis, Unit(basis.site, number)

    def named_in(self, features: Sequence[Any]) -> Sequence[Any]:
        """The feature whose direction it is, that of these before the library's; MissingError where it is nobody's."""
        own = [f for f in features if f.name == self.feature]
        return own if own or self.feature is None else select([self.feature])

    def check(self, network: Network, features: Sequence[Any] = ()) -> None:
        """InputError or MissingError where the file or the feature is none: said before anything is heard."""
        self.named_in(features)
        if self.choice.saved:
            known = sites_of(network.module)
            self.of([self.choice.read({site: known[site] for site in self.over})])

    def beside(self, network: Network) -> tuple[Site, ...]:
        """The sites whose components are learnt with it, so that it is the one that a search finds: those that the
        direction of a probe or a file lies over, else those that are searched by default.
        """
        if self.choice.kind == "probe" or self.choice.saved:
            return self.over
        # Of a dictionary there may be more components than units.
        least = 1 if self.choice.kind == "dictionary" else self.choice.components or 1
        known = sites_of(network.module)
        usual = sites_with(network, self.over[0])
        return tuple(site for site in usual if known[site] >= least or site in self.over)

    def learn(
        self, network: Network, corpus: Corpus, features: Sequence[Any] = (), *, seed: int,
        progress: Progress | None = None,
    ) -> tuple[Basis, ...]:  # fmt: skip
        """The bases that are learnt with its own, on a text as `find --basis` does; of the probe the direction of the
        one feature alone where it is called by that, else those of `features`, by default the library.
        """
        asked = self.named_in(features) or features or select()
        sites = self.beside(network)
        return self.choice.learn(network, corpus, sites, asked, start=0, seed=seed, progress=progress)


Learn = Callable[[Component], tuple[Basis, Unit]]
"""Gives the basis in which a component lies, and the component in it."""


def learnt_from(
    network: Network, text: Callable[[Component], Corpus], features: Sequence[Any] = (), *, seed: int,
    progress: Progress | None = None,
) -> Learn:  # fmt: skip
    """Gives the bases of components as `find --basis` learns them on a text, which is asked for if need be; `features`
    are those of the probe, by default the library.
    """
    known: dict[Any, tuple[Basis, ...]] = {}

    def learn(asked: Component) -> tuple[Basis, Unit]:
        key = asked.beside(network), asked.choice, asked.feature
        if key not in known:
            known[key] = asked.learn(network, text(asked), features, seed=seed, progress=progress)
        return asked.of(known[key])

    return learn


def named(network: Network, address: str) -> Unit | Component:
    """The unit or the component of an address; MissingError says what there is."""
    return component_of(network, address) or named_unit(network, address)


def component_of(network: Network, address: str) -> Component | None:
    """The component of an address, None where it is not of that form; errors say what there is."""
    path, colon, rest = address.strip().partition(":")
    found = re.fullmatch(rf"({'|'.join(KINDS)})(?:-(\d+))?(?:/(.*))?", rest, re.DOTALL)
    file = re.fullmatch(rf"(.+(?:{'|'.join(map(re.escape, SAVED))}))(?:/(\d+))?", rest, re.DOTALL | re.IGNORECASE)
    if not colon or not (found or file):
        return None
    over = _over(network, path)
    numbers = (file[2],) if file else (found[2], found[3]) if found else ()
    if any(number and number.isdecimal() and len(number) > DIGITS for number in numbers):
        raise MissingError(f"no basis of {path} has so many components")
    if file is not None:  # it may lie in a folder that is called like a kind
        return Component(over, Choice(file[1]), file[2] or "0")
    assert found is not None
    kind, count, which = found[1], found[2], found[3] or ""
    if not which or (kind != "probe" and not which.isdecimal()):
        raise InputError(f"which component of {path}:{rest.partition('/')[0]}? give its number, as in {path}:{kind}/0")
    if kind == "probe":
        return Component(over, Choice(kind, int(count) if count else None), which)
    if len(over) > 1:
        each = ", ".join(str(site).replace(":", ".") for site in over)
        raise MissingError(f"each stream has a {kind} of its own: write {each} in place of all")
    known = sites_of(network.module)
    size = known[over[0]]
    usual = min(COMPONENTS, *(known[site] for site in sites_with(network, over[0])))
    most = int(count) if count else usual if kind in COUNTED else size
    if not most:
        raise InputError(f"a basis of no components has none; write {kind}-1, or more")
    if int(which) >= most:
        raise MissingError(f"no component {int(which)} in {path}:{kind}; it has 0 to {most - 1}")
    # Principal components are the same however many are asked for.
    more = int(which) + 1 if kind not in COUNTED and int(which) >= usual else None
    return Component(over, Choice(kind, int(count) if count and kind in COUNTED else more), which)


def sites_with(network: Network, site: Site) -> tuple[Site, ...]:
    """The sites that are searched by default, and this one where it is none of them."""
    usual = choose_sites(network.module)
    return usual if site in usual else (*usual, site)


def _over(network: Network, path: str) -> tuple[Site, ...]:
    """The streams that `lstm.0.cell` (or lstm.0.c), or `all`, means."""
    if path == "all":
        return choose_sites(network.module)
    layer, _, stream = path.rpartition(".")
    known = sites_of(network.module)
    site = Site.parse(f"{layer}:{stream}") if layer and stream else Site(path)
    if site not in known:
        raise not_found("stream", path, ["all", *(str(site).replace(":", ".") for site in known)])
    return (site,)
