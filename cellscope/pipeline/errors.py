"""A network's errors beside those of models of n characters: from a run, or somebody's model, to what can be told."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Progress
from cellscope.errors import InputError
from cellscope.evidence.distances import FEATURES, Distances, by_distance
from cellscope.evidence.errors import SHORT, Errors, Stretch, errors
from cellscope.evidence.groups import Group
from cellscope.evidence.intervals import Estimate
from cellscope.evidence.losses import losses_of
from cellscope.evidence.ngrams import ORDER
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.models.network import Network
from cellscope.pipeline.find import clean, open_text
from cellscope.pipeline.networks import open_network
from cellscope.pipeline.reference import ASKED, Asked, asked_of, reference_of
from cellscope.training.run import RUNS, RunFolder

MISSED = 6
"""Characters that are told of either side."""
SIGNS = {"\n": "⏎", "\t": "→", " ": "␣"}


@dataclass(frozen=True, eq=False)
class Compared:
    """A network and n-gram models on one stretch of text; `nats` and `ngram` are losses, float32 [position].

    rare   features whose spans close too rarely in the stretch, and how often they do
    """

    network: Network
    run: RunFolder | None
    asked: Asked
    order: int
    errors: Errors
    distances: tuple[Distances, ...]
    rare: dict[str, int]
    nats: NDArray[np.float32]
    ngram: NDArray[np.float32]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answers in words: loss, errors, short memory, and what closes far from where it opened."""
        whole, n = self.errors.all, f"{self.order}-gram model"
        loss = (
            f"the network predicts {self.asked.corpus.name} at {whole.network:.3f} nats "
            f"({whole.network / math.log(2):.2f} bits) a character, the {n} at {whole.ngram:.3f}: "
            f"{_better(whole.difference, n)}"
        )
        wrong = (
            f"of the characters, {percent(whole.network_wrong)} are wrong (p < .5) for the network and "
            f"{percent(whole.ngram_wrong)} for the {n}; {shares(whole.only_network)} for the network alone, "
            f"{shares(whole.only_ngram)} for the {n} alone"
        )
        short = (
            f"{shares(self.errors.short)} of the network's errors are right in some model of 1 to "
            f"{min(SHORT, self.order)} characters"
        )
        return (loss, wrong, short, *(s for d in self.distances if (s := closes(d, n))))

    def text(self, stretch: Stretch) -> str:
        """The characters of a stretch."""
        return self.asked.corpus.text(stretch.start, stretch.start + stretch.length)

    def json(self) -> str:
        """Everything as JSON; keys are stable, numbers that do not exist are null."""
        found = asdict(self.errors)
        for side in ("worse", "better"):
            for told, stretch in zip(found[side], getattr(self.errors, side), strict=True):
                told["text"] = self.text(stretch)
        content: dict[str, Any] = {
            "cellscope": version("cellscope"),
            "run": self.run.name if self.run else None,
            "network": self.network.description,
            "corpus": self.asked.corpus.name,
            "start": self.asked.start,
            "stop": self.asked.stop,
            "order": self.order,
            "learnt": {"text": self.asked.learnt_name, "characters": len(self.asked.learnt)},
            "remark": self.asked.remark,
            "sentences": self.sentences,
            **found,
            "distances": [asdict(d) for d in self.distances],
            "rare": self.rare,
        }
        return json.dumps(_cleaned(content), indent=1, ensure_ascii=False)


def errors_in(
    run: str | Path | None = None,
    *,
    features: Sequence[str] = (),
    files: Sequence[Path] = (),
    text: str | Path | None = None,
    encoding: str = "utf-8",
    as_bytes: bool = False,
    trained_on: str | Path | None = None,
    characters: int = ASKED,
    order: int = ORDER,
    runs: Path = RUNS,
    which: str = "best",
    model: str | None = None,
    weights: Path | None = None,
    vocabulary: Path | None = None,
    progress: Progress | None = None,
) -> Compared:
    """The errors of a run (the latest by default) or of somebody's model, in its own text or in `text`."""
    chosen = select(features, files) if features or files else select(FEATURES)
    network, folder = open_network(run, runs=runs, which=which, model=model, weights=weights, vocabulary=vocabulary)
    corpus = open_text(network, folder, text, encoding=encoding, as_bytes=as_bytes)
    learnt = None
    if trained_on is not None:
        learnt = open_text(network, None, trained_on, encoding=encoding, as_bytes=as_bytes)
    asked = asked_of(folder, corpus, characters=characters, trained_on=learnt)
    found = compared(network, folder, asked, features=chosen, order=order, progress=progress)
    if (features or files) and not found.distances:
        raise InputError(f"{_rarely(found.rare)} in the {asked.length:,} characters of {corpus.name} that were asked")
    return found


def compared(
    network: Network,
    run: RunFolder | None,
    asked: Asked,
    *,
    features: Sequence[Feature] | None = None,
    order: int = ORDER,
    progress: Progress | None = None,
) -> Compared:
    """A network beside the n-gram models on what is asked; the latter are kept in the run's folder control/."""
    chosen = select(FEATURES) if features is None else features
    for feature in chosen:
        if feature.kind != "span":
            raise InputError(f"{feature.name} is a number; distances are counted from where a span begins: give a span")
    told: Progress | None = (lambda done, total, _: progress(done, total, "network")) if progress else None
    nats = losses_of(network, asked.corpus, asked.start, asked.stop, progress=told)
    folder = run.path / "control" if run is not None else None
    reference = reference_of(asked, network.vocabulary, order=order, folder=folder, progress=progress)
    codes = _Text(asked)
    distances, rare = by_distance(chosen, asked.corpus, asked.start, nats, reference.nats)
    return Compared(
        network, run, asked, order, errors(nats, reference, codes, start=asked.start), distances, rare, nats,
        reference.nats,
    )  # fmt: skip


@dataclass(frozen=True)
class _Text:
    """The asked characters as code points, read where a slice is taken."""

    asked: Asked

    def __getitem__(self, here: slice, /) -> NDArray[np.uint32]:
        first = self.asked.start
        return self.asked.corpus.codes(first + here.start, first + here.stop)


def closes(d: Distances, n: str) -> str:
    """How well either closes what was opened, and how far the network's memory is seen to reach; "" where neither is
    better.
    """
    whole = d.closing
    who = "network" if whole.difference.high < 0 else n if whole.difference.low > 0 else ""
    if not who:
        return ""
    reach = [g.name for g in d.closings if g.difference.high < 0]
    far = f", and clearly so up to a distance of {reach[-1]}" if who == "network" and reach else ""
    return (
        f"what closes {d.feature} costs the network {whole.network:.2f} nats and the {n} {whole.ngram:.2f}: "
        f"the {who} is better{far}"
    )


def most_missed(found: Errors) -> tuple[list[tuple[Group, int]], list[tuple[Group, int]]]:
    """The characters that the network alone gets wrong most often, with how many times, and those of the n-gram."""
    counts = [
        [(g, round(g.characters * getattr(g, side).value)) for g in found.symbols]
        for side in ("only_network", "only_ngram")
    ]
    network, ngram = (sorted((c for c in side if c[1]), key=lambda c: -c[1])[:MISSED] for side in counts)
    return network, ngram


def symbols_sentence(found: Compared) -> str:
    """Which characters either gets wrong most often that the other gets right."""
    network, ngram = most_missed(found.errors)
    told = [
        f"the {who} alone gets {', '.join(f'{shown(g.name)} ({times:,} times)' for g, times in some)} wrong"
        for who, some in (("network", network), (f"{found.order}-gram model", ngram)) if some
    ]  # fmt: skip
    return "; ".join(told) or "no character is wrong for one of the two alone"


def shown(symbol: str) -> str:
    """A character as it is shown: white space by its usual signs, what does not print by U+FFFD."""
    return SIGNS.get(symbol, symbol if symbol.isprintable() else "\ufffd")


def percent(share: float) -> str:
    """`8.3 %`."""
    return f"{100 * share:.1f} %"


def shares(estimate: Estimate) -> str:
    """`8.3 % (6.7-10.0)`."""
    if math.isnan(estimate.low):
        return percent(estimate.value)
    return f"{percent(estimate.value)} ({100 * estimate.low:.1f}-{100 * estimate.high:.1f})"


def nats_of(estimate: Estimate) -> str:
    """`-0.52 (-0.64 to -0.40)`."""
    if math.isnan(estimate.low):
        return f"{estimate.value:+.2f}"
    return f"{estimate.value:+.2f} ({estimate.low:+.2f} to {estimate.high:+.2f})"


def _better(difference: Estimate, n: str) -> str:
    interval = f"95 % {difference.low:+.3f} to {difference.high:+.3f}"
    if math.isnan(difference.low) or difference.low <= 0 <= difference.high:
        return f"no clear difference ({difference.value:+.3f}, {interval})"
    who = "the network" if difference.high < 0 else f"the {n}"
    return f"{who} is better by {abs(difference.value):.3f} ({interval})"


def _rarely(rare: dict[str, int]) -> str:
    return "; ".join(f"{name} closes {count} times" for name, count in rare.items())


def _cleaned(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_cleaned(part) for part in value]
    return {k: _cleaned(v) for k, v in value.items()} if isinstance(value, dict) else clean(value)
