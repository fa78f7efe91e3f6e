"""Pages with made-up units over a given text: a unit per feature that tracks it, and many that do not."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from cellscope.report.contents import (
    FeatureInfo,
    FeaturePage,
    Headline,
    Line,
    Passage,
    Passages,
    Predictions,
    Ranking,
    RunHeader,
    RunPage,
    Saturated,
    Table,
    UnitCurves,
    UnitPage,
    UnitRow,
    UnitScores,
)

HEADER = RunHeader(
    name="python",
    corpus="standard library",
    model="lstm 1x256",
    characters=8_512_345,
    seed=7,
    date="2026-11-20",
    vocabulary_size=128,
)
FEATURES = (
    "quote-single",
    "quote-double",
    "comment",
    "indentation",
    "parentheses",
    "url",
    "digits",
    "heading",
    "line-end",
    "column",
)
NUMERIC = ("column",)


def spans_of(text: str, pattern: str) -> NDArray[np.bool_]:
    """Bool [position]: inside a match."""
    spans = np.zeros(len(text), bool)
    for match in re.finditer(pattern, text):
        spans[match.start() : match.end()] = True
    return spans


def smooth(values: NDArray[np.float32], keep: float) -> NDArray[np.float32]:
    """Leaky averages along the positions."""
    from scipy.signal import lfilter

    return lfilter([1 - keep], [1, -keep], values, axis=0).astype(np.float32)


def activations(spans: NDArray[np.bool_], units: int, *, seed: int = 1) -> NDArray[np.float32]:
    """[position, unit] in (-1, 1): the first units follow the spans less and less, the rest are smooth noise."""
    draw = np.random.default_rng(seed)
    n = len(spans)
    noise = np.empty((n, units), np.float32)
    for k in range(units):
        noise[:, k] = smooth(draw.standard_normal(n).astype(np.float32) * (1 + k % 5), [0.3, 0.7, 0.9, 0.97][k % 4])
    signal = smooth(spans.astype(np.float32) * 2 - 1, 0.45)
    weight = np.maximum(0, 1.1 - 0.12 * np.arange(units, dtype=np.float32)) * np.where(np.arange(units) % 3 == 1, -1, 1)
    return np.tanh(noise * 0.8 + 0.5 * weight + signal[:, None] * weight - 0.2).astype(np.float32)


def auc_of(values: NDArray[np.float32], spans: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks."""
    from scipy.stats import rankdata

    ranks = rankdata(values)
    inside = int(spans.sum())
    if not 0 < inside < len(spans):
        return 0.5
    return float((ranks[spans].sum() - inside * (inside + 1) / 2) / inside / (len(spans) - inside))


def row_of(site: str, unit: int, values: NDArray[np.float32], spans: NDArray[np.bool_]) -> UnitRow:
    """Scores and histograms of one unit."""
    auc = auc_of(values, spans) if unit < 64 else 0.5 + 0.3 / unit
    sign = 1 if auc >= 0.5 else -1
    edges = np.linspace(-1, 1, 25)
    inside, outside = (np.histogram(values[m], edges)[0] for m in (spans, ~spans))
    d = (values[spans].mean() - values[~spans].mean()) / values.std() if spans.any() and not spans.all() else 0.0
    two = max(auc, 1 - auc)
    scores = {
        "auc": two,
        "auc_low": max(0.5, two - 0.015),
        "auc_high": min(1.0, two + 0.012),
        "ap": two**2 * 0.9,
        "f1": two * 0.8,
        "iou": two * 0.6,
        "r": float(d) * 0.4,
        "d": float(d),
        "lag": float(unit % 4),
        "p": 0.005 if two > 0.7 else 0.4,
    }
    return UnitRow(
        address=f"{site}/{unit}",
        site=site,
        unit=unit,
        scores=scores,
        sign=sign,
        inside=tuple(map(int, inside)),
        outside=tuple(map(int, outside)),
    )


def curves_of(values: NDArray[np.float32], spans: NDArray[np.bool_]) -> UnitCurves:
    """All pictures behind one unit."""
    edges = np.linspace(-1, 1, 41)
    inside, outside = (np.histogram(values[m], edges)[0] for m in (spans, ~spans))
    cuts = np.quantile(values, np.linspace(1, 0, 60))
    tpr = [float((values[spans] >= c).mean()) if spans.any() else 0.0 for c in cuts]
    fpr = [float((values[~spans] >= c).mean()) if not spans.all() else 0.0 for c in cuts]
    change = np.diff(spans.astype(int), prepend=0)
    return UnitCurves(
        edges=tuple(edges.tolist()),
        inside=tuple(map(float, inside)),
        outside=tuple(map(float, outside)),
        roc=Line(x=tuple(fpr), y=tuple(tpr)),
        start=_around(values, np.flatnonzero(change == 1)),
        end=_around(values, np.flatnonzero(change == -1)),
    )


def _around(values: NDArray[np.float32], places: NDArray[np.int64]) -> Line | None:
    places = places[(places > 20) & (places < len(values) - 20)]
    if not len(places):
        return None
    offsets = np.arange(-15, 16)
    around = values[places[:, None] + offsets]
    mean, half = around.mean(axis=0), 1.96 * around.std(axis=0) / np.sqrt(len(places))
    return Line(
        x=tuple(map(float, offsets)),
        y=tuple(mean.tolist()),
        low=tuple((mean - half).tolist()),
        high=tuple((mean + half).tolist()),
    )


def predictions_of(text: str, *, seed: int = 2) -> Predictions:
    """Guesses that know the right answer two times in three."""
    draw = np.random.default_rng(seed)
    symbols = tuple(sorted(set(text))) or ("?",)
    index = {s: k for k, s in enumerate(symbols)}
    n = len(text)
    ids = draw.integers(0, len(symbols), (n, 5))
    right = np.array([index[c] for c in text[1:] + text[:1]])
    place = draw.choice(8, n, p=[0.55, 0.15, 0.08, 0.05, 0.03, 0.05, 0.05, 0.04])
    for k in range(5):
        ids[place == k, k] = right[place == k]
    sharp = draw.uniform(0.2, 0.98, n)
    probabilities = np.stack([sharp * (1 - sharp) ** k for k in range(5)], axis=1)
    return Predictions(symbols=symbols, ids=ids, probabilities=probabilities)


def passages_of(
    text: str,
    spans: NDArray[np.bool_],
    values: NDArray[np.float32],
    *,
    site: str = "lstm.0:cell",
    contexts: int = 6,
    reading: int | None = None,
    gated: int = 4,
) -> Passages:
    """A reading passage and, for the first units, short contexts of every kind cut from the same text."""
    n = len(text) if reading is None else min(reading, len(text))
    cuts: list[tuple[str, str, int, int, int | None]] = [("reading", "", 0, n, None)]
    draw = np.random.default_rng(3)
    if len(text) > 400:
        for unit in range(min(gated, values.shape[1])):
            order = np.argsort(values[100 : len(text) - 100, unit])
            for kind, places in (("top", order[::-1]), ("bottom", order), ("random", draw.permutation(order))):
                chosen = places[:: max(1, len(places) // 50)][:contexts]
                cuts += [(kind, f"{site}/{unit}", int(p) + 20, int(p) + 180, 80) for p in chosen]
        cuts += [("wrong", "", int(p), int(p) + 160, 60) for p in draw.integers(0, len(text) - 200, contexts)]
    take = np.concatenate([np.arange(a, b) for _, _, a, b, _ in cuts])
    guesses = predictions_of(text)
    gates = {}
    for unit in range(min(gated, values.shape[1])):
        x = values[take, unit]
        gates[f"{site}/{unit}"] = {
            "input": (1 + x) / 2,
            "forget": 1 - np.abs(x) * 0.1,
            "output": (1 - x) / 2,
            "candidate": x,
        }
    return Passages(
        items=tuple(Passage(kind=k, unit=u, text=text[a:b], start=a, peak=p) for k, u, a, b, p in cuts),
        activations={site: values[take]},
        spans=spans[take],
        predictions=Predictions(
            symbols=guesses.symbols, ids=guesses.ids[take], probabilities=guesses.probabilities[take]
        ),
        gates=gates,
        loss=np.abs(np.random.default_rng(4).standard_normal(len(take))).astype(np.float32),
    )


def headline_of(row: UnitRow, name: str, *, good: bool) -> Headline:
    """A finding, or none, in the words of the search."""
    auc = row.scores["auc"] or 0.0
    if good:
        sentence = f"Cell {row.unit} of {row.site} is on inside {name}."
    else:
        sentence = f"No unit beats the last three characters at {name}."
    return Headline(
        sentence=sentence,
        numbers=(
            ("AUC", f"{auc:.2f} ({auc - 0.015:.2f}\u2013{min(auc + 0.012, 1):.2f})".replace("0.", ".")),
            ("last character", ".58"),
            ("last 3 characters", ".71"),
            ("untrained network", ".74"),
            ("p, all units", "< .01"),
        ),
        good=good,
        caveats=(
            "The corpus holds 212 spans; half of them chose the unit.",
            "It is also on inside double quotes (AUC .81).",
        ),
        method=(
            "Scored on odd blocks of 4,096 characters, chosen on even ones.",
            "p: 999 circular shifts of the labels, maximum over 512 units.",
        ),
    )


def feature_page(
    text: str,
    *,
    pattern: str = r"'[^'\n]*'",
    units: int = 64,
    name: str = "quote-single",
    good: bool = True,
    reading: int | None = None,
    contexts: int = 6,
    header: RunHeader = HEADER,
) -> FeaturePage:
    """One feature's page."""
    spans = spans_of(text, pattern)
    values = activations(spans, units)
    site = "lstm.0:cell"
    rows = sorted((row_of(site, u, values[:, u], spans) for u in range(units)), key=lambda r: -(r.scores["auc"] or 0))
    draw = np.random.default_rng(5)
    return FeaturePage(
        header=header,
        feature=FeatureInfo(name=name, description="text between single quotes on one line", pattern=pattern),
        headline=headline_of(rows[0], name, good=good),
        ranking=Ranking(rows=tuple(rows), columns=("auc", "ap", "f1", "r", "lag")),
        passages=passages_of(text, spans, values, contexts=contexts, reading=reading),
        curves={r.address: curves_of(values[:, r.unit], spans) for r in rows[:12]},
        others=UnitScores(
            units=tuple(row.address for row in rows),
            features=FEATURES,
            values=draw.uniform(0.5, 0.9, (len(rows), len(FEATURES))),
            numeric=NUMERIC,
        ),
        previous="docstring",
        next="quote-double",
    )


def unit_page(text: str, *, units: int = 4) -> UnitPage:
    """One unit's page over a few features."""
    patterns = {"quote-single": r"'[^'\n]*'", "parentheses": r"\([^()\n]*\)", "digits": r"\d+", "comment": r"#[^\n]*"}
    spans = {name: spans_of(text, p) for name, p in patterns.items()}
    values = activations(spans["quote-single"], units)
    passages = passages_of(text, spans["quote-single"], values[:, :1])
    take = np.concatenate([np.arange(i.start, i.start + len(i.text)) for i in passages.items])
    rows = sorted(((n, auc_of(values[:, 0], s)) for n, s in spans.items()), key=lambda pair: -max(pair[1], 1 - pair[1]))
    return UnitPage(
        header=HEADER,
        address="lstm.0:cell/0",
        headline=Headline(
            sentence="Cell 0 of lstm.0:cell is best at quote-single: AUC .97 (.96\u2013.98).",
            good=True,
            numbers=(("time scale", "14 characters"),),
        ),
        features=Table(
            columns=("feature", "auc", "ap", "p"),
            rows=tuple({"feature": n, "auc": a, "ap": a * 0.8, "p": 0.005} for n, a in rows),
        ),
        passages=passages,
        spans={n: s[take] for n, s in spans.items()},
        curves={n: curves_of(values[:, 0], s) for n, s in spans.items()},
    )


def run_page(*, units: int = 96, header: RunHeader = HEADER) -> RunPage:
    """One run's page."""
    draw = np.random.default_rng(6)
    x = np.linspace(0, 20e6, 60)
    heat = 0.5 + 0.08 * np.abs(draw.standard_normal((units, len(FEATURES))))
    heat[np.arange(len(FEATURES)) * 7 % units, np.arange(len(FEATURES))] = 0.96
    train = 3.2 * np.exp(-x / 2e6) + 1.1 + 0.03 * draw.standard_normal(60)
    rows = tuple(
        {
            "feature": f,
            "unit": f"lstm.0:cell/{k * 7}",
            "auc": 0.97 - 0.04 * k,
            "auc_low": 0.95 - 0.04 * k,
            "auc_high": 0.98 - 0.04 * k,
            "last three": 0.6 + 0.03 * k,
            "untrained": 0.7,
            "p": 0.001 * (k + 1),
            "finding": "yes" if k < 6 else "plain" if k < 8 else "no",
        }
        for k, f in enumerate(FEATURES)
    )
    return RunPage(
        header=header,
        headline=Headline(
            sentence="21 of 512 units track a feature, 9 of 20 features are tracked: AUC ≥ .8, q ≤ .05.",
            good=True,
            numbers=(("validation loss", "1.21 nats, 1.75 bits"), ("xz", "2.01 bits")),
        ),
        features=Table(columns=tuple(rows[0]), rows=rows),
        losses={
            "characters": tuple(x.tolist()),
            "train": tuple(train.tolist()),
            "validation": tuple((train + 0.06).tolist()),
        },
        xz=2.01,
        heat=UnitScores(
            units=tuple(f"lstm.0:cell/{k}" for k in range(units)), features=FEATURES, values=heat, numeric=NUMERIC
        ),
        saturated_on="850,000 characters that were held back",
        saturation=tuple(
            Saturated(
                layer=f"lstm.{layer}",
                gate=gate,
                unit=u,
                left=float(min(a, 1)),
                right=float(min(b, 1) * (1 - min(a, 1))),
            )
            for layer in range(2)
            for gate in ("input", "forget", "output")
            for u, (a, b) in enumerate(np.abs(draw.normal(0.2 + 0.2 * layer, 0.25, (units, 2))))
        ),
        timescales={f"lstm.0:cell/{k}": float(v) for k, v in enumerate(np.exp(draw.normal(2, 1, units)))},
    )
