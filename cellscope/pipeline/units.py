"""Which unit is meant by what somebody typed."""

from __future__ import annotations

from cellscope.axes import ALIASES, Site, Unit
from cellscope.errors import InputError, MissingError
from cellscope.hooks.sites import resolve_site, sites_of
from cellscope.models.network import Network


def named_unit(network: Network, address: str) -> Unit:
    """The unit of an address: `lstm.0:cell/221`; `cell/221` or `c/221` where one layer has it; `lstm.0/221` is h.

    MissingError lists what there is.
    """
    known = sites_of(network.module)
    text, slash, number = address.strip().rpartition("/")
    if not slash or not text or not number.isdecimal() or len(number) > 9:
        there = ", ".join(f"{site}/0 to /{size - 1}" for site, size in known.items())
        raise InputError(f"{address!r:.120} is no unit; write site/number. There is {there}")
    try:
        site = resolve_site(network.module, text)
    except MissingError as error:
        site = _by_stream(tuple(known), text, error)
    if int(number) >= known[site]:
        raise MissingError(f"no unit {int(number)} in {site}; it has 0 to {known[site] - 1}")
    return Unit(site, int(number))


def _by_stream(known: tuple[Site, ...], text: str, error: MissingError) -> Site:
    """The only site that has this stream; `error` where there is none."""
    found = [site for site in known if site.stream == ALIASES.get(text, text)]
    if not found:
        raise error
    if len(found) > 1:
        raise MissingError(f"{text} could be {', '.join(map(str, found))}; say which, as in {found[0]}/0")
    return found[0]
