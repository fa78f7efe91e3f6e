"""What pages of pictures are fed with is checked on the way in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cellscope.errors import InputError
from cellscope.report.picture_contents import (
    Backward,
    ConceptExample,
    Examples,
    Filter,
    Headline,
    LayerGrid,
    LayerPage,
    PictureBank,
    PictureHeader,
    PictureRunPage,
    PictureUnit,
    RowBank,
)

BANK = PictureBank(pictures=np.zeros((3, 4, 4, 3), np.uint8), numbers=(7, 8, 9))
HEADER = PictureHeader(name="run", images="shapes", model="small_cnn", pictures=100)


def layer(*units: PictureUnit, grid: LayerGrid | None = None) -> LayerPage:
    sentence = Headline(sentence="two units")
    shape = (len(units), 4, 4)
    return LayerPage(
        header=HEADER, headline=sentence, site="a.0", kind="Conv2d", shape=shape, bank=BANK, units=units, grid=grid
    )


def test_what_fits_is_taken_as_it_is() -> None:
    """A unit's address is its layer's and its number, counted from 0."""
    one, two = PictureUnit(index=0), PictureUnit(index=17, top=Examples(inputs=(2,), values=(1.0,)))
    page = layer(one, two, grid=LayerGrid(inputs=(0,), maps=np.zeros((1, 2, 4, 4))))
    assert [page.address(unit) for unit in page.units] == ["a.0/0", "a.0/17"]
    assert len(RowBank(values=np.zeros((2, 1)), columns=("x",), numbers=(0, 1))) == 2


WRONG: dict[str, Callable[[], object]] = {
    "input 3 of 3": lambda: layer(PictureUnit(index=0, top=Examples(inputs=(3,), values=(1.0,)))),
    "comes twice": lambda: layer(PictureUnit(index=1), PictureUnit(index=1)),
    "not finite": lambda: LayerGrid(inputs=(0,), maps=np.full((1, 1, 2, 2), np.nan)),
    "maps of 3": lambda: layer(PictureUnit(index=0), grid=LayerGrid(inputs=(0,), maps=np.zeros((1, 3, 2, 2)))),
    "is empty": lambda: Examples(inputs=(0,), values=(1.0,), boxes=np.array([[2, 2, 2, 4]])),
    "for 0 top examples": lambda: PictureUnit(index=0, backward=(Backward(method="guided", maps=np.zeros((1, 2, 2))),)),
    "float64": lambda: PictureBank(pictures=np.zeros((1, 2, 2)), numbers=(0,)),
    "a filter has shape": lambda: Filter(weights=np.zeros((3, 3))),
    "none of hit": lambda: ConceptExample(kind="best", input=0),
    "no column 'epoch'": lambda: PictureRunPage(header=HEADER, headline=Headline(sentence=""), losses={"a": (1.0,)}),
}


@pytest.mark.parametrize("said", list(WRONG))
def test_what_does_not_fit_is_named(said: str) -> None:
    """Arrays of another shape, or places that are not there, are an InputError in one line."""
    with pytest.raises(InputError, match="this page cannot be made") as raised:
        WRONG[said]()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
