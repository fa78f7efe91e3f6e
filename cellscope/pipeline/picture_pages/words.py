"""What the pages of pictures say: header, sentences, how it was measured."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

from cellscope.data.images import ImageSet
from cellscope.evidence.terms import WHOLE
from cellscope.evidence.verdicts import digits
from cellscope.models.classifier import Classifier
from cellscope.pipeline.find_pictures import PictureSearch
from cellscope.pipeline.headlines import sentence_case
from cellscope.report.contents import Headline
from cellscope.report.picture_contents import PictureHeader
from cellscope.training.run import RunFolder


def header(search: PictureSearch) -> PictureHeader:
    """Which network saw which pictures."""
    return header_in(search.network, search.run, search.images, search.findings.counts.seed)


def header_in(network: Classifier, run: RunFolder | None, images: ImageSet, seed: int) -> PictureHeader:
    """A network and a set; pages of pictures that are not the run's own have a folder of their own."""
    name = pages_of(network, run, images)
    return replace(header_of(network, images.name, len(images), seed), name=name)


def pages_of(network: Classifier, run: RunFolder | None, images: ImageSet) -> str:
    """What the pages of a network that was shown these pictures are filed under: its name; of a run that was shown
    others than its own, also theirs.
    """
    own = run is None or images.name.endswith("(held back)")
    return network.name if own else f"{network.name}-on-{images.name}"


def header_of(network: Classifier, images: str, pictures: int, seed: int) -> PictureHeader:
    """A network and so many pictures, under the name of the network."""
    return PictureHeader(
        name=network.name,
        images=images,
        model=network.description,
        pictures=pictures,
        preprocessing=network.preparation,
        seed=seed,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
    )


def run_headline(search: PictureSearch, accuracy: float) -> Headline:
    """How many units track a concept, and how good the network is."""
    units, concepts = search.findings.tracking()
    total = len(search.findings.features)
    sentence = (
        f"{concepts} of {total} concepts have a unit of their own; {units} of {len(search.findings.units):,} units."
    )
    numbers = [("pictures told right", f"{accuracy:.1%}")] if math.isfinite(accuracy) else []
    return Headline(
        sentence=sentence,
        numbers=tuple(numbers),
        good=concepts > 0,
        caveats=(*search.images.remarks, *search.network.remarks, *(search.grown.about if search.grown else ())),
        method=method(search),
    )


def concept_headline(search: PictureSearch, concept: int) -> Headline:
    """The verdict on one concept."""
    e = search.findings.evidence[concept]
    overlap = search.overlap(concept)
    numbers = list(e.numbers)
    if numbers and math.isfinite(overlap["dissection_iou"]):
        numbers.append(("IoU", f"{digits(overlap['dissection_iou'])} of at most {digits(overlap['attainable_iou'])}"))
    caveats = [f"{e.labelled:,} of {e.characters:,} {e.terms.items} have the concept."]
    if e.unit is not None and not e.found:
        caveats.append(f"The unit shown first, {e.unit}, is the best there is; it is no finding.")
    if e.terms is WHOLE:
        caveats.append("The unit has no places: it is scored on whether a picture has any of the concept.")
    return Headline(
        sentence=sentence_case(e.sentence) + ".", numbers=(*numbers, *e.margins), good=e.found, plain=e.plain,
        caveats=tuple(caveats), method=method(search),
    )  # fmt: skip


def method(search: PictureSearch) -> tuple[str, ...]:
    """How it was measured."""
    what = "rows" if search.images.flat else "pictures"
    return (
        f"{len(search.images):,} {what} of {search.images.name}; a unit is chosen on half of them and "
        f"reported on the other half, with intervals over groups of {what}.",
        *(search.grown.about if search.grown else ()),
        *(_of_rows(search) if search.images.flat else _of_pictures(search)),
        f"Untrained: the best unit of the same network with weights drawn anew, on at most 1,000 of the {what}.",
        f"Preprocessing: {search.network.preparation}. Seed {search.findings.counts.seed}.",
    )


def _of_rows(search: PictureSearch) -> tuple[str, ...]:
    """What is particular to rows of numbers."""
    return (
        f"Chance: {search.findings.draws} times the labels of every batch were moved to other rows of it; p is that of "
        "the best of all units of all layers.",
        "Single columns: the best prediction from one column, chosen as a unit is, without a network; a column is no "
        "prediction of itself.",
    )


def _of_pictures(search: PictureSearch) -> tuple[str, ...]:
    """What is particular to pictures, whose layers have places."""
    return (
        "A mask is read at the pixels that the places of a map are centred on (at most 1,024 places of a map, evenly "
        "spread). A layer without places is scored on whether a picture has any of the concept.",
        f"Chance: {search.findings.draws} times the masks of every batch were moved to other pictures of it; "
        "p is that of the best of all units of all layers.",
        "Colours alone: the best prediction from the colour of a place and of its two neighbours, without a network.",
        "IoU: the half per cent of places where the unit is highest (threshold from the choosing half) against the "
        "mask, on the map as it is, without upsampling (Bau et al. 2017 upsample). The most that it could "
        "be is printed beside.",
    )
