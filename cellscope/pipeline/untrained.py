"""The control beside a search: the same search on the same architecture before any training."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from cellscope.axes import Progress, Site
from cellscope.count import LEAD, count
from cellscope.data.text import Corpus
from cellscope.evidence.bases import hear
from cellscope.evidence.intervals import Estimate
from cellscope.evidence.probing import BLOCKS
from cellscope.features.feature import Feature
from cellscope.judge import judge
from cellscope.models.network import Network
from cellscope.pipeline.bars import FORM, bars_of, read_bars, write_bars
from cellscope.pipeline.bases import Choice

SEED = 123
"""What every random number of a search comes from, unless another seed is given."""
CONTROL = 500_000
"""Characters that the untrained control reads at most: its scores are a bar to be cleared, not a claim."""


def untrained_scores(
    network: Network,
    corpus: Corpus,
    features: Sequence[Feature],
    sites: tuple[Site, ...],
    *,
    folder: Path | None = None,
    basis: Choice | None = None,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Mapping[str, Estimate]:
    """The same search on the same architecture with fresh weights: the best unit's score by feature name, with its
    interval.

    Scores that `folder` already holds for this text, these sites and this definition of a feature are taken from there.
    NaN for directions from a file, which are the same for either network: nothing was fitted to the fresh weights.
    """
    if basis is not None and basis.saved:
        return {f.name: Estimate(math.nan) for f in features}
    what = [corpus.digest, len(corpus), list(map(str, sites)), seed, CONTROL, LEAD, FORM]
    what += [] if basis is None else basis.key
    key = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
    path = folder / f"{key}.json" if folder is not None else None
    known = read_bars(path)
    missing = [f for f in features if f.digest not in known]
    if missing:
        bare = network.untrained(seed)
        start = max(0, len(corpus) - CONTROL)
        told: Progress | None = (
            (lambda done, total, _: progress(done, total, "untrained control")) if progress else None
        )
        bases = basis.learn(bare, corpus, sites, missing, start=start, seed=seed, progress=told) if basis else ()
        blocks = BLOCKS if basis is not None else None
        with hear(bare, corpus, tuple(b.site for b in bases) or sites, bases) as source:
            counts = count(
                source, corpus, missing, start=start, seed=seed, evidence=False, blocks=blocks, progress=told
            )
        found = judge(counts)
        known |= {f.digest: bar for f, bar in zip(found.features, bars_of(found), strict=True)}
        if path is not None:
            write_bars(path, known)
    return {f.name: known.get(f.digest) or Estimate(math.nan) for f in features}
