"""All that is known of every unit of a layer: examples, optimised pictures, filters, concepts, what its loss does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cellscope.axes import Progress
from cellscope.hooks.outlets import Outlet
from cellscope.pipeline.pages import number
from cellscope.pipeline.picture_pages.backward import layer_backward
from cellscope.pipeline.picture_pages.concepts import Concepts
from cellscope.pipeline.picture_pages.effort import Effort
from cellscope.pipeline.picture_pages.filters import layer_filters
from cellscope.pipeline.picture_pages.made import Made, made_for
from cellscope.pipeline.picture_pages.material import Material
from cellscope.report.picture_contents import ConceptScore, Examples, Filter, Lesion, PictureUnit
from cellscope.vision.examples import WHICH
from cellscope.vision.importance import Importance, each_unit
from cellscope.vision.labelled import Halves
from cellscope.vision.lesions import FILLS


@dataclass(frozen=True, eq=False)
class Dear:
    """What takes long, of the main layers alone: what is made to drive a unit, and what its loss does, by fill."""

    made: Mapping[str, Made] = field(default_factory=dict)
    lesions: Mapping[str, tuple[Importance, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, material: Material, halves: Halves | None, effort: Effort, progress: Progress | None = None) -> Dear:
        """Measure both of the main layers; what a network cannot be asked for is left out."""
        made, lesions = {}, {}
        for at, outlet in enumerate(material.main):
            if progress:
                progress(at, len(material.main), "pictures and lesions")
            made[str(outlet.site)] = made_for(material, outlet, effort)
            if halves is not None:
                lesions[str(outlet.site)] = tuple(
                    each_unit(material.network, halves, outlet.site, fill=fill) for fill in FILLS
                )
        return cls(made, lesions)


class Units:
    """Composes the units of one layer; `bank` maps the number of a picture to its place in the page's bank."""

    def __init__(
        self, material: Material, concepts: Concepts, outlet: Outlet, dear: Dear, bank: Mapping[int, int], checked: int
    ) -> None:
        self.material, self.concepts, self.outlet, self.dear, self.bank = material, concepts, outlet, dear, bank
        self.examples, self.field = material.examples[outlet.site], material.fields[outlet.site]
        self.made = dear.made.get(str(outlet.site), Made())
        self.filters = layer_filters(material, outlet)
        self.backward = layer_backward(material, outlet, checked) if outlet in material.main else [()] * outlet.units
        self.base = next(
            base
            for base, part in zip(concepts.sizes.tolist(), concepts.findings.parts, strict=False)
            if part.units[0].site == outlet.site
        )

    def all(self) -> tuple[PictureUnit, ...]:
        """Every unit, in order."""
        kept = {which: self._kept(which) for which in WHICH}
        return tuple(self.unit(k, {which: some[k] for which, some in kept.items()}) for k in range(self.outlet.units))

    def unit(self, index: int, examples: Mapping[str, Examples]) -> PictureUnit:
        """All that is known of one unit."""
        dead = index in self.examples.dead
        seen, active = self.examples.seen, int(self.examples.active[index])
        value = float(self.examples.top.values[index, 0])
        tracked = [e.feature for e in self.concepts.findings.evidence if e.found and str(e.unit) == self.address(index)]
        return PictureUnit(
            index=index,
            remark=f"dead: {value:.3g} on all {seen:,} pictures" if dead else "",
            dead=dead,
            tracks=", ".join(tracked),
            numbers=(("largest", f"{value:.3g}"), ("above 0", f"in {active:,} of {seen:,} pictures")),
            top=examples["top"],
            bottom=examples["bottom"],
            random=examples["random"],
            backward=self.backward[index],
            optimised=tuple(self.made.pictures.get(index, ())),
            agreement=self.made.agreement.get(index, ""),
            filter=self._filter(index),
            weights=self._weights(index),
            concepts=self._concepts(index),
            lesions=self._lesions(index),
        )

    def address(self, index: int) -> str:
        return f"{self.outlet.site}/{index}"

    def _kept(self, which: str) -> list[Examples]:
        """The examples of every unit, with the boxes that it sees and its maps."""
        flat = self.material.search.images.flat
        placed = not flat and self.outlet.grid != (1, 1)
        maps = self.material.example_maps(self.outlet.site)[which] if placed else None
        kept, made = self.examples.kept(which), []
        for unit in range(self.outlet.units):
            pictures = kept.pictures[unit].tolist()
            boxes = None if flat else np.array([self._box(place) for place in kept.places[unit].tolist()])
            own = maps[unit] if maps is not None else None
            values = tuple(float(v) for v in kept.values[unit])
            made.append(Examples(inputs=tuple(self.bank[p] for p in pictures), values=values, boxes=boxes, maps=own))
        return made

    def _box(self, place: Sequence[int]) -> tuple[int, int, int, int]:
        top, bottom, left, right = self.field.reach(place[0], place[1])
        return top, left, bottom, right

    def _filter(self, index: int) -> Filter | None:
        if not self.filters:
            return None
        own = self.filters[index]
        return own if own.response is None else replace(own, response_input=self.bank[int(self.material.shown[0])])

    def _weights(self, index: int) -> NDArray[np.float32] | None:
        """The weights of a unit that reads rows of numbers, [column]."""
        module = dict(self.material.network.module.named_modules()).get(self.outlet.site.path)
        images = self.material.search.images
        if not images.flat or not isinstance(module, nn.Linear) or module.in_features != len(images.columns):
            return None
        weights: NDArray[np.float32] = module.weight[index].detach().float().cpu().numpy()
        return weights

    def _concepts(self, index: int) -> tuple[ConceptScore, ...]:
        """How well the unit tells every concept, best first."""
        findings, unit = self.concepts.findings, self.base + index
        made = []
        for f, e in enumerate(findings.evidence):
            if e.kind != "span" or e.remark:
                continue
            scores = {name: number(findings.scores[name][f, unit]) for name in ("auc", "auc_low", "auc_high")}
            best = e.unit is not None and findings.units[unit] == e.unit
            made.append(
                ConceptScore(
                    concept=e.feature, auc=scores["auc"], low=scores["auc_low"], high=scores["auc_high"],
                    iou=number(findings.scores["dissection"][f, unit]),
                    iou_most=number(findings.scores["attainable"][f, unit]),
                    sign=self.concepts.sign(f, unit), answer=e.answer if best else "no",
                )
            )  # fmt: skip
        return tuple(sorted(made, key=lambda score: -(score.auc or 0.0)))

    def _lesions(self, index: int) -> tuple[Lesion, ...]:
        """What the loss of the unit does, once for each fill."""
        lesions = []
        for made in self.dear.lesions.get(str(self.outlet.site), ()):
            change = made.reporting.accuracy[index] - made.whole.accuracy[0]
            by_class = made.reporting.recall[index] - made.whole.recall[0]
            named = {c: float(v) for c, v in zip(made.whole.classes, by_class, strict=True) if np.isfinite(v)}
            lesions.append(Lesion(overall=float(change), by_class=named, fill=made.fill))
        return tuple(lesions)
