"""A search among whose units is the one, or the component, that somebody named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellscope.axes import Progress, Unit
from cellscope.features.library import select
from cellscope.pipeline.components import named, sites_with
from cellscope.pipeline.find import Search, find_in
from cellscope.pipeline.networks import open_network

OPENED = ("runs", "which", "model", "weights", "vocabulary")


def search_with(
    run: str | Path | None, address: str, *, progress: Progress | None = None, **options: Any
) -> tuple[Search, Unit]:
    """Search as `find_in` does, with the same options, and the unit of an address (see `components.named`).

    A component is searched beside those that `find --basis` searches, so that it gets the same numbers; a direction
    that lies over some streams, as that of a probe or a file, beside those of the same streams. The feature whose
    direction it is, is searched for beside those that were asked for.
    """
    network, _ = open_network(run, **{name: options[name] for name in OPENED if name in options})
    asked = named(network, address)
    if isinstance(asked, Unit):
        search = find_in(run, sites=sites_with(network, asked.site), progress=progress, **options)
        return search, asked
    features = select(options.get("asked", ()), options.get("files", ()))
    asked.check(network, features)
    if asked.feature is not None and asked.feature not in [f.name for f in features]:
        options["asked"] = (*options.get("asked", ()), asked.feature)
    search = find_in(run, sites=asked.beside(network), basis=asked.choice, progress=progress, **options)
    return search, asked.of(search.bases)[1]
