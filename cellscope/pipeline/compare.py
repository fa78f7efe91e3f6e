"""Two networks on one text: which units correspond, and which features either has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cellscope.axes import Progress, Site
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.correspondence import Correspondence, correspond
from cellscope.evidence.twins import CONTROLS, twins
from cellscope.evidence.verdicts import digits
from cellscope.features.feature import Feature
from cellscope.features.library import library, select
from cellscope.findings import Findings
from cellscope.hooks.sites import choose_sites, recurrent_layers
from cellscope.models.network import Network
from cellscope.observe import NetworkSource
from cellscope.pipeline.addressed import addressed
from cellscope.pipeline.comparison import Comparison, Side, names_of, share, untrained_bar
from cellscope.pipeline.find import SEED, open_text, search, settle
from cellscope.pipeline.training import is_own
from cellscope.report.contents import RunHeader
from cellscope.training.run import RUNS, RunFolder, load_network

CHARACTERS = 500_000
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Read:
    """The last `characters` of a text, which both read; `unknown` is the share of them that the vocabulary of either
    has no symbol of their own for.
    """

    corpus: Corpus
    characters: int
    names: tuple[str, str]
    unknown: tuple[float, float]

    feature, position = "feature", "character"

    @property
    def met(self) -> str:
        return f"{self.characters:,} characters of {self.corpus.name}, read by"

    @property
    def caveats(self) -> tuple[str, ...]:
        return tuple(
            f"{digits(share * 100)} % of the text's characters are unknown to {name}."
            for name, share in zip(self.names, self.unknown, strict=True) if share > 0.001
        )  # fmt: skip

    def about(self) -> Mapping[str, Any]:
        return {"corpus": self.corpus.name, "characters": self.characters}

    def of_side(self, number: int) -> Mapping[str, Any]:
        return {"unknown": self.unknown[number]}

    def method(self, cells: Correspondence) -> tuple[str, ...]:
        return (
            f"Both read the last {self.characters:,} characters of {self.corpus.name} in the same lanes. A match is "
            f"chosen on the even ones of {cells.blocks} blocks and reported on the odd ones; intervals leave out one "
            "block.",
            f"Chance: the second network's lanes are turned against the first one's, {cells.draws} times (seed "
            f"{cells.seed}); p counts all units.",
            untrained_bar(cells),
        )

    def header(self, first: Side, model: str, seed: int) -> RunHeader:
        own = is_own(first.run, self.corpus)
        return RunHeader(
            name=first.network.name if own else f"{first.network.name}-on-{self.corpus.name}",
            corpus=self.corpus.name,
            model=model,
            characters=self.characters,
            seed=seed,
            date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        )


def compare(
    first: Network,
    second: Network,
    corpus: Corpus,
    features: Sequence[Feature],
    *,
    names: tuple[str, str] | None = None,
    runs: tuple[RunFolder | None, RunFolder | None] = (None, None),
    sites: tuple[tuple[Site, ...], tuple[Site, ...]] = ((), ()),
    characters: int | None = CHARACTERS,
    controls: int = CONTROLS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two networks on the last `characters` of a text; `sites` default to what each layer remembers.

    Each network is searched for every feature as `find` would at these sites. `controls` untrained networks of either
    kind set the bar for a correspondence. InputError where one reads characters and the other bytes: their positions
    are not the same.
    """
    kinds = first.vocabulary.kind, second.vocabulary.kind
    named = names or (first.name, second.name)
    if kinds[0] != kinds[1]:
        raise InputError(
            f"{named[0]} reads {kinds[0]} and {named[1]} reads {kinds[1]}: their positions are not the same ones, so "
            "their units cannot be set side by side; compare two networks of one kind"
        )
    start = max(0, len(corpus) - characters) if characters else 0
    at = [own or memories(network) for own, network in zip(sites, (first, second), strict=True)]
    networks = first, second
    bare = [network.untrained(seed) for network in networks]  # drawn from below: copies that nobody listens to
    with ExitStack() as listening:
        heard = [listening.enter_context(NetworkSource(n, corpus, own)) for n, own in zip(networks, at, strict=True)]
        untrained = listening.enter_context(twins(
            lambda side, drawn: NetworkSource(bare[side].untrained(drawn), corpus, at[side]),
            seed=seed, controls=controls,
        ))  # fmt: skip
        cells = correspond(heard[0], heard[1], untrained, start=start, seed=seed, progress=progress)
    one, other = Side(named[0], first, runs[0], at[0]), Side(named[1], second, runs[1], at[1])
    found = [
        _searched(side, network, corpus, features, len(corpus) - start, seed, progress)
        for side, network in ((one, first), (other, second))
    ]
    subject = Read(corpus, len(corpus) - start, named, (unknown(first, corpus, start), unknown(second, corpus, start)))
    asked = () if tuple(features) == library() else tuple(feature.name for feature in features)
    usual = all(tuple(own) == memories(network) for own, network in zip(at, networks, strict=True))
    shared = share(cells, found[0].evidence, found[1].evidence)
    return Comparison((one, other), subject, cells, shared, asked, () if usual else names_of(at))


def compare_runs(
    first: str,
    second: str,
    *,
    runs: Path = RUNS,
    asked: Sequence[str] = (),
    files: Sequence[Path] = (),
    text: str | Path | None = None,
    encoding: str = "utf-8",
    as_bytes: bool = False,
    streams: str | None = None,
    characters: int = CHARACTERS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two runs, or one run at two times: `RUN`, `RUN@last`, `RUN@STEP`; on their own text, or on `text`."""
    features = select(asked, files)
    ours, theirs = (addressed(address, runs) for address in (first, second))
    one, other = (load_network(at.run, which=at.which) for at in (ours, theirs))
    if text is None:
        _refuse_two_texts(ours.run, theirs.run)
    corpus = open_text(one, ours.run, text, encoding=encoding, as_bytes=as_bytes)
    if asked or files:
        settle(features, corpus, max(0, len(corpus) - characters) if characters else 0)
    chosen = None if streams is None else streams.split(",")
    sites = tuple(() if chosen is None else choose_sites(n.module, chosen) for n in (one, other))
    return compare(
        one, other, corpus, features, names=(ours.name, theirs.name), runs=(ours.run, theirs.run),
        sites=(sites[0], sites[1]), characters=characters or None, seed=seed, progress=progress,
    )  # fmt: skip


def memories(network: Network) -> tuple[Site, ...]:
    """What each layer hands on to its next step: the cell of an LSTM, the hidden state of the others."""
    choose_sites(network.module)  # InputError where nothing can be heard
    layers = recurrent_layers(network.module)
    return tuple(Site(layer.path, "cell" if layer.kind == "lstm" else "hidden") for layer in layers)


def unknown(network: Network, corpus: Corpus, start: int) -> float:
    """The share of the characters from `start` on for which the vocabulary has no symbol of their own."""
    other = network.vocabulary.other
    if other is None:
        return 0.0
    count = sum(
        int((network.vocabulary.encode(corpus.codes(at, min(at + _BLOCK, len(corpus)))) == other).sum())
        for at in range(start, len(corpus), _BLOCK)
    )
    return count / max(len(corpus) - start, 1)


def _searched(
    side: Side, network: Network, corpus: Corpus, features: Sequence[Feature], characters: int, seed: int,
    progress: Progress | None,
) -> Findings:  # fmt: skip
    told: Progress | None = None
    if progress is not None:
        known = progress
        told = lambda done, total, _: known(done, total, f"features of {side.name}")  # noqa: E731
    control = side.run.path / "control" if side.run is not None else None
    return search(
        network, corpus, features, sites=side.sites, characters=characters, control=control, seed=seed, progress=told,
    )  # fmt: skip


def _refuse_two_texts(first: RunFolder, second: RunFolder) -> None:
    """InputError where the two runs were trained on different texts, so that neither is the one to read."""
    known = [run.info().get("corpus") or {} for run in (first, second)]
    digests = [text.get("digest") for text in known]
    if digests[0] != digests[1]:
        told = [f"{run.name} on {text.get('name') or 'one it does not know'}" for run, text in
                zip((first, second), known, strict=True)]  # fmt: skip
        raise InputError(f"the two were trained on different texts ({', '.join(told)}): say which to read, --text FILE")
