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
from cellscope.evidence.probing import BLOCKS
from cellscope.features.feature import Feature
from cellscope.judge import judge
from cellscope.models.network import Network
from cellscope.pipeline.bases import Choice
from cellscope.report.files import write_whole

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
) -> Mapping[str, float]:
    """The same search on the same architecture with fresh weights: the best unit's score by feature name.

    Scores that `folder` already holds for this text, these sites and this definition of a feature are taken from there.
    NaN for directions from a file, which are the same for either network: nothing was fitted to the fresh weights.
    """
    if basis is not None and basis.saved:
        return {f.name: math.nan for f in features}
    what = [corpus.digest, len(corpus), list(map(str, sites)), seed, CONTROL, LEAD]
    what += [] if basis is None else basis.key
    key = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]
    path = folder / f"{key}.json" if folder is not None else None
    known = _read(path)
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
        # What cannot be judged is kept as well, as null: or it would be looked for again every time.
        known |= {f.digest: None if e.remark else e.score for f, e in zip(found.features, found.evidence, strict=True)}
        if path is not None:
            write_whole(path, json.dumps(known))
    scores = {f.name: known.get(f.digest) for f in features}
    return {name: math.nan if score is None else score for name, score in scores.items()}


def _read(path: Path | None) -> dict[str, float | None]:
    """The scores that were kept; none where there is no file or a damaged one."""
    try:
        content = json.loads(path.read_text()) if path is not None else {}
    except (OSError, ValueError):
        return {}
    good = isinstance(content, dict) and all(s is None or isinstance(s, (int, float)) for s in content.values())
    return content if good else {}
