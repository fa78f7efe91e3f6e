"""Two networks on the same pictures: which units correspond, and which concepts either has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.axes import Progress
from cellscope.data.images import ImageSet
from cellscope.errors import InputError, not_found
from cellscope.evidence.correspondence import Correspondence, correspond_pictures
from cellscope.evidence.twins import CONTROLS, twins
from cellscope.evidence.verdicts import Evidence
from cellscope.features.concepts import Concept, concepts_of
from cellscope.hooks.outlets import Outlet, ends_of_blocks, outlets
from cellscope.look import SIDE, PictureSource
from cellscope.models.classifier import Classifier
from cellscope.pipeline.addressed import addressed
from cellscope.pipeline.classifiers import fitting, load_classifier, open_pictures
from cellscope.pipeline.comparison import Comparison, Side, names_of, share, untrained_bar
from cellscope.pipeline.find import SEED
from cellscope.pipeline.find_pictures import search_pictures, select_concepts
from cellscope.pipeline.picture_pages.words import header_of, pages_of
from cellscope.pipeline.picture_training import held_back_images
from cellscope.report.picture_contents import PictureHeader
from cellscope.training.run import RUNS, RunFolder

Sets = tuple[ImageSet, ImageSet]
"""The same pictures twice, in the same order: as either network takes them."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Pictures, or rows, that both were shown; their maps were averaged on a `grid` of places, 1 x 1 where neither has
    any.
    """

    images: ImageSet
    networks: tuple[Classifier, Classifier]
    grid: tuple[int, int]

    feature = "concept"

    @property
    def position(self) -> str:
        return "place" if self._places else self._items[:-1]

    @property
    def met(self) -> str:
        return f"{len(self.images):,} {self._items} of {self.images.name}{self._places}, shown to"

    @property
    def caveats(self) -> tuple[str, ...]:
        return self.images.remarks

    def about(self) -> Mapping[str, Any]:
        return {"images": self.images.name, "pictures": len(self.images), "grid": list(self.grid)}

    def of_side(self, number: int) -> Mapping[str, Any]:
        return {"preprocessing": self.networks[number].preprocessing.to_json()}

    def method(self, cells: Correspondence) -> tuple[str, ...]:
        what = self._items
        placed = (
            f"Every map is averaged in {self.grid[0]} x {self.grid[1]} places, so that r is one figure for maps of all "
            "sizes; a unit without places says the same in all of them.",
        )
        return (
            f"Both were shown the same {len(self.images):,} {what} of {self.images.name} in the same order. A match is "
            f"chosen on the even ones of {cells.blocks} blocks of {what} and reported on the odd ones; intervals leave "
            "out one block.",
            *(placed if self._places else ()),
            f"Chance: the {what} of the second network are moved round against those of the first, {cells.draws} times "
            f"(seed {cells.seed}); p counts all units.",
            untrained_bar(cells),
        )

    def header(self, first: Side, model: str, seed: int) -> PictureHeader:
        one, other = self.networks
        same = one.preparation == other.preparation
        return replace(
            header_of(one, self.images.name, len(self.images), seed),
            name=pages_of(one, first.run, self.images),
            model=model,
            preprocessing=one.preparation if same else f"{one.preparation} (the other: {other.preparation})",
        )

    @property
    def _items(self) -> str:
        return "rows" if self.images.flat else "pictures"

    @property
    def _places(self) -> str:
        rows, columns = self.grid
        return f", at {rows} x {columns} places" if rows * columns > 1 else ""


def compare_pictures(
    first: Classifier,
    second: Classifier,
    images: ImageSet | Sets,
    *,
    concepts: Sequence[Concept] = (),
    names: tuple[str, str] | None = None,
    runs: tuple[RunFolder | None, RunFolder | None] = (None, None),
    sites: Sequence[str] = (),
    controls: int = CONTROLS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two networks on the same pictures, each searched for every concept as `find` would at these sites.

    images  one set, or the same pictures as either network takes them
    sites   taken of each network that has them; default: what each layer of weights hands on
    controls  untrained networks of either kind, which set the bar for a correspondence
    InputError for what a network cannot be shown, for too few pictures, and for sets of two lengths.
    """
    shown = (images, images) if isinstance(images, ImageSet) else images
    named = names or (first.name, second.name)
    if second.module is first.module:
        second = second.twin()  # two cannot be heard at once in the same modules
    networks = first, second
    for network, own in zip(networks, shown, strict=True):
        network.prepare(own.pixels(slice(0, 1)))  # what does not fit is said before anything is heard
    chosen = _chosen(networks, named, sites)
    placed = any(outlet.grid != (1, 1) for own in chosen for outlet in own)
    grid = (SIDE, SIDE) if placed else (1, 1)
    cells = _correspondence(networks, shown, chosen, grid, controls, seed, progress)
    at = [tuple(outlet.site for outlet in own) for own in chosen]
    one, other = Side(named[0], first, runs[0], at[0]), Side(named[1], second, runs[1], at[1])
    every = concepts_of(shown[0])
    known = tuple(concepts) or every
    found = [
        _searched(side, network, own, known, seed, progress)
        for side, network, own in zip((one, other), networks, shown, strict=True)
    ]
    asked = () if known == every else tuple(concept.name for concept in known)
    usual = not sites or chosen == _chosen(networks, named, ())
    subject = Seen(shown[0], networks, grid)
    return Comparison((one, other), subject, cells, share(cells, *found), asked, () if usual else names_of(at))


def compare_picture_runs(
    first: str,
    second: str,
    *,
    runs: Path = RUNS,
    asked: Sequence[str] = (),
    images: str | Path | None = None,
    reading: Mapping[str, Any] | None = None,
    sites: Sequence[str] = (),
    seed: int = SEED,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two runs on pictures, or one run at two times: `RUN`, `RUN@last`, `RUN@STEP`; on the pictures of their
    one set that neither was trained on, or on `images`, read as `reading` says (see `open_images`).
    """
    ours, theirs = (addressed(address, runs) for address in (first, second))
    one, other = (load_classifier(at.run, which=at.which) for at in (ours, theirs))
    if images is None:
        held_back = held_back_images(ours.run, others=[theirs.run])
        shown = held_back, held_back
    else:
        _refuse_crops((one, other), (ours.name, theirs.name), reading or {})
        mine, its = (fitting(network, reading or {}) for network in (one, other))
        known = open_pictures(None, images, **mine)
        shown = known, known if mine == its else open_pictures(None, images, **its)
    concepts = select_concepts(shown[0], asked)
    return compare_pictures(
        one, other, shown, concepts=concepts, names=(ours.name, theirs.name), runs=(ours.run, theirs.run), sites=sites,
        seed=seed, progress=progress,
    )  # fmt: skip


def _chosen(
    networks: tuple[Classifier, Classifier], names: tuple[str, str], asked: Sequence[str]
) -> tuple[tuple[Outlet, ...], ...]:
    """The outlets of either network: those asked for that it has, or the ends of its blocks; MissingError for a site
    that neither has, InputError where one network has none of them.
    """
    known = [outlets(network.module, network.example, asked) for network in networks]
    if not asked:
        return tuple(ends_of_blocks(n.module, own) for n, own in zip(networks, known, strict=True))
    there = list(dict.fromkeys(str(outlet.site) for own in known for outlet in own))
    for name in asked:
        if name not in there:
            raise not_found("site", name, there)
    chosen = tuple(tuple(outlet for outlet in own if str(outlet.site) in asked) for own in known)
    for name, some, own in zip(names, chosen, known, strict=True):
        if not some:
            has = ", ".join(str(outlet.site) for outlet in own)
            raise InputError(f"{name} has none of the sites {', '.join(asked)}; it has {has}")
    return chosen


def _correspondence(
    networks: tuple[Classifier, Classifier], shown: Sets, chosen: Sequence[tuple[Outlet, ...]], grid: tuple[int, int],
    controls: int, seed: int, progress: Progress | None,
) -> Correspondence:  # fmt: skip
    """The correspondence of two networks that are shown the set in an order of chance: folders are sorted by class."""
    order = np.random.default_rng(seed).permutation(len(shown[0]))
    if len(shown[0]) == len(shown[1]):
        shown = shown[0].take(order), shown[1].take(order)

    def source(side: int, network: Classifier) -> PictureSource:
        return PictureSource(network, shown[side], chosen[side], grid=grid)

    bare = [network.untrained(seed) for network in networks]  # drawn from below: copies that nobody listens to
    untrained = twins(lambda side, drawn: source(side, bare[side].untrained(drawn)), seed=seed, controls=controls)
    with source(0, networks[0]) as first, source(1, networks[1]) as second, untrained as pairs:
        return correspond_pictures(first, second, pairs, seed=seed, progress=progress)


def _searched(
    side: Side, network: Classifier, images: ImageSet, concepts: Sequence[Concept], seed: int,
    progress: Progress | None,
) -> Sequence[Evidence]:  # fmt: skip
    """What a search of either network finds; nothing where the pictures have neither masks nor classes."""
    if not concepts:
        return ()
    told: Progress | None = None
    if progress is not None:
        known = progress
        told = lambda done, total, _: known(done, total, f"concepts of {side.name}")  # noqa: E731
    control = side.run.path / "control" if side.run is not None else None
    sites = [str(site) for site in side.sites]
    _, found = search_pictures(
        network, images, sites=sites, concepts=concepts, control=control, seed=seed, progress=told
    )
    return found.evidence


def _refuse_crops(
    networks: tuple[Classifier, Classifier], names: tuple[str, str], reading: Mapping[str, Any]
) -> None:  # fmt: skip
    """InputError where a picture would be cropped to another form for one of the two: its places would be others."""
    (rows, columns), (others, across) = (n.shape[1:] if len(n.shape) == 3 else (1, 1) for n in networks)
    whole = reading.get("fit") == "stretch" and "size" not in reading
    if rows * across != others * columns and not whole:
        raise InputError(
            f"{names[0]} sees {rows} x {columns} pixels and {names[1]} {others} x {across}: cropped to either form, "
            "the pictures would not have the same places; add --fit stretch, and no --size"
        )
