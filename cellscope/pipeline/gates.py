"""How much of the held-back text each gate of a run spends closed and open, counted once for these weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.errors import CellscopeError, InputError
from cellscope.hooks.sites import sites_of
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, Progress, rounds
from cellscope.pipeline.record import held_back
from cellscope.report.contents import Saturated
from cellscope.report.files import write_whole
from cellscope.sinks.saturation import SIGMOID, Saturation
from cellscope.training.run import RunFolder

SPLIT = 8_000_000
"""Characters of the held-back text that are heard at most: as many as xz reads."""

Fractions = dict[Site, NDArray[np.float64]]


def gates(network: Network, run: RunFolder, *, progress: Progress | None = None) -> tuple[Saturated, ...]:
    """Saturation of every gate of every layer over the run's held-back text; kept in the run's folder.

    Nothing where the network has no gates, or the run's text is not there.
    """
    sites = tuple(site for site in sites_of(network.module) if site.stream in SIGMOID)
    if not sites:
        return ()
    path = run.path / "control" / f"gates-{digest_of(network)}.json"
    try:
        left, right = _read(path.read_text("utf-8"), sites)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        try:
            left, right = _heard(network, run, sites, progress=progress)
        except InputError:
            return ()
        _keep(path, left, right)
    return tuple(
        Saturated(layer=site.path, gate=site.stream, unit=unit, left=float(below), right=float(above))
        for site in sites
        for unit, (below, above) in enumerate(zip(left[site], right[site], strict=True))
    )


def _heard(
    network: Network, run: RunFolder, sites: tuple[Site, ...], *, progress: Progress | None
) -> tuple[Fractions, Fractions]:
    text = held_back(run)
    text = text.part(0, min(len(text), SPLIT))
    with NetworkSource(network, text, sites) as source:
        sink = Saturation(source.sizes)
        for part in rounds(len(text)):
            for chunk in source.play(part)[1]:
                sink.add(chunk)
                if progress:
                    progress(sink.positions, len(text), "gates")
    both = {site: sink.fractions(site) for site in sites}
    return {site: both[site][0] for site in sites}, {site: both[site][1] for site in sites}


def _read(text: str, sites: tuple[Site, ...]) -> tuple[Fractions, Fractions]:
    known = json.loads(text)
    left, right = ({site: np.array(known[side][str(site)], float) for site in sites} for side in ("left", "right"))
    if any(left[site].shape != right[site].shape or left[site].ndim != 1 for site in sites):
        raise ValueError("the two sides differ")
    return left, right


def _keep(path: Path, left: Fractions, right: Fractions) -> None:
    sides = (("left", left), ("right", right))
    content = {side: {str(site): values.round(6).tolist() for site, values in of.items()} for side, of in sides}
    try:
        write_whole(path, json.dumps(content))
    except CellscopeError:
        pass  # a run that cannot be written to is heard again next time


def digest_of(network: Network) -> str:
    """What tells these weights from others."""
    digest = hashlib.sha256()
    for name, tensor in network.module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
