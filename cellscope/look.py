"""The one loop for pictures: a set is shown to a network once, and what every unit did comes out in chunks.

A lane is a picture and a step a place in it, row after row, so a position is (picture, place). Pictures are shown in an
order drawn by chance, because folders come sorted by class and the null turns the labels from picture to picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellscope.axes import Site
from cellscope.chunks import Chunk, Round, Values
from cellscope.data.images import ImageSet, Pixels
from cellscope.hooks.modules import Edit, quick_layout, watch
from cellscope.hooks.outlets import Outlet
from cellscope.hooks.outlets import outlets as known_outlets
from cellscope.models.classifier import Classifier

BATCH = 128
BLOCKS = 32
PLACES = 1024
"""Places of a map that are looked at, at most, evenly spread: neighbours say nearly the same."""
SIDE = 8
"""Places on a side of the grid on which maps of different layers, or of different networks, are compared."""
_FLOATS = 2**25
_MAP = 2**20
"""Numbers of a map that is played at once: larger ones are asked of the operating system each time anew, page by page,
which took as long as the pass itself.
"""


@dataclass(frozen=True)
class Places:
    """Which rows and columns of a site's map are looked at, and where their centres lie in a picture, 0 to 1."""

    grid: tuple[int, int]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    @classmethod
    def of(cls, grid: tuple[int, int], most: int = PLACES) -> Places:
        """Every place, or every second, third ... row and column where there are more than `most`."""
        stride = 1
        while -(-grid[0] // stride) * -(-grid[1] // stride) > most:
            stride += 1
        first = stride // 2
        return cls(
            grid,
            np.arange(min(first, grid[0] - 1), grid[0], stride),
            np.arange(min(first, grid[1] - 1), grid[1], stride),
        )

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    @property
    def whole(self) -> bool:
        """Whether there is one place, which stands for the picture."""
        return self.grid == (1, 1)

    def stride(self, few: int) -> int:
        """Every so many-th place makes about `few` of a map, and not the same columns in every row: what lies between
        them would never be met.
        """
        stride = max(1, len(self) // few)
        while math.gcd(stride, len(self.columns)) > 1:
            stride -= 1
        return stride

    def centres(self, shape: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pixel rows and columns of a picture of `shape` that the places are centred on."""
        rows = ((self.rows + 0.5) * shape[0] / self.grid[0]).astype(np.int64)
        columns = ((self.columns + 0.5) * shape[1] / self.grid[1]).astype(np.int64)
        return rows, columns


@dataclass(frozen=True)
class Glance:
    """One batch of pictures, as shown: their numbers, what they are, and for each site its chunk."""

    index: NDArray[np.int64]
    first: int
    pixels: Pixels
    chunks: dict[Site, Chunk]
    rounds: dict[Site, Round]


def look(
    network: Classifier, images: ImageSet, outlets: Sequence[Outlet], *, seed: int = 0, batch: int | None = None
) -> Iterator[Glance]:
    """Show all pictures once, in an order drawn from `seed`; every site's chunk is [place, picture, unit].

    Values are valid until the next glance is asked for.
    """
    order = np.random.default_rng(seed).permutation(len(images))
    places = {outlet.site: Places.of(outlet.grid) for outlet in outlets}
    batch = batch or at_once(outlets)
    keep = _Keep({outlet.grid: places[outlet.site] for outlet in outlets})
    with showing(network, places, keep) as show:
        for first in range(0, len(order), batch):
            index = order[first : first + batch]  # not sorted: neighbours would be of one class again
            pixels = images.pixels(index)
            chunks, rounds = {}, {}
            for site, values in show(pixels).items():
                many, size = len(index), len(places[site])
                part = Round(first * size, (first + many) * size, many, min(BLOCKS, many))
                rounds[site] = part
                chunks[site] = Chunk(part.starts, part.block_of, {site: values}, 0, size)
            yield Glance(index, first, pixels, chunks, rounds)


class PictureSource:
    """A network that is shown pictures in the order in which they lie, as two networks are that are compared.

    A lane is a picture, a step a place of a `grid` that is one for all sites: a map is averaged in each of its places;
    a coarser map, and a unit without places, says the same in several. Rounds are of pictures.
    """

    def __init__(
        self, network: Classifier, images: ImageSet, outlets: Sequence[Outlet], *, grid: tuple[int, int] = (SIDE, SIDE)
    ) -> None:
        self.network, self.images, self.grid = network, images, grid
        self.sizes = {outlet.site: outlet.units for outlet in outlets}
        self.round_length = at_once(outlets)
        self._open = ExitStack()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def places(self) -> int:
        """Places that are heard of every picture."""
        return self.grid[0] * self.grid[1]

    def __enter__(self) -> PictureSource:
        self._show = self._open.enter_context(showing(self.network, self.sizes, _Averaged(self.grid)))
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.close()

    def play(self, part: Round) -> tuple[Values, Iterator[Chunk]]:
        """What is heard in the round, each [position, unit], and the same as its one chunk."""
        index = np.arange(part.start, part.stop)
        values = self._show(self.images.pixels(index))
        blocks = index // (BATCH // BLOCKS) % BLOCKS  # however few pictures a round has, all blocks get some
        chunk = Chunk(index * self.places, blocks, values, 0, self.places)
        return {site: x.reshape(-1, x.shape[2]) for site, x in values.items()}, iter([chunk])


def at_once(outlets: Sequence[Outlet]) -> int:
    """How many pictures are shown together, so that the largest map of all of them is bounded."""
    return int(np.clip(_FLOATS // _largest(outlets), 8, BATCH))


def _largest(outlets: Sequence[Outlet]) -> int:
    """How many numbers the largest map of a picture has."""
    return max(outlet.units * outlet.grid[0] * outlet.grid[1] for outlet in outlets)


@contextmanager
def showing(network: Classifier, sites: Iterable[Site], keep: Edit) -> Iterator[Callable[[Pixels], Values]]:
    """`show(pixels)` is what every site does on these pictures, each [place, picture, unit]; `keep` lays out what a
    site puts out as [picture, place, unit].
    """
    memory = quick_layout(network.module, network.logits, network.example)
    few = max(8, _MAP // _largest(known_outlets(network.module, network.example)))
    with watch(network.module, sites, keep=keep, stop=True) as seen:

        def show(pixels: Pixels) -> Values:
            with torch.no_grad():
                inputs = network.prepare(pixels).contiguous(memory_format=memory)
                heard = [seen.play(part) for part in torch.split(inputs, few)]
                return {
                    site: torch.cat([part[site] for part in heard]).cpu().numpy().swapaxes(0, 1) for site in heard[0]
                }

        yield show


class _Keep:
    """Maps [picture, unit, row, column] as [picture, place, unit], a copy laid out as the counting loops read it."""

    def __init__(self, places: dict[tuple[int, int], Places]) -> None:
        self._places = places

    def __call__(self, output: Tensor) -> Tensor:
        if output.dim() == 2:
            return output.float()[:, None, :].clone()
        places = self._places[(int(output.shape[2]), int(output.shape[3]))]
        if len(places.rows) < output.shape[2] or len(places.columns) < output.shape[3]:
            output = output[:, :, torch.from_numpy(places.rows)[:, None], torch.from_numpy(places.columns)]
        laid = output.float().permute(0, 2, 3, 1).reshape(len(output), -1, output.shape[1])
        return laid.clone() if laid.data_ptr() == output.data_ptr() else laid.contiguous()


class _Averaged:
    """Maps as means over the places of a grid, [picture, place, unit]; a unit without places is the same in all."""

    def __init__(self, grid: tuple[int, int]) -> None:
        self._grid = grid

    def __call__(self, output: Tensor) -> Tensor:
        maps = output.float() if output.dim() == 4 else output.float()[:, :, None, None]
        placed = torch.nn.functional.adaptive_avg_pool2d(maps, self._grid)
        return placed.permute(0, 2, 3, 1).reshape(len(output), -1, output.shape[1]).contiguous()
