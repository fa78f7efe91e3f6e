"""Two networks on one text: which units correspond, and which features either has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from cellscope.axes import Progress, Site
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.evidence.correspondence import Correspondence, correspond
from cellscope.evidence.verdicts import Evidence
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.hooks.sites import choose_sites, recurrent_layers
from cellscope.models.network import Network
from cellscope.observe import NetworkSource
from cellscope.pipeline.comparison import Comparison, Shared, Side
from cellscope.pipeline.find import SEED, Search, open_text, search, settle
from cellscope.training.run import RUNS, RunFolder, load_network, open_run

CHARACTERS = 500_000
_BLOCK = 1 << 20


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
    seed: int = SEED,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two networks on the last `characters` of a text; `sites` default to what each layer remembers.

    Each network is searched for every feature as `find` would at these sites. InputError where one reads characters
    and the other bytes: their positions are not the same.
    """
    kinds = first.vocabulary.kind, second.vocabulary.kind
    named = names or (first.name, second.name)
    if kinds[0] != kinds[1]:
        raise InputError(
            f"{named[0]} reads {kinds[0]} and {named[1]} reads {kinds[1]}: their positions are not the same ones, so "
            "their units cannot be set side by side; compare two networks of one kind"
        )
    start = max(0, len(corpus) - characters) if characters else 0
    sides = tuple(
        Side(name, network, run, at or memories(network), unknown(network, corpus, start))
        for name, network, run, at in zip(named, (first, second), runs, sites, strict=True)
    )
    with ExitStack() as listening:
        of = [(side.network, side.sites) for side in sides]
        of += [(side.network.untrained(seed), side.sites) for side in sides]
        heard = [listening.enter_context(NetworkSource(network, corpus, at)) for network, at in of]
        cells = correspond(heard[0], heard[1], (heard[2], heard[3]), start=start, seed=seed, progress=progress)
    found = [_searched(side, corpus, features, len(corpus) - start, seed, progress) for side in sides]
    shared = tuple(_shared(cells, a, b) for a, b in zip(*(s.findings.evidence for s in found), strict=True))
    return Comparison((sides[0], sides[1]), corpus, cells, shared)


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
    (one, folder, which), (other, its, when) = (opened(address, runs) for address in (first, second))
    if text is None:
        _refuse_two_texts(folder, its)
    corpus = open_text(one, folder, text, encoding=encoding, as_bytes=as_bytes)
    if asked or files:
        settle(features, corpus, max(0, len(corpus) - characters) if characters else 0)
    chosen = None if streams is None else streams.split(",")
    sites = tuple(() if chosen is None else choose_sites(n.module, chosen) for n in (one, other))
    return compare(
        one, other, corpus, features, names=(called(folder, which), called(its, when)), runs=(folder, its),
        sites=(sites[0], sites[1]), characters=characters or None, seed=seed, progress=progress,
    )  # fmt: skip


def opened(address: str, runs: Path) -> tuple[Network, RunFolder, str]:
    """The network of `RUN` or `RUN@WHICH`, its folder, and which weights: best, last, or the step of a snapshot."""
    try:
        folder, which = open_run(address, runs), "best"
    except MissingError:
        name, at, which = address.rpartition("@")
        if not at:
            raise
        folder = open_run(name, runs)
    return load_network(folder, which=which), folder, which


def called(run: RunFolder, which: str) -> str:
    """A run's name, and which of its weights where these are not the best."""
    return run.name if which == "best" else f"{run.name}@{which}"


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
    side: Side, corpus: Corpus, features: Sequence[Feature], characters: int, seed: int, progress: Progress | None
) -> Search:
    told: Progress | None = None
    if progress is not None:
        known = progress
        told = lambda done, total, _: known(done, total, f"features of {side.name}")  # noqa: E731
    control = side.run.path / "control" if side.run is not None else None
    found = search(
        side.network, corpus, features, sites=side.sites, characters=characters, control=control, seed=seed,
        progress=told,
    )  # fmt: skip
    return Search(side.network, side.run, corpus, found)


def _shared(cells: Correspondence, first: Evidence, second: Evidence) -> Shared:
    if first.unit is None or second.unit is None:
        return Shared(first, second, None, False)
    back = next(m for m in cells.second if m.unit == second.unit)
    forth = next(m for m in cells.first if m.unit == first.unit)
    one = forth.found and back.found and forth.other == second.unit
    return Shared(first, second, cells.between(first.unit, second.unit), one)


def _refuse_two_texts(first: RunFolder, second: RunFolder) -> None:
    """InputError where the two runs were trained on different texts, so that neither is the one to read."""
    known = [run.info().get("corpus") or {} for run in (first, second)]
    digests = [text.get("digest") for text in known]
    if digests[0] != digests[1]:
        told = [f"{run.name} on {text.get('name') or 'one it does not know'}" for run, text in
                zip((first, second), known, strict=True)]  # fmt: skip
        raise InputError(f"the two were trained on different texts ({', '.join(told)}): say which to read, --text FILE")
