"""From a network and a text to a zarr store of everything its units did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cellscope.axes import Site
from cellscope.chunks import Round
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError, InputError
from cellscope.hooks.sites import choose_sites, resolve_site, sites_of
from cellscope.models.network import Network
from cellscope.observe import WARM_UP, NetworkSource, Progress
from cellscope.pipeline.training import run_corpus
from cellscope.sinks.recording import Recording
from cellscope.training.run import RunFolder

LANES = 64
LANE = 8192
"""Positions of a lane: long beside the warm-up, and a multiple of every zarr chunk up to that size."""
TEXT = 1 << 20


def record(
    network: Network,
    corpus: Corpus,
    output: Path | str,
    *,
    sites: tuple[Site, ...] = (),
    dtype: str = "float32",
    lanes: int = LANES,
    warm_up: int = WARM_UP,
    exact: bool = False,
    about: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write what the sites (default: hidden and cell of every layer) do on reading the text, row t on character t.

    The store has an array [position, unit] for each site and the text's code points as `character` [position]; it has
    its name only when all is there. `exact` plays one lane from rest; otherwise each lane hears `warm_up` characters
    first, which cost some thousandths of agreement at its beginning. InputError for sites that are not there, an empty
    text, a value that float16 cannot hold, and an output that exists.
    """
    if lanes < 1:
        raise InputError(f"lanes must be at least 1, not {lanes}")
    known = sites_of(network.module)
    sites = sites or named_sites(network)
    units = {site: known[site] for site in (resolve_site(network.module, str(site)) for site in sites)}
    facts = {
        "cellscope": version("cellscope"),
        "run": network.name,
        "network": network.description,
        "corpus": corpus.name,
        "digest": corpus.digest,
        "characters": "bytes" if corpus.as_bytes else "code points",
        "lanes": 1 if exact else lanes,
        "warm_up": 0 if exact else warm_up,
        **(about or {}),
    }
    lanes = 1 if exact else lanes
    try:
        with Recording(
            output, units, len(corpus), dtype=dtype, lanes=lanes, about=facts, overwrite=overwrite
        ) as recording:
            for start in range(0, len(corpus), TEXT):
                codes = corpus.codes(start, min(start + TEXT, len(corpus)))
                recording.column("character", start, codes, description="code point of each character, or the byte")
            with NetworkSource(network, corpus, tuple(units), exact=exact, warm_up=warm_up) as source:
                for part in stretches(len(corpus), lanes):
                    for chunk in source.play(part)[1]:
                        recording.add(chunk)
                    if progress is not None:
                        progress(part.stop, len(corpus), "")
            return recording.finish()
    except OSError as error:
        raise CellscopeError(f"{output} cannot be written: {error.strerror or error}") from error


def named_sites(network: Network, *, sites: str | None = None, streams: str | None = None) -> tuple[Site, ...]:
    """The sites of `lstm.0:cell,lstm.1:h`, or of every layer's `h,c` or `all`; by default hidden and cell."""
    if sites is not None:
        found = [resolve_site(network.module, part) for part in sites.split(",") if part.strip()]
        if not found:
            raise InputError(f"{sites!r} names no site; write module.path:stream, as in lstm.0:cell")
        return tuple(dict.fromkeys(found))
    chosen = None if streams is None else [part.strip() for part in streams.split(",") if part.strip()]
    return choose_sites(network.module, chosen)


def held_back(run: RunFolder) -> Corpus:
    """The part of a run's text that it was not trained on; the whole where nothing was held back."""
    corpus = run_corpus(run)
    start, stop = run.info()["corpus"]["validation"]
    return corpus.part(start, stop) if start < stop else corpus


def stretches(length: int, lanes: int) -> Iterator[Round]:
    """Cut a text into rounds of whole lanes, so that lanes and zarr chunks share their borders; the end is one lane."""
    whole = length // LANE * LANE
    for start in range(0, whole, LANE * lanes):
        stop = min(start + LANE * lanes, whole)
        yield Round(start, stop, (stop - start) // LANE, 1)
    if whole < length:
        yield Round(whole, length, 1, 1)
