"""Units over training: who is best, how good, what the network loses without them, and one text at every snapshot."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellscope.evidence.formation import Formation, Stage, Track
from cellscope.evidence.needs import Change
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labeller
from cellscope.pipeline.formation import Formed
from cellscope.report.exhibits import Exhibit, Figure, Frame, Frames, Lines, Sample, Samples, Series, numbered_key
from cellscope.report.tables import Table

PASSAGE = 600
"""Characters of the text under the slider."""
DEEP = 8
"""Features that have an exhibit of their own; the table has all."""
NATS = "change of the loss, nats a character"


def formation_exhibits(formed: Formed) -> tuple[Exhibit, ...]:
    """A table of all features, and an exhibit for each of the first ones."""
    if not formed.formations:
        return ()
    deep = formed.formations[:DEEP]
    own = [
        one_exhibit(number, made, _frames(formed, made, feature))
        for number, (made, feature) in enumerate(zip(deep, formed.features, strict=False), 1)
    ]
    return (table_exhibit(formed.formations), *own) if len(formed.formations) > 1 else tuple(own)


def summary(formations: Sequence[Formation]) -> str:
    """How many features have a unit in the end, and since when."""
    found = [made for made in formations if made.stays is not None]
    if not formations:
        return "No feature is tracked in the last snapshot"
    if len(formations) == 1:
        return formations[0].sentence
    moved, feature = sum(bool(made.moves) for made in found), formations[0].terms.feature
    told = (
        f"{len(found)} of {len(formations)} {feature}s have a unit in the end; {moved} of them moved from one unit to "
        "another on the way"
    )
    if not formations[0].lesioned:
        return told
    return f"{told}, and the network needs the unit of {sum(made.stages[-1].needed for made in found)}"


def table_exhibit(formations: Sequence[Formation], figures: tuple[Figure, ...] = ()) -> Exhibit:
    """A row for each feature, below the figures that are of all of them."""
    feature, lesioned = formations[0].terms.feature, bool(formations[0].lesioned)
    columns = (feature, "first found", "found from", "best from", "moves", "unit", "score")
    return Exhibit(
        key="formation",
        title="When units appear",
        sentence=summary(formations) + ".",
        caveats=_caveats(formations[0]),
        figures=figures,
        table=Table(
            columns=(*columns, *("inside", "needed")[: 2 * lesioned]),
            rows=tuple(
                {
                    feature: made.feature, "first found": made.appears, "found from": made.stays,
                    "best from": made.settles, "moves": len(made.moves), "unit": str(made.unit),
                    "score": _known(made.stages[-1].best.score), "inside": _value(made.stages[-1].best.inside),
                    "needed": "yes" if made.stages[-1].needed else "no",
                }
                for made in formations
            ),
        ),
    )  # fmt: skip


def one_exhibit(number: int, made: Formation, *frames: Frames) -> Exhibit:
    """The `number`-th feature over training; `frames` show the same passage or pictures at every snapshot."""
    figures: list[Figure] = [_scores(made)]
    if any(stage.best.inside is not None for stage in made.stages):
        figures += [_costs(made), _losses(made)]
    figures += [_likenesses(made), *frames]
    return Exhibit(
        key=numbered_key("formation", number, made.feature),
        title=f"How {made.feature} came to have a unit",
        sentence=made.sentence + ".",
        caveats=_caveats(made),
        figures=tuple(figures),
        table=_stages(made),
    )


def _scores(made: Formation) -> Lines:
    best, last = ([getattr(stage, name) for stage in made.stages] for name in ("best", "last"))
    score = "AUC" if made.kind == "span" else "rank correlation"
    return Lines(
        title="Score",
        caption="The best unit at each snapshot, and the one that is best in the end, followed back.",
        series=(
            _series("best at the time", made, best, [Change(t.score, t.low, t.high) for t in best]),
            _series(f"{made.unit}", made, last, [Change(t.score) for t in last], quiet=True),
        ),
        x="step", y=score, log_x=True,
    )  # fmt: skip


def _costs(made: Formation) -> Lines:
    best, last = ([getattr(stage, name) for stage in made.stages] for name in ("best", "last"))
    return Lines(
        title="What the network loses inside the feature without the unit",
        caption="Held at its mean while the network runs on.",
        series=(
            _series("best at the time", made, best, [t.inside or Change(math.nan) for t in best]),
            _series(f"{made.unit}", made, last, [t.inside or Change(math.nan) for t in last]),
            _series("random units of nearest variance, the most", made, best, [Change(s.random) for s in made.stages],
                    quiet=True),
        ),
        x="step", y=NATS, log_x=True,
    )  # fmt: skip


def _losses(made: Formation) -> Lines:
    tracks = [stage.best for stage in made.stages]
    return Lines(
        title="Loss of the network as it is",
        series=(
            _series("inside the feature", made, tracks, [Change(stage.free) for stage in made.stages]),
            _series("elsewhere", made, tracks, [Change(stage.elsewhere) for stage in made.stages], quiet=True),
        ),
        x="step", y="nats a character", log_x=True, log_y=True,
    )  # fmt: skip


def _likenesses(made: Formation) -> Lines:
    best, last = ([getattr(stage, name) for stage in made.stages] for name in ("best", "last"))
    return Lines(
        title="Is it the same signal?",
        caption=f"Correlation of the activation at each snapshot with what {made.unit} does in the end, on one "
        f"{made.terms.subject}.",
        series=(
            _series("best at the time", made, best, [Change(t.likeness) for t in best]),
            _series(f"{made.unit}", made, last, [Change(t.likeness) for t in last], quiet=True),
        ),
        x="step", y="correlation", log_x=True,
    )  # fmt: skip


def _frames(formed: Formed, made: Formation, feature: Feature) -> Frames:
    """The same passage at every snapshot: the unit that is best then, and the one that is best in the end."""
    labels = _labels(formed, feature)
    first = _densest(labels)
    here = slice(first, first + PASSAGE)
    text = formed.corpus.text(formed.start + first, formed.start + first + len(labels[here]))

    def sample(stage: Stage, track: Track) -> Sample:
        values = formed.heard[stage.step, track.unit][here].astype(np.float32)
        return Sample(title=str(track.unit), text=text, values=values, marks=labels[here])

    def frame(stage: Stage) -> Frame:
        tracks = [stage.best] if stage.best.unit == made.unit else [stage.best, stage.last]
        figure = Samples(title="", samples=tuple(sample(stage, track) for track in tracks), marked=made.feature)
        return Frame(label=f"step {stage.step:,}: {stage.best.unit}", figure=figure)

    return Frames(
        title="The same text at every snapshot",
        caption=f"The unit that is best at the time, and {made.unit}, which is best in the end.",
        frames=tuple(frame(stage) for stage in made.stages),
    )


def _labels(formed: Formed, feature: Feature) -> NDArray[np.bool_]:
    """Where the feature is on (or counts) on the end of the text, bool [position]."""
    lead = max(0, formed.start - 2**20)
    read = Labeller([feature], formed.corpus.part(lead, len(formed.corpus)))
    labels = read.read(formed.start - lead, len(formed.corpus) - lead)
    flags: NDArray[np.bool_] = labels.spans[0] if feature.kind == "span" else ~np.isnan(labels.numbers[0])
    return flags


def _densest(labels: NDArray[np.bool_]) -> int:
    """Where a passage begins that has most borders of the feature: it goes on and off there."""
    borders = np.cumsum(np.concatenate([[0], np.diff(labels.astype(np.int8)) != 0]))
    last = max(1, len(labels) - PASSAGE)
    ends = np.minimum(np.arange(last) + PASSAGE, len(labels) - 1)
    return int(np.argmax(borders[ends] - borders[:last]))


def _series(
    name: str, made: Formation, tracks: Sequence[Track], values: Sequence[Change], *, quiet: bool = False
) -> Series:
    bands = not any(math.isnan(v.low) for v in values)
    return Series(
        name=name,
        x=tuple(max(stage.step, 0.5) for stage in made.stages),  # step 0 has no logarithm
        y=tuple(_known(v.value) for v in values),
        low=tuple(_known(v.low) for v in values) if bands else (),
        high=tuple(_known(v.high) for v in values) if bands else (),
        labels=tuple(f"step {s.step:,}: {t.unit}" for s, t in zip(made.stages, tracks, strict=True)),
        quiet=quiet,
    )


def _stages(made: Formation) -> Table:
    columns: tuple[str, ...] = (
        "step", "found", "unit", "score", "low", "high", "inside", "random, most", "needed", "alike", "free",
        "elsewhere", "last unit's score", "last unit's inside", "last unit alike",
    )  # fmt: skip
    if not made.lesioned:
        columns = ("step", "found", "unit", "score", "low", "high", "alike", "last unit's score", "last unit alike")
    return Table(
        columns=columns,
        rows=tuple(
            {
                "step": s.step, "found": "yes" if s.found else "no", "unit": str(s.best.unit),
                "score": _known(s.best.score), "low": _known(s.best.low), "high": _known(s.best.high),
                "inside": _value(s.best.inside), "random, most": _known(s.random),
                "needed": "yes" if s.needed else "no", "alike": _known(s.best.likeness), "free": _known(s.free),
                "elsewhere": _known(s.elsewhere), "last unit's score": _known(s.last.score),
                "last unit's inside": _value(s.last.inside), "last unit alike": _known(s.last.likeness),
            }
            for s in made.stages
        ),
    )  # fmt: skip


def _caveats(made: Formation) -> tuple[str, ...]:
    after = f"lesions and correlations are of the {made.lesioned:,} characters after them."
    return (
        f"At each snapshot the unit is chosen on half of {made.searched} and scored on the other half; "
        + (after if made.lesioned else "correlations are of all of them."),
        f"Found: as in a search of that snapshot, against shifted labels, the {made.terms.three} and an untrained "
        "network. Snapshots are not independent of each other: a single one that says otherwise says little.",
        "Step 0, before training, stands at half a step, because a logarithm has no zero.",
    )


def _value(change: Change | None) -> float | None:
    return None if change is None else _known(change.value)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
