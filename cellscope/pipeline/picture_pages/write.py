"""All pages of a search over pictures, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cellscope.axes import Progress
from cellscope.errors import InputError
from cellscope.pipeline.find_pictures import PictureSearch
from cellscope.pipeline.picture_pages.concepts import Concepts
from cellscope.pipeline.picture_pages.effort import FULL, Effort
from cellscope.pipeline.picture_pages.layers import layer_page
from cellscope.pipeline.picture_pages.material import Material
from cellscope.pipeline.picture_pages.run import run_page
from cellscope.pipeline.picture_pages.units import Dear
from cellscope.report.page import write_index
from cellscope.report.picture_page import write_concept_page, write_layer_page, write_picture_run_page
from cellscope.vision.labelled import Halves, halves


def write_picture_pages(
    search: PictureSearch, reports: Path, *, single_file: bool = False, effort: Effort = FULL,
    progress: Progress | None = None,
) -> Path:  # fmt: skip
    """Write the page of the run, of every layer and of every concept, and the index; the path of the run's."""
    material = Material.of(search, progress)
    two = _halves(search, effort)
    dear = Dear.of(material, two, effort, progress)
    concepts = Concepts(material)
    total = len(search.outlets) + len(search.findings.features) + 1
    with _behind() as write:  # a page is compressed while the next one is measured
        for position, outlet in enumerate(search.outlets):
            if progress:
                progress(position, total, str(outlet.site))
            layer = layer_page(material, concepts, dear, position, effort)
            write(write_layer_page, reports, layer, single_file=single_file)
        for concept, feature in enumerate(search.findings.features):
            if progress:
                progress(len(search.outlets) + concept, total, feature.name)
            write(write_concept_page, reports, concepts.page(concept), single_file=single_file)
        run = run_page(material, concepts, dear, two, effort, progress)
    path = write_picture_run_page(reports, run, single_file=single_file)
    write_index(reports, single_file=single_file)
    return path


@contextmanager
def _behind() -> Iterator[Callable[..., None]]:
    """`write(function, ..)` is done beside what follows: two pages at most wait, and after an error or a stop none is
    begun. An error is raised by the write after the next, or at the end.
    """
    waiting: list[Future[Path]] = []
    with ThreadPoolExecutor(1, "cellscope-pages") as pool:

        def write(page: Callable[..., Path], *given: Any, **options: Any) -> None:
            if len(waiting) > 1:  # so that pages do not wait in memory
                waiting.pop(0).result()
            waiting.append(pool.submit(page, *given, **options))

        try:
            yield write
            for future in waiting:
                future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _halves(search: PictureSearch, effort: Effort) -> Halves | None:
    """The pictures in two halves, where they have classes that the network tells."""
    try:
        return halves(search.network, search.images, most=effort.lesioned, seed=search.findings.counts.seed)
    except InputError:
        return None
