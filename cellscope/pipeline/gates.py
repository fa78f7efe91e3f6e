"""How much of a text each gate of a network spends closed and open, counted once for these weights and this text."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.data.text import Corpus
from cellscope.errors import CellscopeError
from cellscope.hooks.firing import firing_layers
from cellscope.models.network import Network
from cellscope.models.state_dict import digest_of
from cellscope.observe import NetworkSource, Progress, rounds
from cellscope.report.contents import Saturated
from cellscope.report.files import write_whole
from cellscope.sinks.saturation import SIGMOID, Saturation

HEAD = 4096
"""Characters at the beginning of a text that tell how it was read."""

Fractions = dict[Site, NDArray[np.float64]]


def gates(
    network: Network, text: Corpus, *, folder: Path | None = None, progress: Progress | None = None
) -> tuple[Saturated, ...]:
    """Saturation of every gate of every layer over the text, kept in `folder` (a run's control/) where there is one.

    Nothing where the network has no gates.
    """
    ids = torch.from_numpy(network.vocabulary.encode(text.codes(0, 1)))[None].to(network.device)
    layers = firing_layers(network.module, ids)
    sites = tuple(site for layer in layers for site in layer.sites if site.stream in SIGMOID)
    if not sites:
        return ()
    # A file has one digest however it is read: as characters of this or that encoding, or as bytes.
    read = hashlib.sha256(
        f"{text.digest} {len(text)} {text.as_bytes} {text.text(0, min(HEAD, len(text)))}".encode("utf-8", "replace")
    )
    path = folder / f"gates-{digest_of(network.module)}-{read.hexdigest()[:16]}.json" if folder is not None else None
    known = _read(path, sites)
    left, right = known or _heard(network, text, sites, progress=progress)
    if path is not None and known is None:
        _keep(path, left, right)
    return tuple(
        Saturated(layer=site.path, gate=site.stream, unit=unit, left=float(below), right=float(above))
        for site in sites
        for unit, (below, above) in enumerate(zip(left[site], right[site], strict=True))
    )


def _heard(
    network: Network, text: Corpus, sites: tuple[Site, ...], *, progress: Progress | None
) -> tuple[Fractions, Fractions]:
    with NetworkSource(network, text, sites) as source:
        sink = Saturation(source.sizes)
        for part in rounds(len(text)):
            for chunk in source.play(part)[1]:
                sink.add(chunk)
                if progress:
                    progress(sink.positions, len(text), "gates")
    both = {site: sink.fractions(site) for site in sites}
    return {site: both[site][0] for site in sites}, {site: both[site][1] for site in sites}


def _read(path: Path | None, sites: tuple[Site, ...]) -> tuple[Fractions, Fractions] | None:
    """What was kept; None where there is no such file or a damaged one."""
    if path is None:
        return None
    try:
        known = json.loads(path.read_text("utf-8"))
        left, right = ({site: np.array(known[side][str(site)], float) for site in sites} for side in ("left", "right"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    fits = all(left[site].shape == right[site].shape and left[site].ndim == 1 for site in sites)
    return (left, right) if fits else None


def _keep(path: Path, left: Fractions, right: Fractions) -> None:
    sides = (("left", left), ("right", right))
    content = {side: {str(site): values.round(6).tolist() for site, values in of.items()} for side, of in sides}
    try:
        write_whole(path, json.dumps(content))
    except CellscopeError:
        pass  # a run that cannot be written to is heard again next time
