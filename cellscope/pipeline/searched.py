"""A search among whose units is the one, or the component, that somebody named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellscope.axes import Progress, Unit
from cellscope.hooks.sites import choose_sites
from cellscope.pipeline.components import Component, named
from cellscope.pipeline.find import Search, find_in
from cellscope.pipeline.networks import open_network

OPENED = ("runs", "which", "model", "weights", "vocabulary")


def search_with(
    run: str | Path | None, address: str, *, progress: Progress | None = None, **options: Any
) -> tuple[Search, Unit]:
    """Search as `find_in` does, with the same options, and the unit of an address (see `components.named`).

    A component is searched beside those that `find --basis` searches, so that it gets the same numbers; a direction
    that lies over some streams, as that of a probe or a file, beside those of the same streams.
    """
    network, _ = open_network(run, **{name: options[name] for name in OPENED if name in options})
    asked = named(network, address)
    usual = choose_sites(network.module)
    if isinstance(asked, Unit):
        search = find_in(run, sites=_with(usual, asked.site), progress=progress, **options)
        return search, asked
    search = find_in(run, sites=_beside(usual, asked), basis=asked.choice, progress=progress, **options)
    return search, asked.of(search.bases)[1]


def _beside(usual: tuple[Any, ...], asked: Component) -> tuple[Any, ...]:
    """The sites whose components are searched."""
    together = asked.choice.kind == "probe" or asked.choice.saved
    return asked.over if together else _with(usual, asked.over[0])


def _with(usual: tuple[Any, ...], site: Any) -> tuple[Any, ...]:
    """The usual sites, and the others of this stream where it is none of them."""
    return usual if site in usual else (*usual, site)
