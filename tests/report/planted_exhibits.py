"""Made-up exhibits of every kind, with names that are the caller's."""

from __future__ import annotations

import numpy as np

from cellscope.report.exhibits import (
    Bars,
    Exhibit,
    Frame,
    Frames,
    Group,
    HeatMap,
    Lines,
    Sample,
    Samples,
    Series,
)
from cellscope.report.tables import Table


def lines(name: str = "best unit", *, shift: float = 0.0) -> Lines:
    """Two curves over a logarithmic x, one with a band, and a rule."""
    x = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
    y = tuple(0.5 + 0.49 * (1 - np.exp(-v / 6)) - shift for v in x)
    return Lines(
        title=f"AUC by number of units, {name}",
        caption="Chosen and scored on different blocks; the band is the 95 % interval.",
        series=(
            Series(name=name, x=x, y=y, low=tuple(v - 0.03 for v in y), high=tuple(v + 0.02 for v in y)),
            Series(name="random units", x=x, y=tuple(0.5 + (v - 0.5) * 0.6 for v in y), quiet=True),
            Series(name=f"one point of {name}", x=(10.0,), y=(0.8,), labels=(name,), points=True),
        ),
        x="units",
        y="AUC",
        log_x=True,
        rules=(("last three characters", 0.71),),
    )


def bars(name: str = "held at zero", *, upright: bool = False) -> Bars:
    """Two groups over three labels, one of them signed."""
    labels = ("1", "2", "3", "4", "5") if upright else ("inside the feature", "at its end", "elsewhere", name, "x")
    return Bars(
        title="Change of loss",
        caption="Nats per character; whiskers are 95 % intervals.",
        labels=labels,
        groups=(
            Group(
                name=name, values=(0.31, 1.2, 0.01, -0.1, None), low=(0.2, 0.9, -0.01, -0.2, None),
                high=(0.4, 1.5, 0.03, 0.0, None),
            ),
            Group(name="random units", values=(0.01, 0.02, 0.01, 0.0, 0.1), quiet=True),
        ),
        value="nats per character",
        upright=upright,
    )  # fmt: skip


def heat(name: str = "feature", *, rows: int = 12, scale: float = 1.0) -> HeatMap:
    """Signed values with a hole."""
    values = np.random.default_rng(1).normal(0, 0.2, (rows, 9)) * scale
    values[2, 3] = np.nan
    return HeatMap(
        title="What each unit costs each feature",
        caption="Blue: the loss rises without the unit.",
        rows=tuple(f"lstm.0:cell/{k}" for k in range(rows)),
        columns=tuple(f"{name} {k}" for k in range(9)),
        values=values,
        value="nats",
    )


def samples(text: str, name: str = "quote", *, gain: float = 1.0) -> Samples:
    """The same text with and without values, the marks under it."""
    values = np.tanh(np.cumsum(np.random.default_rng(2).normal(0, 0.4, len(text)))) * gain
    marks = np.arange(len(text)) % 17 < 5
    return Samples(
        title="Samples with and without",
        caption="The free network, and the network whose unit is held at +0.9.",
        samples=(
            Sample(title=f"{name}, free", text=text, values=values, marks=marks, note="seed 1"),
            Sample(title=f"{name}, held", text=text, values=-values, marks=marks),
        ),
        marked=name,
    )


def exhibits(text: str, name: str = "quote") -> tuple[Exhibit, ...]:
    """One exhibit of every kind."""
    table = Table(
        columns=("condition", "auc", "auc_low", "auc_high", "count", "found", "p"),
        rows=tuple(
            {
                "condition": f"{name} {k}", "auc": 0.6 + k / 100, "auc_low": 0.55 + k / 100, "auc_high": 0.65 + k / 100,
                "count": 1000 * k, "found": k % 2 == 0, "p": 0.004,
            }
            for k in range(22)
        ),
    )  # fmt: skip
    frames = tuple(Frame(label=f"after {k} million characters", figure=lines(name, shift=0.02 * k)) for k in range(5))
    return (
        Exhibit(
            key="probe", title=f"Probe: {name}", sentence=f"One cell has 97 % of what all units know of {name}.",
            caveats=(f"A probe of {name} says what can be read off, not what is used.",), figures=(lines(name),),
            table=table,
        ),
        Exhibit(key="lesion", title="Lesion", sentence=f"Without the cell {name} costs 0.3 nats more.",
                figures=(bars(name), bars(name, upright=True))),
        Exhibit(key="map", title="Map", sentence="Few units matter to one feature alone.", figures=(heat(name),)),
        Exhibit(key="steer", title="Steering", sentence="The quote stays open.", figures=(samples(text, name),)),
        Exhibit(
            key="formation", title="Formation", sentence="The cell appears after 3 million characters.",
            figures=(
                Frames(title="Over training", caption="One frame a snapshot.", frames=frames, what="snapshot"),
                Frames(title="The text over training", frames=tuple(
                    Frame(label=str(k), figure=samples(text, name, gain=k / 2)) for k in range(3)), start=0),
                Frames(title="Units over training", frames=tuple(
                    Frame(label=str(k), figure=heat(name, scale=k + 1.0)) for k in range(3))),
                Frames(title="Losses over training", frames=tuple(
                    Frame(label=str(k), figure=bars(name)) for k in range(3))),
            ),
        ),
    )  # fmt: skip
