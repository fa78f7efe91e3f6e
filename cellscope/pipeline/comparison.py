"""What a comparison of two networks found, in figures, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np

from cellscope.axes import Site
from cellscope.evidence.correspondence import Correspondence
from cellscope.evidence.matching import Match
from cellscope.evidence.verdicts import Evidence, digits
from cellscope.models.classifier import Classifier
from cellscope.models.network import Network
from cellscope.pipeline.find import clean, said
from cellscope.report.contents import RunHeader
from cellscope.report.picture_contents import PictureHeader
from cellscope.training.run import RunFolder


@dataclass(frozen=True)
class Side:
    """One of the two: its network, the name it goes by (RUN, or RUN@STEP), and where it was heard."""

    name: str
    network: Network | Classifier
    run: RunFolder | None
    sites: tuple[Site, ...]


class Subject(Protocol):
    """What both were given, a text or pictures, and the words for it."""

    @property
    def feature(self) -> str:
        """What is looked for in it: a feature, a concept."""

    @property
    def position(self) -> str:
        """What a correlation counts: a character, a place."""

    @property
    def met(self) -> str:
        """How much of what was read by (or shown to) the two, whose names follow."""

    @property
    def caveats(self) -> tuple[str, ...]:
        """What weakens a comparison on it, beside what weakens every one."""

    def about(self) -> Mapping[str, Any]:
        """What JSON says of it."""

    def of_side(self, number: int) -> Mapping[str, Any]:
        """What JSON says of it and one of the networks."""

    def method(self, cells: Correspondence) -> tuple[str, ...]:
        """How it was measured."""

    def header(self, first: Side, model: str, seed: int) -> RunHeader | PictureHeader:
        """The header of the page, which lies with the first network's pages."""


@dataclass(frozen=True)
class Shared:
    """One feature in both networks: the evidence for the best unit of each, and whether the two correspond.

    r            correlation of the two best units on the odd blocks; None where one has no unit to speak of
    counterpart  whether each of the two is the other's best match, and surely a closer one than it would be anyway
    """

    first: Evidence
    second: Evidence
    r: float | None
    counterpart: bool

    @property
    def feature(self) -> str:
        return self.first.feature

    @property
    def who(self) -> str:
        """both, first, second or neither: in which of the two a unit was found."""
        found = self.first.found, self.second.found
        return "both" if all(found) else "first" if found[0] else "second" if found[1] else "neither"

    @property
    def apart(self) -> bool:
        """Whether the two intervals do not meet: that only one was found is no proof of a difference."""
        return self.first.low > self.second.high or self.second.low > self.first.high


def share(cells: Correspondence, first: Sequence[Evidence], second: Sequence[Evidence]) -> tuple[Shared, ...]:
    """Every feature in both, from what a search of either network found."""
    forth, back = ({match.unit: match for match in side} for side in (cells.first, cells.second))

    def shared(one: Evidence, other: Evidence) -> Shared:
        if one.unit is None or other.unit is None:
            return Shared(one, other, None, False)
        there = forth[one.unit]
        counterpart = there.found and back[other.unit].found and there.other == other.unit
        return Shared(one, other, cells.between(one.unit, other.unit), counterpart)

    return tuple(shared(one, other) for one, other in zip(first, second, strict=True))


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found: the correspondence of units, and every feature (or concept) in both networks.

    asked, at  the names of the features and of the sites, where they are not the usual ones
    """

    sides: tuple[Side, Side]
    subject: Subject
    cells: Correspondence
    features: tuple[Shared, ...]
    asked: tuple[str, ...] = ()
    at: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, str]:
        return self.sides[0].name, self.sides[1].name

    @property
    def same_run(self) -> bool:
        """Whether both are one run at two times, so that a unit's number means the same in both."""
        first, second = (side.run for side in self.sides)
        same = first is not None and second is not None and first.path.resolve() == second.path.resolve()
        return same and self.sides[0].sites == self.sides[1].sites

    @cached_property
    def pairs(self) -> tuple[Match, ...]:
        """The corresponding units, closest first: each is the other's best match, and both ways it is a real one."""
        both = {(m.other, m.unit) for m in self.cells.second if m.found}
        found = (m for m in self.cells.first if m.found and (m.unit, m.other) in both)
        return tuple(sorted(found, key=lambda m: -m.closeness))

    @property
    def kept(self) -> int:
        """How many corresponding units have the same address in both."""
        return sum(m.unit == m.other for m in self.pairs)

    def of(self, who: str) -> list[str]:
        """The features that were found in both, first, second or neither."""
        return [shared.feature for shared in self.features if shared.who == who]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, in words: which units correspond, how close matches are, and which features either has."""
        (a, b), cells, what = self.names, self.cells, self.subject.feature
        sizes = len(cells.first), len(cells.second)
        kept = f"; {self.kept:,} of them have kept their number" if self.same_run else ""
        mean, low, high = cells.assigned
        return (
            f"{len(self.pairs):,} of {sizes[0]:,} units of {a} correspond to one of the {sizes[1]:,} of {b}{kept}",
            f"best match of a unit: median r {_median(cells.first)} from {a}, {_median(cells.second)} from {b}; "
            f"in {cells.controls} untrained networks at most {_median(cells.first, 'untrained')} and "
            f"{_median(cells.second, 'untrained')}; one to one: mean r {digits(mean)} ({digits(low)}-{digits(high)})",
            f"{what}s found in both: {_listed(self.of('both'))}; in {a} alone: {_listed(self.of('first'))}; "
            f"in {b} alone: {_listed(self.of('second'))}; in neither: {len(self.of('neither'))} of "
            f"{len(self.features)}",
            f"of the {what}s that both have, the two best units correspond in {self.agreeing} of "
            f"{len(self.of('both'))}",
        )

    @property
    def agreeing(self) -> int:
        """Features found in both whose two best units correspond."""
        return sum(shared.counterpart for shared in self.features if shared.who == "both")

    @property
    def caveats(self) -> tuple[str, ...]:
        """What weakens it."""
        return (
            "A low correlation does not say that something is missing: it may lie in other directions than the units.",
            f"That a {self.subject.feature} was found in one network alone is no proof of a difference where the two "
            "intervals meet.",
            *self.subject.caveats,
        )

    def json(self) -> str:
        """Everything but the matrix as JSON; keys are stable, numbers that do not exist are null."""
        cells, (mean, low, high), what = self.cells, self.cells.assigned, self.subject.feature
        content = {
            "cellscope": version("cellscope"),
            "networks": [
                {"name": s.name, "run": s.run.name if s.run else None, "network": s.network.description,
                 "sites": [str(site) for site in s.sites], **self.subject.of_side(number)}
                for number, s in enumerate(self.sides)
            ],
            **self.subject.about(),
            "seed": cells.seed,
            "shifts": cells.draws,
            "untrained_networks": cells.controls,
            "blocks": cells.blocks,
            "sentences": list(self.sentences),
            "corresponding": len(self.pairs),
            "kept_their_number": self.kept if self.same_run else None,
            "one_to_one": {"mean_r": mean, "low": low, "high": high},
            "matches": [[_match(m) for m in side] for side in (cells.first, cells.second)],
            f"{what}s": [
                {what: f.feature, "found_in": f.who, "r": f.r, "counterpart": f.counterpart, "apart": f.apart,
                 "first": said(f.first), "second": said(f.second)}
                for f in self.features
            ],
        }  # fmt: skip
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


def names_of(sites: Sequence[Sequence[Site]]) -> tuple[str, ...]:
    """The names of the sites of both, none twice."""
    return tuple(dict.fromkeys(str(site) for own in sites for site in own))


def untrained_bar(cells: Correspondence) -> str:
    """How the bar was set that a correspondence has to clear."""
    return (
        f"Untrained: the closest that the unit comes to any unit of {cells.controls} networks of the other's kind with "
        "weights drawn anew, chosen and reported alike; a unit that has no more than they have clears that at most "
        f"once in {cells.controls + 1} times."
    )


def _match(match: Match) -> dict[str, Any]:
    units = {name: None if unit is None else str(unit) for name, unit in
             (("unit", match.unit), ("other", match.other), ("assigned", match.assigned))}  # fmt: skip
    made: dict[str, Any] = clean({**asdict(match), **units, "found": match.found})
    return made


def _median(side: tuple[Match, ...], name: str = "closeness") -> str:
    return digits(float(np.median([getattr(m, name) for m in side])))


def _listed(names: list[str], most: int = 8) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} ({', '.join(names[:most])}{more})"
