"""How well a clock explains what units did: one level for each of its bins, fitted on even blocks, scored on odd ones.

A fit is the mean activation at each level (a regressogram; Tukey 1961), so it asks for no shape: a ramp, a decay and
a step are all found. What is reported is R^2 on blocks that the levels were not learnt on; clocks are compared by the
same figure on the even blocks, each of them scored with the levels of the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.clocks import CLOCKS, Clock
from cellscope.evidence.intervals import jackknife

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHRINK = 20
"""A level is drawn towards the mean of its side as though that had been seen at so many characters more."""
SUPPORT = 20
"""A level that has fewer characters in either half says nothing of the profile's shape."""
COVERED = 0.95
"""The profile's shape is that up to the level below which this share of the characters inside lies."""


@dataclass(frozen=True, eq=False)
class Sums:
    """The sums of some units (see sinks.Profiles), and what a character outside and inside weighs.

    counts [block, bin], sums [block, bin, unit], squares [block, 2, unit], weights [2]
    """

    counts: Ints
    sums: Floats
    squares: Floats
    weights: Floats


@dataclass(frozen=True, eq=False)
class Fitted:
    """A clock's fit to units, each [unit]: R^2 on the odd blocks with its interval, what it adds to the plain switch.

    chosen   R^2 on the even blocks, by which clocks are compared
    within   R^2 on the odd blocks of what varies inside the feature alone
    profile  the mean activation at each level, over all blocks [level, unit]; NaN where there are few characters
    swing    the spread of the profile inside, each number of the clock counted alike, over how far it is from outside
    rises    whether the profile goes up with the clock (+1) or down (-1)
    """

    r2: Floats
    low: Floats
    high: Floats
    gain: Floats
    gain_low: Floats
    gain_high: Floats
    within: Floats
    chosen: Floats
    profile: Floats
    swing: Floats
    rises: Floats


def weights_of(counts: Ints, *, balanced: bool) -> Floats:
    """What a character outside and inside weighs [2]: alike, or so that both sides weigh the same."""
    inside = CLOCKS["inside"]
    n = counts[:, inside.bins].sum(0)
    sides = np.array([n[:2].sum(), n[2]], float)
    if not balanced or (sides == 0).any():
        return np.ones(2)
    weights: Floats = sides.sum() / (2 * sides)
    return weights


def fit(sums: Sums, clock: Clock) -> Fitted:
    """The fit of one clock to all units of `sums`."""
    plain, own = _Levels(sums, CLOCKS["inside"]), _Levels(sums, clock)
    r2, low, high = own.scored()
    gain, gain_low, gain_high = own.gained(plain)
    swing, rises = own.shape()
    return Fitted(
        r2, low, high, gain, gain_low, gain_high, own.within(plain), own.crossed(), own.profile(), swing, rises
    )


class _Levels:
    """The sums of a clock by level; the column's levels are each two, outside and inside, that share one mean."""

    def __init__(self, sums: Sums, clock: Clock) -> None:
        self.sums, self.clock = sums, clock
        blocks, _, units = sums.sums.shape
        levels = len(clock.inside)
        both = clock.name == "column"
        # [side, level]: of every clock but the column, outside is one level and the others are inside.
        n, s = np.zeros((blocks, 2, levels)), np.zeros((blocks, 2, levels, units))
        half = len(clock.level) // 2
        for k, level in enumerate(clock.level.tolist()):
            side = int(k >= half) if both else int(level > 0)
            n[:, side, level] += sums.counts[:, clock.bins.start + k]
            s[:, side, level] += sums.sums[:, clock.bins.start + k]
        self.n, self.s = n, s
        self.errors = self._errors(self.means(np.s_[::2]), np.s_[1::2])

    def means(self, blocks: slice) -> Floats:
        """The mean at each level over some blocks [level, unit]: weighted, drawn a little to the mean of all."""
        return self._means(self.n[blocks].sum(0), self.s[blocks].sum(0))

    def _means(self, n: Floats, s: Floats) -> Floats:
        w = self.sums.weights[:, None]
        count, total = (w * n).sum(0), (w[..., None] * s).sum(0)
        inside = self.clock.inside
        around = np.where(inside[:, None], _ratio(total[inside].sum(0), count[inside].sum()), 0.0)
        drawn = np.where(inside, SHRINK * float(self.sums.weights[1]), 0.0)
        return _ratio(total + drawn[:, None] * around, (count + drawn)[:, None])

    def profile(self) -> Floats:
        """The mean at each level over all blocks, as it is [level, unit]; NaN where there are too few characters."""
        n, s = self.n.sum((0, 1)), self.s.sum((0, 1))
        return np.where(n[:, None] >= SUPPORT, s / np.maximum(n, 1)[:, None], np.nan)

    def _errors(self, means: Floats, blocks: slice) -> Floats:
        """Weighted squares that are left in each block, outside and inside [block, 2, unit]."""
        n, s, q = self.n[blocks], self.s[blocks], self.sums.squares[blocks]
        left = q - 2 * np.einsum("lu,bdlu->bdu", means, s) + np.einsum("lu,bdl->bdu", means**2, n)
        weighed: Floats = self.sums.weights[:, None] * left
        return weighed

    def _spread(self, blocks: slice) -> list[Floats]:
        """Weighted count, sum and squares of each block, [block, unit]."""
        w = self.sums.weights
        n = np.einsum("d,bdl->b", w, self.n[blocks])
        s = np.einsum("d,bdlu->bu", w, self.s[blocks])
        q = np.einsum("d,bdu->bu", w, self.sums.squares[blocks])
        return [np.broadcast_to(n[:, None], s.shape), s, q]

    def scored(self) -> tuple[Floats, Floats, Floats]:
        """R^2 on the odd blocks and its interval."""
        parts = [self.errors.sum(1), *self._spread(np.s_[1::2])]
        low, high = jackknife(lambda p: _r2(*p), parts)
        return _r2(*(p.sum(0) for p in parts)), low, high

    def gained(self, plain: _Levels) -> tuple[Floats, Floats, Floats]:
        """What this explains beyond the switch, on the odd blocks, and its interval."""
        parts = [self.errors.sum(1), plain.errors.sum(1), *self._spread(np.s_[1::2])]

        def gain(p: list[Floats]) -> Floats:
            return _r2(p[0], *p[2:]) - _r2(p[1], *p[2:])

        low, high = jackknife(gain, parts)
        return gain([p.sum(0) for p in parts]), low, high

    def within(self, plain: _Levels) -> Floats:
        """The share of what the switch leaves inside that this explains, on the odd blocks."""
        own, left = self.errors[:, 1].sum(0), plain.errors[:, 1].sum(0)
        return np.where(left > 0, 1 - _ratio(own, left), 0.0)

    def crossed(self) -> Floats:
        """R^2 on the even blocks, each scored with the means of the others."""
        n, s = self.n[::2], self.s[::2]
        if len(n) < 2:
            return np.full(s.shape[-1], np.nan)
        total = 0.0
        for b in range(len(n)):
            means = self._means(n.sum(0) - n[b], s.sum(0) - s[b])
            total = total + self._errors(means, np.s_[2 * b : 2 * b + 1]).sum((0, 1))
        return _r2(np.asarray(total), *(p.sum(0) for p in self._spread(np.s_[::2])))

    def shape(self) -> tuple[Floats, Floats]:
        """Swing and direction of the profile inside, each number of the clock counted alike.

        The spread is the covariance of the profiles of both halves, so that noise adds nothing to it.
        """
        inside, n = self.clock.inside, self.n.sum(1)
        halves = [_ratio(self.s[k::2].sum((0, 1)), n[k::2].sum(0)[:, None]) for k in (0, 1)]
        good = inside & (n[::2].sum(0) >= SUPPORT) & (n[1::2].sum(0) >= SUPPORT)
        if self.clock.name not in ("depth", "value"):
            shares = np.cumsum(np.where(inside, n.sum(0), 0)) / max(n.sum(0)[inside].sum(), 1)
            good &= np.append(0.0, shares[:-1]) < COVERED
        units = self.s.shape[-1]
        if good.sum() < 2:
            return np.zeros(units), np.zeros(units)
        w = self.clock.widths[good] / self.clock.widths[good].sum()
        centred = [h[good] - w @ h[good] for h in halves]
        spread = np.sqrt(np.maximum(w @ (centred[0] * centred[1]), 0))
        outside = self.sums.counts[:, :2].sum(), self.sums.sums[:, :2].sum((0, 1))
        gap = np.abs(w @ (halves[0][good] + halves[1][good]) / 2 - _ratio(outside[1], np.asarray(outside[0])))
        x = self.clock.values[good] - w @ self.clock.values[good]
        return spread / np.maximum(gap, 1e-9), np.sign((w * x) @ (centred[0] + centred[1]))


def _r2(errors: Floats, n: Floats, s: Floats, q: Floats) -> Floats:
    """1 - what is left over what there was; 0 for a constant."""
    spread = q - s * s / np.maximum(n, 1e-12)
    return np.where(spread > 1e-9 * np.maximum(q, 1e-12), 1 - errors / np.maximum(spread, 1e-12), 0.0)


def _ratio(a: Floats, b: Floats) -> Floats:
    """a / b, and 0 where there is nothing."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=np.asarray(b) > 0)
