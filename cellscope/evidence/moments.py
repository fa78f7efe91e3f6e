"""What every unit does on average: over a text, and where a feature is off; what it is held at once it is lesioned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.errors import InputError
from cellscope.evidence.zones import FEWEST
from cellscope.scores.association import auroc

Floats = NDArray[np.float64]
FILLS = ("zero", "mean", "outside")
"""What a lesioned unit gives instead: nothing, its mean, or its mean where the feature is off."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Means and variances of units over a text, and how well each tells each span feature there.

    mean, variance  {site: float64 [unit]}
    outside         {site: float64 [feature, unit]}, mean where the feature is off; NaN where it is on everywhere
    auc             {site: float64 [feature, unit]}, of the unit's activation for the feature; NaN where it is too rare
    """

    features: tuple[str, ...]
    mean: dict[Site, Floats]
    variance: dict[Site, Floats]
    outside: dict[Site, Floats]
    auc: dict[Site, Floats]
    characters: int

    @classmethod
    def of(cls, counts: Any) -> Moments:
        """The moments of one pass over a text (see count.Counts), over all its blocks."""
        tally = counts.tally
        total, positive = tally.total.sum(0, dtype=np.int64), tally.positive.sum(0, dtype=np.int64)
        sums, squares = np.moveaxis(tally.powers.sum(0), -1, 0)
        n, on = counts.characters, positive.sum(-1)
        inside = (positive * tally.means()).sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            outside = (sums - inside) / (n - on) + tally.middle
        auc = np.where((on >= FEWEST) & (n - on >= FEWEST), auroc(positive, total), np.nan)
        mean, variance = sums / n + tally.middle, np.maximum(squares / n - (sums / n) ** 2, 0)
        sites = list(dict.fromkeys(unit.site for unit in counts.units))
        of = {site: np.array([unit.site == site for unit in counts.units]) for site in sites}

        def apart(values: Floats) -> dict[Site, Floats]:
            return {site: values[..., of[site]] for site in sites}

        names = tuple(f.name for f in counts.features[: counts.spans])
        return cls(names, apart(mean), apart(variance), apart(outside), apart(auc), n)

    @classmethod
    def joined(cls, parts: Sequence[Moments]) -> Moments:
        """The moments of several sites over the same stretch, heard apart."""
        names = ("mean", "variance", "outside", "auc")
        mean, variance, outside, auc = (
            {site: values for part in parts for site, values in getattr(part, name).items()} for name in names
        )
        return cls(parts[0].features, mean, variance, outside, auc, parts[0].characters)

    def take(self, features: Sequence[int]) -> Moments:
        """The same for some of the features, by number."""
        some = list(features)
        outside, auc = ({site: values[some] for site, values in part.items()} for part in (self.outside, self.auc))
        names = tuple(self.features[f] for f in some)
        return Moments(names, self.mean, self.variance, outside, auc, self.characters)

    def fill(self, site: Site, kind: str, feature: int | None = None) -> NDArray[np.float32]:
        """What the units of a site give once they are lesioned, float32 [unit]."""
        if kind == "outside":
            if feature is None:
                raise InputError("the mean outside a feature needs a feature; name one, as in --feature url")
            values = self.outside[site][feature]
            if not np.isfinite(values).all():
                raise InputError(f"{self.features[feature]} is on everywhere: there is no outside")
        elif kind in FILLS:
            values = self.mean[site] if kind == "mean" else np.zeros_like(self.mean[site])
        else:
            raise InputError(f"no fill {kind!r}; there is {', '.join(FILLS)}")
        filled: NDArray[np.float32] = values.astype(np.float32)
        return filled

    def best(self, site: Site, feature: int) -> NDArray[np.int64]:
        """The units of a site, those that tell the feature best first, whether they go on or off inside it."""
        return np.argsort(-np.abs(self.auc[site][feature] - 0.5), kind="stable")
