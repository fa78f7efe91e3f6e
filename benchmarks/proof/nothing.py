"""Nothing to find: how often is something found where there is nothing?"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellscope.axes import Site
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.evidence.timescales import time_scales
from cellscope.evidence.verdicts import Q
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.findings import Findings
from cellscope.judge import judge
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.observe import ArraySource
from cellscope.pipeline.find import search
from proof.labels import coded, features_of, runs, slow_noise
from proof.material import SEED, recorded
from proof.rows import Part, Row, interval, rate, table

LENGTH = 40_000
UNITS = 32
SLOW = LENGTH / 20
"""The time scale that counts as very slow: a twentieth of the text."""
ASKED = ("string", "comment", "parentheses", "capital", "digit", "indentation", "column", "word-length")
NOMINAL = 0.05
WORDS = {
    "white": "white noise",
    "own": "AR(1) noise with the network's own time scales",
    "slow": "very slow AR(1) noise and labels, a twentieth of the text",
    "shifted": "a trained network, labels shifted",
    "shuffled": "a trained network, lines of the text shuffled",
    "letters": "a trained network, regexes of random letters",
    "untrained": "untrained networks",
}
TRIALS = {"white": 180, "own": 180, "slow": 200, "shifted": 180, "shuffled": 180, "letters": 100, "untrained": 60}
BY_VERDICT = ("letters", "untrained")
"""Here units do go with the labels, and only the baselines say that it is nothing: an alarm is a verdict."""


def measure(pool: Executor, quick: bool = False) -> Part:
    """All kinds of nothing, and the rate of alarms of each with its interval."""
    recorded()  # made once, before several processes ask for it
    rows, lines, total, alarms, naive = [], [], 0, 0, 0
    figures: dict[str, dict[str, Any]] = {}
    for kind, many in TRIALS.items():
        start, many = time.perf_counter(), max(4, many // 25) if quick else many
        told = list(pool.map(trial, [kind] * many, range(many), chunksize=4))
        hits, blunt = sum(t["alarm"] for t in told), sum(t["naive"] for t in told)
        best = [b for t in told for b in t["best"]]
        total, alarms, naive = total + many, alarms + hits, naive + blunt
        rows.append(Row(f"False alarms: {WORDS[kind]}", f"{NOMINAL:.0%}", f"{rate(hits, many)} of {many} searches",
                        interval(hits, many)[0] <= NOMINAL))  # fmt: skip
        tried = "" if kind in BY_VERDICT else rate(sum(best), len(best))
        lines.append([WORDS[kind], str(many), rate(hits, many), tried, rate(blunt, many),
                      f"{time.perf_counter() - start:.0f} s"])  # fmt: skip
        figures[kind] = {"trials": many, "alarms": hits, "interval": interval(hits, many), "naive": blunt,
                         "best_unit": [sum(best), len(best)]}  # fmt: skip
    rows.append(Row("False alarms: all kinds together", f"{NOMINAL:.0%}", f"{rate(alarms, total)} of {total} searches",
                    interval(alarms, total)[0] <= NOMINAL))  # fmt: skip
    least = [sum(figures[kind]["best_unit"][k] for kind in figures) for k in (0, 1)]
    rows.append(Row("p <= .05 of the best of all units, before one is chosen", f"{NOMINAL:.0%}",
                    f"{rate(*least)} of {least[1]} features", interval(*least)[0] <= NOMINAL))  # fmt: skip
    rows.append(Row("False alarms by the p of independent characters", "", rate(naive, total)))
    head = ["nothing to find in", "searches", "false alarms", "p <= .05 of the best of all units", "naive p", "time"]
    page = table(head, lines)
    return Part("Nothing to find", tuple(rows), {"nominal": NOMINAL, "kinds": figures}, page)


def trial(kind: str, seed: int) -> dict[str, Any]:
    """One search where there is nothing: whether it raises an alarm, and whether naive p-values would."""
    import torch

    torch.set_num_threads(1)
    findings = TESTS[kind](np.random.default_rng([SEED, seed, list(WORDS).index(kind)]), seed)
    if kind in BY_VERDICT:
        alarm, best = any(e.found for e in findings.evidence), []
    else:
        alarm = any(e.q <= Q for e in findings.evidence)
        p = findings.scores["p"][[not e.remark for e in findings.evidence]]
        best = (p.min(1) <= NOMINAL).tolist() if p.size else []
    return {"alarm": bool(alarm), "naive": _naive(findings), "best": best}


def _naive(findings: Findings) -> bool:
    """Whether any feature has p <= .05 for independent characters (Mann and Whitney; Fisher), all units and features
    counted by Bonferroni.
    """
    from scipy.stats import norm

    least, judged = 1.0, [e for e in findings.evidence if not e.remark]
    for e in judged:
        n, on = e.characters / 2, e.labelled / 2
        spread = np.sqrt((n + 1) / (12 * on * (n - on))) if e.kind == "span" else 1 / np.sqrt(max(on - 3, 1))
        away = e.score - 0.5 if e.kind == "span" else np.arctanh(np.clip(e.score, -0.999999, 0.999999))
        least = min(least, 2 * float(norm.sf(abs(away) / spread)))
    return least * len(findings.units) * len(judged) <= NOMINAL


def _searched(values: NDArray[np.float32], text: str, features: tuple[Feature, ...], seed: int) -> Findings:
    source = ArraySource(np.ascontiguousarray(values, np.float32), Site("trial", "hidden"))
    return judge(count(source, Corpus.from_text(text), features, seed=seed))


def _stretch(rng: np.random.Generator) -> tuple[str, NDArray[np.float32]]:
    """Some of the text, and what the network's units did on it."""
    text, values = recorded()
    start = int(rng.integers(0, len(text) - LENGTH))
    units = rng.permutation(values.shape[1])[:UNITS]
    return text[start : start + LENGTH], np.asarray(values[start : start + LENGTH])[:, units]


def _white(rng: np.random.Generator, seed: int) -> Findings:
    return _searched(slow_noise(rng, LENGTH, [0.0] * UNITS), _stretch(rng)[0], select(ASKED), seed)


def _own(rng: np.random.Generator, seed: int) -> Findings:
    text, values = _stretch(rng)
    scales = np.nan_to_num(time_scales(values), nan=0.0).tolist()
    return _searched(slow_noise(rng, LENGTH, scales), text, select(ASKED), seed)


def _slow(rng: np.random.Generator, seed: int) -> Findings:
    labels = np.stack([runs(rng, LENGTH, SLOW) for _ in range(4)])
    return _searched(slow_noise(rng, LENGTH, [SLOW] * UNITS), coded(labels), features_of(4), seed)


def _shifted(rng: np.random.Generator, seed: int) -> Findings:
    text, values = _stretch(rng)
    turn = int(rng.integers(LENGTH // 4, 3 * LENGTH // 4))
    return _searched(values, text[turn:] + text[:turn], select(ASKED), seed)


def _shuffled(rng: np.random.Generator, seed: int) -> Findings:
    text, values = _stretch(rng)
    lines = text.splitlines(keepends=True)
    return _searched(values, "".join(lines[i] for i in rng.permutation(len(lines))), select(ASKED), seed)


def _letters(rng: np.random.Generator, seed: int) -> Findings:
    """Six patterns of one to three random letters, classes of letters or any character."""
    text, values = _stretch(rng)
    patterns: list[str] = []
    while len(patterns) < 6:
        parts = []
        for _ in range(rng.integers(1, 4)):
            some = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(1, 5), replace=False))
            parts.append(f"[{some}]" if rng.random() < 0.8 else ".")
        if parts[0] != ".":
            patterns.append("".join(parts))
    return _searched(values, text, tuple(Feature(name=f"random-{k}", pattern=p) for k, p in enumerate(patterns)), seed)


def _untrained(rng: np.random.Generator, seed: int) -> Findings:
    """A network with fresh weights, which has another one with fresh weights as its control."""
    import torch

    corpus = Corpus.from_text(_stretch(rng)[0])
    vocabulary = Vocabulary.count(corpus)
    torch.manual_seed(seed)
    network = Network(CharRNN(len(vocabulary), size=UNITS).eval(), vocabulary, "untrained")
    return search(network, corpus, select(ASKED), seed=1_000 + seed)


TESTS: dict[str, Callable[[np.random.Generator, int], Findings]] = {
    "white": _white, "own": _own, "slow": _slow, "shifted": _shifted, "shuffled": _shuffled, "letters": _letters,
    "untrained": _untrained,
}  # fmt: skip
