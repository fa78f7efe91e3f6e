"""Panels that cannot be measured of these pictures or this network: the page is written without them, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from cellscope.errors import CellscopeError
from cellscope.report.picture_contents import PictureRunPage

T = TypeVar("T")


class Left:
    """What was left out of a page, and why."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def out(self, what: str, make: Callable[[], T], instead: T) -> T:
        """What `make` makes; `instead`, with its reason kept, where it raises a CellscopeError."""
        try:
            return make()
        except CellscopeError as error:
            self.reasons.append(f"Left out: {what} ({error}).")
            return instead

    def said(self, page: PictureRunPage) -> PictureRunPage:
        """The page with the reasons under its headline."""
        return replace(page, headline=replace(page.headline, caveats=(*page.headline.caveats, *self.reasons)))
