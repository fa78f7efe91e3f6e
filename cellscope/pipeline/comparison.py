"""What a comparison of two networks found, in figures, in words and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np

from cellscope.axes import Site
from cellscope.data.text import Corpus
from cellscope.evidence.correspondence import Correspondence
from cellscope.evidence.matching import Match
from cellscope.evidence.verdicts import Evidence, digits
from cellscope.models.network import Network
from cellscope.pipeline.find import clean, said
from cellscope.training.run import RunFolder


@dataclass(frozen=True)
class Side:
    """One of the two: its network, the name it goes by (RUN, or RUN@STEP), and where it was heard.

    unknown  the share of the text's characters that its vocabulary has no symbol of their own for
    """

    name: str
    network: Network
    run: RunFolder | None
    sites: tuple[Site, ...]
    unknown: float


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


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found: the correspondence of units, and every feature in both networks."""

    sides: tuple[Side, Side]
    corpus: Corpus
    cells: Correspondence
    features: tuple[Shared, ...]

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
        (a, b), cells = self.names, self.cells
        sizes = len(cells.first), len(cells.second)
        kept = f"; {self.kept:,} of them have kept their number" if self.same_run else ""
        mean, low, high = cells.assigned
        return (
            f"{len(self.pairs):,} of {sizes[0]:,} units of {a} correspond to one of the {sizes[1]:,} of {b}{kept}",
            f"best match of a unit: median r {_median(cells.first)} from {a}, {_median(cells.second)} from {b}; "
            f"with the other network before training {_median(cells.first, 'untrained')} and "
            f"{_median(cells.second, 'untrained')}; one to one: mean r {digits(mean)} ({digits(low)}-{digits(high)})",
            f"features found in both: {_listed(self.of('both'))}; in {a} alone: {_listed(self.of('first'))}; "
            f"in {b} alone: {_listed(self.of('second'))}; in neither: {len(self.of('neither'))} of "
            f"{len(self.features)}",
            f"of the features that both have, the two best units correspond in {self.agreeing} of "
            f"{len(self.of('both'))}",
        )

    @property
    def agreeing(self) -> int:
        """Features found in both whose two best units correspond."""
        return sum(shared.counterpart for shared in self.features if shared.who == "both")

    @property
    def caveats(self) -> tuple[str, ...]:
        """What weakens it."""
        told = [
            "A low correlation does not say that something is missing: it may lie in other directions than the units.",
            "That a feature was found in one network alone is no proof of a difference where the two intervals meet.",
        ]
        told += [
            f"{digits(side.unknown * 100)} % of the text's characters are unknown to {side.name}."
            for side in self.sides if side.unknown > 0.001
        ]  # fmt: skip
        return tuple(told)

    def json(self) -> str:
        """Everything but the matrix as JSON; keys are stable, numbers that do not exist are null."""
        cells, (mean, low, high) = self.cells, self.cells.assigned
        content = {
            "cellscope": version("cellscope"),
            "networks": [
                {"name": s.name, "run": s.run.name if s.run else None, "network": s.network.description,
                 "sites": [str(site) for site in s.sites], "unknown": s.unknown}
                for s in self.sides
            ],
            "corpus": self.corpus.name,
            "characters": cells.characters,
            "seed": cells.seed,
            "shifts": cells.draws,
            "blocks": cells.blocks,
            "sentences": list(self.sentences),
            "corresponding": len(self.pairs),
            "kept_their_number": self.kept if self.same_run else None,
            "one_to_one": {"mean_r": mean, "low": low, "high": high},
            "matches": [[_match(m) for m in side] for side in (cells.first, cells.second)],
            "features": [
                {"feature": f.feature, "found_in": f.who, "r": f.r, "counterpart": f.counterpart, "apart": f.apart,
                 "first": said(f.first), "second": said(f.second)}
                for f in self.features
            ],
        }  # fmt: skip
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


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
