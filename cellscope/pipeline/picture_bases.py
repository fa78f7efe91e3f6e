"""Components of a network for pictures as layers of it: learnt on the pictures, and there for every command by address.

`features.6.pca/3` is a component of what `features.6` puts out; a direction of the probe may be called by its concept,
`features.6.probe/circle`. The network that has them is a copy.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, not_found
from cellscope.evidence.bases import Basis
from cellscope.evidence.components import COMPONENTS
from cellscope.evidence.picture_components import learn_picture_bases
from cellscope.evidence.picture_probing import measure_pictures
from cellscope.evidence.probing import judged
from cellscope.features.concepts import concepts_of
from cellscope.hooks.component_layers import Components, add_components, place_for
from cellscope.hooks.modules import WHOLE
from cellscope.hooks.outlets import Outlet, choose_outlets, ends_of_blocks, outlets
from cellscope.look import at_once
from cellscope.models.classifier import Classifier
from cellscope.pipeline.bases import KINDS, Choice
from cellscope.pipeline.find import SEED

FEWEST = 8
"""Fewer pictures than this are none to learn components from."""


@dataclass(frozen=True)
class Grown:
    """A network with components as layers of its own.

    plain   the network as it was, and `over` the sites whose components they are
    sites   where the components are heard; `bases` what they are
    """

    plain: Classifier
    network: Classifier
    choice: Choice
    over: tuple[str, ...]
    sites: tuple[str, ...]
    bases: tuple[Basis, ...]
    seed: int

    @cached_property
    def batch(self) -> int:
        """How many pictures were shown together: a search that shows as many chooses on the same ones."""
        return shown_together(self.plain)

    @property
    def outlets(self) -> tuple[Outlet, ...]:
        """The components as outlets of the network."""
        return choose_outlets(self.network.module, self.network.example, self.sites)

    @property
    def about(self) -> tuple[str, ...]:
        """What the components are, in sentences, and whose direction each is where they have names."""
        said = [f"What are called units here are {basis.about}." for basis in self.bases]
        named = [", ".join(f"{k} {name}" for k, name in enumerate(basis.names)) for basis in self.bases if basis.names]
        return tuple(dict.fromkeys([*said, *(f"Directions: {names}." for names in named)]))

    def untrained(self, images: ImageSet, seed: int) -> Grown:
        """The control: weights drawn anew, and components learnt of what such a network does."""
        return grow(self.plain.untrained(seed), images, self.choice, self.over, seed=self.seed)


def grow(
    network: Classifier, images: ImageSet, choice: Choice, sites: Sequence[str] = (), *, seed: int = SEED,
    progress: Progress | None = None,
) -> Grown:  # fmt: skip
    """A copy of the network in which each of `sites` (default: the ends of its blocks) has components beside it."""
    if len(images) < FEWEST:
        raise InputError(
            f"components are learnt from pictures, and {images.name} has {len(images)}; give {FEWEST} or more"
        )
    if choice.saved:
        raise InputError(f"{choice.kind} is a file of directions, and those are for texts; there is {', '.join(KINDS)}")
    module, example = network.module, network.example
    asked = tuple(dict.fromkeys(sites))
    chosen = choose_outlets(module, example, asked) if asked else ends_of_blocks(module, outlets(module, example))
    for outlet in chosen:
        place_for(module, outlet.site, choice.name)  # what cannot be is said before anything is shown
    bases = learn(network, images, choice, chosen, seed=seed, progress=progress)
    made = copy.deepcopy(module)
    there = []
    for basis in bases:
        components = Components(basis.directions, basis.offset, rectified=basis.rectified).to(network.device)
        there.append(str(add_components(made, basis.over[0], components, choice.name)))
    grown = replace(network, module=made, name=f"{network.name}-{choice.name}")
    return Grown(network, grown, choice, tuple(str(o.site) for o in chosen), tuple(there), bases, seed)


def learn(
    network: Classifier, images: ImageSet, choice: Choice, chosen: Sequence[Outlet], *, seed: int = SEED,
    progress: Progress | None = None,
) -> tuple[Basis, ...]:  # fmt: skip
    """The bases of sites: of the probe the readings that were fitted on the pictures that choose, one for each concept
    that can be probed; else what is learnt without labels. A site's is the same whatever other sites there are.
    """
    told: Progress | None = (lambda done, total, _: progress(done, total, "basis")) if progress else None
    batch = shown_together(network)
    if choice.kind == "probe":
        concepts = concepts_of(images)
        if not concepts:
            raise InputError(f"{images.name} has neither masks nor classes, so there is nothing to fit directions to")
        measured = measure_pictures(network, images, chosen, concepts, seed=seed, batch=batch, progress=told)
        return tuple(judged(one, draws=1).directions() for one in measured)
    return learn_picture_bases(
        network, images, chosen, choice.kind, components=choice.components, seed=seed, batch=batch, progress=told
    )


def shown_together(network: Classifier) -> int:
    """How many pictures a network is shown at a time where its components are learnt or searched."""
    own = [o for o in outlets(network.module, network.example) if o.kind != Components.__name__]
    return at_once(own)


ADDRESS = re.compile(
    rf"(?:(?P<over>.+)\.)?(?P<kind>{'|'.join(KINDS)})(?:-(?P<number>[1-9]\d{{0,5}}))?(?:@(?P<call>\d+))?"
)


def grown_for(
    network: Classifier, images: ImageSet, addresses: Sequence[str], *, seed: int = SEED,
    progress: Progress | None = None,
) -> tuple[Classifier, tuple[str, ...]]:  # fmt: skip
    """The network with the components that addresses name, and the addresses with numbers in place of concepts; the
    network itself where they name none. MissingError for a concept without a direction.
    """
    paths, told = set(dict(network.module.named_modules())), list(addresses)
    asked: dict[tuple[str, str], list[tuple[int, Choice, str]]] = {}
    for at, address in enumerate(addresses):
        site, _, which = address.strip().partition("/")
        found = ADDRESS.fullmatch(site) if site not in paths else None
        if found is not None:
            over, choice = _meant(found, which)
            asked.setdefault((over, choice.name), []).append((at, choice, which))
    grown = network
    for (over, _), named in asked.items():
        choice = max((choice for _, choice, _ in named), key=lambda choice: choice.components or 0)
        made = grow(grown, images, choice, (over,), seed=seed, progress=progress)
        grown = replace(made.network, name=network.name)
        for at, _, which in named:
            slash = "/" if "/" in addresses[at] else ""
            told[at] = f"{made.sites[0]}{slash}{_number(which, made)}"
    return grown, tuple(told)


def fitted(network: Classifier, addresses: Sequence[str]) -> bool:
    """Whether one of these addresses, which `grown_for` gave, is that of a direction of the probe."""
    modules = dict(network.module.named_modules())
    sites = [address.partition("/")[0] for address in addresses]
    return any(
        isinstance(modules.get(site), Components) and site.rpartition(".")[2].partition("@")[0] == "probe"
        for site in sites
    )


def _meant(found: re.Match[str], which: str) -> tuple[str, Choice]:
    """The site whose components `relu.pca@2` are (`relu:2`), and of which basis: principal components are the same
    however many there are, so there are as many as are asked for.
    """
    over, kind, number, call = (found[name] for name in ("over", "kind", "number", "call"))
    over = over or WHOLE
    many = int(number) if number else None
    if kind == "pca":
        most = max(many or 0, int(which) + 1 if which.isdecimal() and len(which) < DIGITS else 0)
        many = most if most > COMPONENTS else None
    return f"{over}:{call}" if call else over, Choice(kind, many)


DIGITS = 7
"""No number of components has as many."""


def _number(which: str, made: Grown) -> str:
    """The number of a direction that is called by its concept."""
    if not which or which.isdecimal():
        return which
    names = made.bases[0].names
    if which not in names:
        raise not_found(f"direction in {made.sites[0]}", which, names or [f"0 to {len(made.bases[0]) - 1}"])
    return str(names.index(which))
