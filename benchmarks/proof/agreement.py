"""Agreement: the same figures from scikit-learn, scipy, a plain rewrite of the network, and NeuroX."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.count import Counts, count
from cellscope.data.text import Corpus
from cellscope.evidence.lesions import BLOCKS, Lesion, lesion_changes
from cellscope.evidence.probes import Probe
from cellscope.evidence.probing import BLOCKS as PROBE_BLOCKS
from cellscope.evidence.probing import judged
from cellscope.evidence.probing import measure as sums_of
from cellscope.evidence.readouts import STRENGTHS
from cellscope.evidence.zones import INSIDE
from cellscope.features.labeller import Labeller
from cellscope.features.library import select
from cellscope.findings import Findings
from cellscope.judge import judge
from cellscope.observe import ArraySource, rounds
from proof import neurox
from proof.material import SEED, recorded, trained
from proof.rows import Part, Row, table

LENGTH = 60_000
FEATURES = ("string", "comment", "parentheses", "capital", "indentation", "column", "word-length")
HERE = Site("trained", "hidden")
Values = NDArray[np.float32]
TOLERANCE = {
    "AUC": 1e-3, "average precision": 2e-2, "F1": 1e-6, "mutual information, bits": 1e-6, "point-biserial r": 5e-3,
    "Cohen's d": 2e-2, "Spearman's r": 5e-3, "Pearson's r": 1e-3,
}  # fmt: skip
"""How far a score may lie from what the library says: bins make ties, which an average precision feels most. Ranks are
those within the whole text; what difference it makes to rank the reporting half anew, as `spearmanr` of it does, is
told beside: much, for a unit that drifts.
"""
ANEW = "Spearman's r with ranks of the reporting half alone, less ours"
Read = tuple[list[tuple[Probe, Values, NDArray[np.bool_]]], Values, NDArray[np.bool_], NDArray[np.bool_]]


def measure() -> Part:
    """Scores, probes, lesions, rankings."""
    text, values = recorded()
    corpus, values = Corpus.from_text(text[-LENGTH:]), np.ascontiguousarray(values[-LENGTH:])
    counts = count(ArraySource(values, HERE), corpus, select(FEATURES), seed=SEED)
    findings = judge(counts)
    labels = Labeller(findings.features, corpus).read(0, LENGTH)
    half = _blocks(counts.tally.total.shape[0]) % 2 == 1
    read = _read(corpus, values, labels)
    rows = [*_scores(findings, counts, labels, values, half), _probes(*read), _lesions()]
    rows += _neurox(findings, read, labels.spans, values, half)
    page = table(["what", "asked", "measured"], [[r.what, r.asked, r.measured] for r in rows])
    return Part("Agreement", tuple(rows), {r.what: r.measured for r in rows}, page)


def _blocks(blocks: int) -> NDArray[np.int64]:
    """The block of every position."""
    parts = rounds(LENGTH, blocks=blocks)
    return np.concatenate([np.repeat(p.block_of, np.diff(np.append(p.starts, p.stop))) for p in parts])


def _scores(findings: Findings, counts: Counts, labels: Any, values: Values, half: NDArray[np.bool_]) -> list[Row]:
    """The largest difference of every score from the library's, over features and units."""
    worst, tried = dict.fromkeys((*TOLERANCE, ANEW), 0.0), dict.fromkeys((*TOLERANCE, ANEW), 0)
    for f, feature in enumerate(findings.features):
        if findings.evidence[f].remark:
            continue
        for u in range(0, values.shape[1], 3):
            ours = {name: float(s[f, u]) for name, s in findings.scores.items()}
            if feature.kind == "span":
                pairs = _span(ours, counts, labels.spans[f], values[:, u], half, f, u)
            else:
                pairs = _number(ours, labels.numbers[f - counts.spans], values[:, u], half)
            for name, (mine, theirs) in pairs.items():
                worst[name] = max(worst[name], abs(mine - theirs))
                tried[name] += 1
    said = {name: "scipy" if "'s r" in name or "serial" in name else "scikit-learn" for name in TOLERANCE}
    said["Cohen's d"] = "its definition"
    return [
        Row(f"{name} against {said[name]}", f"within {TOLERANCE[name]:g}", f"{worst[name]:.1e} at most, {tried[name]}x",
            worst[name] <= TOLERANCE[name] and tried[name] > 0) for name in TOLERANCE
    ] + [Row(ANEW, "", f"{worst[ANEW]:.1e} at most, {tried[ANEW]}x", None)]  # fmt: skip


def _span(
    ours: dict[str, float], counts: Counts, label: NDArray[np.bool_], value: Values, half: NDArray[np.bool_], f: int,
    u: int,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    from scipy.stats import pointbiserialr
    from sklearn.metrics import average_precision_score, f1_score, mutual_info_score, roc_auc_score

    on, here, sign = label[half], value[half].astype(float), ours["sign"]
    called = here >= ours["threshold"] if sign > 0 else here < ours["threshold"]
    bins = np.searchsorted(counts.tally.quantiser.edges[u], value[half], side="right")
    told = mutual_info_score(on, bins) / np.log(2)
    # Miller and Madow's correction is what the library leaves to its caller.
    cells = len(np.unique(bins * 2 + on)) - len(np.unique(bins)) - 2 + 1
    told -= max(cells, 0) / (2 * len(on) * np.log(2))
    inside, outside = here[on], here[~on]
    spread = np.sqrt((len(inside) * inside.var() + len(outside) * outside.var()) / (len(on) - 2))
    return {
        "AUC": (ours["auc"], roc_auc_score(on, sign * here)),
        "average precision": (ours["ap"], average_precision_score(on, sign * here)),
        "F1": (ours["f1"], f1_score(on, called)),
        "mutual information, bits": (ours["mi"], max(told, 0.0)),
        "point-biserial r": (ours["r"], pointbiserialr(on, here)[0]),
        "Cohen's d": (ours["d"], (inside.mean() - outside.mean()) / spread),
    }


def _number(
    ours: dict[str, float], label: Values, value: Values, half: NDArray[np.bool_]
) -> dict[str, tuple[float, float]]:
    from scipy.stats import pearsonr, rankdata, spearmanr

    known = ~np.isnan(label)
    counted = half & known
    y, x = label[counted].astype(float), value[counted].astype(float)
    ranked = np.zeros(len(label))
    ranked[known] = rankdata(label[known])
    return {
        "Spearman's r": (ours["rank_r"], ours["sign"] * pearsonr(ranked[counted], rankdata(value)[counted])[0]),
        "Pearson's r": (ours["r"], pearsonr(y, x)[0]),
        ANEW: (ours["rank_r"], ours["sign"] * spearmanr(y, x)[0]),
    }


def _read(corpus: Corpus, values: Values, labels: Any) -> Read:
    """The probes of the span features with our weights for standardised units and the label at the probe's lag; the
    standardised units; the rows that choose, and those that report.
    """
    features = select([f for f in FEATURES if f not in ("column", "word-length")])
    measured = sums_of(ArraySource(values, HERE), corpus, features, seed=SEED)
    made, c = judged(measured, draws=2), measured.covariance
    at, block = np.arange(LENGTH), _blocks(PROBE_BLOCKS)
    told = [
        (p, made.weights[f] / np.where(c.scale > 0, c.scale, 1), labels.spans[f, np.maximum(at - p.lag, 0)])
        for f, p in enumerate(made.probes) if p.rungs
    ]  # fmt: skip
    return told, c.standardised(values), block % 2 == 0, block % 2 == 1


def _probes(told: list[tuple[Probe, Values, NDArray[np.bool_]]], x: Values, choose: Any, report: Any) -> Row:
    """R2 of one unit and of all, against scikit-learn's Ridge on stored activations."""
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score

    worst, tried = 0.0, 0
    for p, _, label in told:
        y = label.astype(float)
        for rung in (p.rungs[0], p.all):
            every = rung.units == x.shape[1]
            units = np.arange(rung.units) if every else np.array([u.index for u in p.chosen[: rung.units]])
            # The penalty of few units is one of those that are tried, and not told which.
            away = []
            for strength in [p.strength] if every else STRENGTHS:
                model = Ridge(alpha=strength * choose.sum()).fit(x[choose][:, units], y[choose])
                away.append(abs(rung.score - r2_score(y[report], model.predict(x[report][:, units]))))
            worst = max(worst, min(away))
            tried += 1
    said = f"{worst:.1e} at most, of {tried}"
    return Row(
        "R2 of probes against scikit-learn on stored activations", "within 1e-4", said, worst <= 1e-4 and tried > 3
    )


def _lesions(many: int = 3, length: int = 16_384) -> Row:
    """The change of loss without a cell, against a plain rewrite of the LSTM, one character after the other."""
    network, corpus = trained()
    text = corpus.part(len(corpus) - length, len(corpus))
    site = Site("lstm.0", "cell")
    cells = np.random.default_rng(SEED).permutation(network.module.lstm.hidden_size)[:many]
    held = [Lesion(str(c), {site: (np.array([c]), np.zeros(1, np.float32))}) for c in cells]
    feature, start = select(["capital"]), length // 2
    changes = lesion_changes(network, text, feature, held, start=start)
    ours = [changes.of(k)[0][0] for k in range(many)]
    labels = Labeller(feature, text).read(0, length).spans[0]
    losses = np.stack([_plain(network, text, start, c) for c in (None, *cells)])
    # Row t is what a unit did on reading character t; what it costs is paid for the character that comes next.
    worst, total = 0.0, losses.mean(1)
    for k in range(many):
        on = labels[start:][: losses.shape[1]]
        mine = (losses[k + 1] - losses[0])[on].mean()
        worst = max(worst, abs(float(ours[k][INSIDE]) - mine))
    said = f"{worst:.1e} nats at most, of {many} cells ({BLOCKS} lanes; loss {total[0]:.2f})"
    return Row(
        "Change of loss without a cell, against a plain rewrite of the LSTM", "within 1e-5 nats", said, worst <= 1e-5
    )


def _plain(network: Any, text: Corpus, start: int, held: int | None) -> NDArray[np.float64]:
    """Nats paid for every character from `start` on, the cell `held` being 0 all along; in torch, step by step, in
    the lanes of a lesion, each of which reads 512 characters first.
    """
    import torch

    lstm, module = network.module.lstm, network.module
    ids = torch.from_numpy(network.vocabulary.encode(text.codes(0, len(text))))
    part = rounds(len(text), start=start, lanes=BLOCKS, blocks=BLOCKS)[0]
    steps = part.steps + (part.longer > 0)
    first = torch.from_numpy(part.starts)
    paid = np.zeros(len(text))
    with torch.no_grad():
        entry = module._entry(ids)
        h = c = torch.zeros(part.lanes, lstm.hidden_size)
        for t in range(-512 - 1, steps - 1):
            at = (first + t).clamp(0, len(text) - 2)
            sums = entry[at] @ lstm.weight_ih_l0.T + lstm.bias_ih_l0 + h @ lstm.weight_hh_l0.T + lstm.bias_hh_l0
            i, f, g, o = sums.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            if held is not None:
                c[:, held] = 0.0
            h = o.sigmoid() * c.tanh()
            if t >= -1:
                chances = module.decoder(h).log_softmax(1)
                paid[(at + 1).numpy()] = -chances[torch.arange(part.lanes), ids[at + 1]].numpy()
    return paid[start:]


def _neurox(
    findings: Findings, read: Read, spans: NDArray[np.bool_], values: Values, half: NDArray[np.bool_]
) -> list[Row]:
    """NeuroX's rankings and linear probes, or a line that says why they are not there."""
    with neurox.fetched() as missing:
        if missing:
            return [Row(f"NeuroX ({neurox.PINNED}): rankings and linear probes against ours", "", missing)]
        return [neurox.ranked(findings, spans, values, half), *neurox.probed(*read)]
