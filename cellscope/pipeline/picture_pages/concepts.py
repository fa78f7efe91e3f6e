"""The page of a concept: its verdict, every layer's units, pictures with its mask and what the best unit did."""

from __future__ import annotations

from functools import cache, cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site, Unit
from cellscope.evidence.several import k_best, steps
from cellscope.pipeline.curves import Histograms
from cellscope.pipeline.pages import number
from cellscope.pipeline.picture_pages.bounds import bounded
from cellscope.pipeline.picture_pages.maps import maps_of_pairs
from cellscope.pipeline.picture_pages.material import HELD, Material, as_shown
from cellscope.pipeline.picture_pages.words import concept_headline, header
from cellscope.report.contents import Line, Ranking, UnitCurves, UnitRow
from cellscope.report.picture_contents import ConceptExample, ConceptPage, PictureBank, RowBank

MOST = 48
"""Units of the ranking."""
CURVES = 4
EACH = 6
"""Pictures of each kind."""
LOOKED = 512
"""Pictures among which hits and misses are looked for."""
PART = 32
"""Pictures whose masks are unpacked at a time."""
SCORES = ("chosen", "auc", "auc_low", "auc_high", "ap", "f1", "iou", "mi", "r", "d", "p")
NUMBER_SCORES = ("chosen", "rank_r", "rank_low", "rank_high", "r", "p")


class Concepts:
    """Composes the pages of concepts."""

    def __init__(self, material: Material) -> None:
        self.material, self.search = material, material.search
        self.findings = material.search.findings
        self.histograms = [Histograms(part.tally) for part in self.findings.parts]
        self.sizes = np.cumsum([0, *(len(part.units) for part in self.findings.parts)])
        self._maps: dict[Unit, NDArray[np.float32]] = {}

    def page(self, concept: int) -> ConceptPage:
        """Everything that the page of a concept shows."""
        order = self.findings.ranking(concept)[:MOST].tolist()
        names = ["", *(f.name for f in self.findings.features), ""]
        bank, examples = self.examples(concept)
        span = self.findings.features[concept].kind == "span"
        units = self.findings.units
        shown = ("auc", "ap", "f1", "iou", "dissection", "attainable") if span else ("rank_r", "r")
        return ConceptPage(
            header=header(self.search),
            headline=concept_headline(self.search, concept),
            concept=self.findings.features[concept].name,
            ranking=Ranking(rows=tuple(self.row(concept, unit) for unit in order), columns=shown),
            description=self.findings.features[concept].description,
            bank=bank,
            examples=examples,
            curves={str(units[u]): c for u in order[:CURVES] if (c := self.curves(concept, u)) is not None},
            over_units=self.over_units(concept),
            previous=names[concept],
            next=names[concept + 2],
        )

    def place(self, unit: int) -> tuple[int, int]:
        """The part that holds a unit, and its number in it."""
        part = int(np.searchsorted(self.sizes, unit, side="right")) - 1
        return part, unit - int(self.sizes[part])

    def sign(self, concept: int, unit: int) -> int:
        return -1 if self.findings.scores["sign"][concept, unit] < 0 else 1

    def row(self, concept: int, unit: int) -> UnitRow:
        """The scores of a unit at a concept, and its histograms."""
        address, span = self.findings.units[unit], self.findings.features[concept].kind == "span"
        names = (*SCORES, "dissection", "attainable") if span else NUMBER_SCORES
        inside: tuple[int, ...] = ()
        outside: tuple[int, ...] = ()
        if span:
            part, own = self.place(unit)
            both = self.histograms[part].inside_outside(concept, own, 24)[1:]
            inside, outside = (tuple(np.rint(x).astype(int).tolist()) for x in both)
        return UnitRow(
            address=str(address), site=str(address.site), unit=address.index,
            scores={name: number(self.findings.scores[name][concept, unit]) for name in names},
            sign=self.sign(concept, unit), inside=inside, outside=outside,
        )  # fmt: skip

    def curves(self, concept: int, unit: int) -> UnitCurves | None:
        """Histograms inside and outside, and the ROC curve."""
        if self.findings.features[concept].kind != "span" or self.findings.evidence[concept].remark:
            return None
        part, own = self.place(unit)
        edges, inside, outside = self.histograms[part].inside_outside(concept, own, 48)
        roc = self.histograms[part].roc(concept, own, self.sign(concept, unit))
        return UnitCurves(
            edges=tuple(edges.tolist()), inside=tuple(inside.tolist()), outside=tuple(outside.tolist()), roc=roc
        )

    @cache  # noqa: B019  both the concept's page and the run's show it, and this lives as long as they are written
    def over_units(self, concept: int) -> Line | None:
        """AUC over the number of units that are read together, of the layer of the best unit."""
        e = self.findings.evidence[concept]
        if e.unit is None or e.kind != "span":
            return None
        sample = self.material.samples[e.unit.site]
        part = next(k for k, p in enumerate(self.findings.parts) if p.units[0].site == e.unit.site)
        own = self.findings.scores["chosen"][concept, self.sizes[part] : self.sizes[part + 1]]
        counts = steps(len(own))
        found = k_best(sample, concept, np.argsort(-np.nan_to_num(own, nan=-1.0), kind="stable"), counts)
        if np.isnan(found).any():
            return None
        return Line(x=tuple(float(k) for k in counts), y=tuple(found))

    def examples(self, concept: int) -> tuple[PictureBank | RowBank | None, tuple[ConceptExample, ...]]:
        """Pictures in which the best unit is on where the concept is, off though it is there, on though it is not."""
        e, images = self.findings.evidence[concept], self.search.images
        if e.unit is None or e.kind != "span" or images.flat:
            return None, ()
        some = self.looked
        maps = self._maps_of(concept) * e.sign
        own, parts = images.mask_names.index(e.feature), range(0, len(some), PART)
        masks = np.concatenate([images.masks_of(some[at : at + PART])[:, own].copy() for at in parts])
        there = masks.reshape(len(masks), -1).any(1)
        top = maps.reshape(len(maps), -1).max(1)
        kinds = {
            "hit": np.flatnonzero(there)[np.argsort(-top[there], kind="stable")][:EACH],
            "miss": np.flatnonzero(there)[np.argsort(top[there], kind="stable")][:EACH],
            "false alarm": np.flatnonzero(~there)[np.argsort(-top[~there], kind="stable")][:EACH],
        }
        used = np.unique(np.concatenate(list(kinds.values())))
        where = {int(k): at for at, k in enumerate(used.tolist())}
        made = tuple(
            ConceptExample(kind=kind, input=where[k], mask=masks[k], map=maps[k] * e.sign, value=float(top[k] * e.sign))
            for kind, chosen in kinds.items()
            for k in chosen.tolist()
        )
        return bank_of(self.material, some[used]), made

    @cached_property
    def looked(self) -> NDArray[np.int64]:
        """The numbers of the pictures that are looked at."""
        order = np.random.default_rng(self.findings.counts.seed).permutation(len(self.search.images))
        return np.sort(order[:LOOKED])

    def _maps_of(self, concept: int) -> NDArray[np.float32]:
        """What the best unit of a concept does on the pictures that are looked at, [picture, row, column]."""
        unit = self.findings.evidence[concept].unit
        assert unit is not None
        if unit not in self._maps:
            self._maps.clear()
            self._maps.update(self._next_maps(concept))
        return self._maps[unit]

    def _next_maps(self, first: int) -> dict[Unit, NDArray[np.float32]]:
        """Those of a concept and of the next ones, as many as can be held, so that one pass serves them all."""
        grids = {outlet.site: outlet.grid for outlet in self.search.outlets}
        kept: dict[Site, list[int]] = {}
        held = 0
        for e in self.findings.evidence[first:]:
            if e.unit is None or e.kind != "span" or e.unit.index in kept.get(e.unit.site, ()):
                continue
            held += len(self.looked) * prod(grids[e.unit.site])
            if kept and held > HELD:
                break
            kept.setdefault(e.unit.site, []).append(e.unit.index)
        pairs = {site: (np.tile(self.looked, len(own)), np.repeat(own, len(self.looked))) for site, own in kept.items()}
        found = maps_of_pairs(self.search.network, self.search.images, pairs)
        return {
            Unit(site, index): maps
            for site, own in kept.items()
            for index, maps in zip(own, np.split(found[site], len(own)), strict=True)
        }


def bank_of(material: Material, numbers: NDArray[np.int64]) -> PictureBank | RowBank:
    """The pictures (or rows) of these numbers, as the network sees them."""
    images = material.search.images
    labels = () if images.labels is None else tuple(images.classes[k] for k in images.labels[numbers].tolist())
    names = tuple(images.names[k] for k in numbers.tolist()) if images.names else ()
    pixels, known = images.pixels(numbers), tuple(int(k) for k in numbers)
    if images.flat:
        return RowBank(values=pixels, columns=images.columns, numbers=known, labels=labels, names=names)
    size = (pixels.shape[2], pixels.shape[3])
    pictures = as_shown(material.network, pixels, bounded(len(pixels), size))
    return PictureBank(pictures=pictures, numbers=known, labels=labels, names=names, size=size)
