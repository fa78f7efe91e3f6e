"""Power: how much text is needed before a unit that does follow a feature is found?"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from cellscope.axes import Site
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.evidence.verdicts import Q
from cellscope.judge import judge
from cellscope.observe import ArraySource
from proof.labels import coded, features_of, runs, slow_noise
from proof.material import SEED
from proof.rows import Part, Row, interval, rate, table

EFFECTS = (0.55, 0.6, 0.7, 0.85)
"""AUC of the planted unit."""
TRIALS = {10_000: 40, 20_000: 30, 40_000: 20, 80_000: 12, 160_000: 12}
"""Searches by length of the text: more where they are cheap."""
UNITS, SCALE = 64, 20.0
ON, OFF = 30.0, 300.0
"""Mean lengths of the label's stretches, on and off."""
FEATURES = 4
WANTED = 0.9


def measure(pool: Executor, quick: bool = False) -> Part:
    """How many of the searches find the unit, by effect and length of text."""
    trials = dict.fromkeys(list(TRIALS)[:3], 2) if quick else TRIALS
    jobs = [(effect, length, seed) for effect in EFFECTS for length, many in trials.items() for seed in range(many)]
    told = list(pool.map(trial, *zip(*jobs, strict=True), chunksize=2))
    found: dict[tuple[float, int], list[bool]] = {}
    for (effect, length, _), hit in zip(jobs, told, strict=True):
        found.setdefault((effect, length), []).append(hit)
    lines, needed = [], {}
    for effect in EFFECTS:
        hits = [found[effect, length] for length in trials]
        needed[effect] = next((n for n, h in zip(trials, hits, strict=True) if np.mean(h) >= WANTED), None)
        lines.append([f"{effect:g}", *(rate(sum(h), len(h)) for h in hits)])
    said = "; ".join(f"AUC {e:g}: {f'{n:,}' if n else f'more than {max(trials):,}'}" for e, n in needed.items())
    strong = [hit for (effect, length), hits in found.items() for hit in hits if effect >= 0.85 and length >= 40_000]
    checks = (
        Row("Power: a unit with AUC .85 among 64, 40,000 characters and more", ">= 90 %",
            rate(sum(strong), len(strong)), np.mean(strong) >= WANTED),
        Row("Characters needed to find a unit nine times in ten", "", said),
    )  # fmt: skip
    page = table(["AUC of the unit", *(f"{n:,} characters" for n in trials)], lines)
    page += f"\n\nThe share of searches that found it, of {', '.join(map(str, trials.values()))} by length."
    figures = {
        f"{e:g}": {str(n): {"rate": float(np.mean(found[e, n])), "interval": interval(sum(found[e, n]), many)}
                   for n, many in trials.items()} for e in EFFECTS
    }  # fmt: skip
    return Part("Power", checks, {"trials": trials, "found": figures}, page)


def trial(effect: float, length: int, seed: int) -> bool:
    """Whether the planted unit is the one that is found, and q is at most .05."""
    import torch
    from scipy.stats import norm

    torch.set_num_threads(1)
    rng = np.random.default_rng([SEED, seed, length])
    labels = np.stack([runs(rng, length, OFF, ON) for _ in range(FEATURES)])
    values = slow_noise(rng, length, [SCALE] * UNITS)
    unit = int(rng.integers(0, UNITS))
    values[:, unit] += np.float32(np.sqrt(2) * norm.ppf(effect)) * labels[0]
    source = ArraySource(values, Site("trial", "hidden"))
    e = judge(count(source, Corpus.from_text(coded(labels)), features_of(FEATURES), seed=seed)).evidence[0]
    return e.unit is not None and e.unit.index == unit and bool(e.q <= Q)
