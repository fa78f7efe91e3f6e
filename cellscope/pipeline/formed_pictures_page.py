"""The page of how a network for pictures formed: its concepts under a slider, each by itself, and its layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellscope.pipeline.exhibits.formation import DEEP, one_exhibit, table_exhibit
from cellscope.pipeline.formed_pictures import FormedPictures
from cellscope.report.contents import Headline
from cellscope.report.exhibits import Bars, Exhibit, Figure, Frame, Frames, Group, HeatMap, Lines, Series
from cellscope.report.page import write_index
from cellscope.report.study import StudyPage, write_study_page
from cellscope.report.tables import Table


def write_formed_pictures(made: FormedPictures, reports: Path, *, single_file: bool = False) -> Path:
    """The study of a run's snapshots on pictures; its path."""
    good = any(one.stays is not None for one in made.formations)
    headline = Headline(sentence=f"{made.sentence[:1].upper()}{made.sentence[1:]}.", good=good)
    page = StudyPage(header=made.header, name="formation", headline=headline, exhibits=formed_exhibits(made))
    path = write_study_page(reports, page, single_file=single_file)
    write_index(reports, single_file=single_file)
    return path


def formed_exhibits(made: FormedPictures) -> tuple[Exhibit, ...]:
    """All concepts at each snapshot under a slider, the first ones by themselves, and the layers."""
    if not made.formations:
        return (_layers(made),)
    own = [one_exhibit(number, one) for number, one in enumerate(made.formations[:DEEP], 1)]
    return (table_exhibit(made.formations, (_frames(made),)), *own, _layers(made))


def _frames(made: FormedPictures) -> Frames:
    """The best unit of every concept then, and the one that is best in the end, snapshot by snapshot."""
    shown = made.formations
    numeric = all(one.kind != "span" for one in shown)
    frames = []
    for k, step in enumerate(made.layers.steps.tolist()):
        stages = [one.stages[k] for one in shown]
        found = sum(stage.found for stage in stages)
        best = Group(
            name="best at the time",
            values=tuple(_known(s.best.score) for s in stages),
            low=tuple(_known(s.best.low) for s in stages),
            high=tuple(_known(s.best.high) for s in stages),
        )
        last = Group(name="best in the end", values=tuple(_known(s.last.score) for s in stages), quiet=True)
        labels = tuple(f"{one.feature}: {stage.best.unit}" for one, stage in zip(shown, stages, strict=True))
        score = "rank correlation" if numeric else "AUC (columns: rank correlation)" if _mixed(made) else "AUC"
        figure = Bars(title="", labels=labels, groups=(best, last), value=score, base=0.0 if numeric else 0.5)
        frames.append(Frame(label=f"step {step:,}: {found} of {len(shown)} found", figure=figure))
    return Frames(
        title="The best unit of every concept at each snapshot",
        caption="Its score on pictures it was not chosen on, and that of the unit that is best in the end.",
        frames=tuple(frames),
    )


def _mixed(made: FormedPictures) -> bool:
    return len({one.kind for one in made.formations}) > 1


def _layers(made: FormedPictures) -> Exhibit:
    """Accuracy over training, and how sparse, local and dead each layer is."""
    f = made.layers
    figures: list[Figure] = []
    if np.isfinite(f.accuracy).all():
        steps = tuple(max(float(step), 0.5) for step in f.steps)  # step 0 has no logarithm
        right = Series(name="pictures told right", x=steps, y=tuple(float(v) for v in f.accuracy))
        figures.append(Lines(title="Accuracy", series=(right,), x="step", y="share of pictures", log_x=True))
    dead = f.dead_counts / np.array([outlet.units for outlet in f.outlets])
    for title, values, words in (
        ("Zeros", f.zeros, "Share of activations that are exactly 0."),
        ("Locality", f.locality, "Share of a map's energy in the 3 x 3 places about its peak."),
        ("Dead units", dead, "Share of units that are one number at all places of all pictures."),
    ):
        figures.append(_map(made, title, values, words))
    columns = ("step", "layer", "dead units", "zeros", "density", "locality")
    rows = tuple(dict(zip(columns, row, strict=True)) for row in made.layer_rows())
    return Exhibit(
        key="layers",
        title="What the layers are like",
        sentence=f"{made.sentence[:1].upper()}{made.sentence[1:]}.",
        caveats=("Step 0, before training, stands at half a step, because a logarithm has no zero.",),
        figures=tuple(figures),
        table=Table(columns=columns, rows=rows),
    )


def _map(made: FormedPictures, title: str, values: NDArray[np.floating], words: str) -> HeatMap:
    f = made.layers
    rows, steps = tuple(str(outlet.site) for outlet in f.outlets), tuple(f"{step:,}" for step in f.steps.tolist())
    return HeatMap(
        title=title, caption=words, rows=rows, columns=steps, values=np.asarray(values, float).T, value="share",
        row="layer", column="step", reach=1.0,
    )  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
