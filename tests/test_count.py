"""The whole search: planted units come first with the right verdict, and nothing is found where nothing is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from scipy.stats import binom, pointbiserialr, spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from cellscope import observe
from cellscope.axes import Site
from cellscope.chunks import Round
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.features.feature import Feature
from cellscope.features.labeller import Labeller, Labels
from cellscope.features.library import library, select
from cellscope.findings import Findings
from cellscope.judge import judge
from cellscope.models.char_rnn import CharRNN
from cellscope.models.network import Network
from cellscope.observe import ArraySource, NetworkSource

PLANTED = Site("planted.0", "cell")


def noise(rng: np.random.Generator, length: int, scales: list[float]) -> np.ndarray:
    """AR(1) noise of variance 1 of these time scales [position, unit]."""
    out = np.empty((length, len(scales)), np.float32)
    for unit, scale in enumerate(scales):
        a = np.exp(-1 / scale) if scale else 0.0
        draws = rng.standard_normal(length + int(5 * scale))
        out[:, unit] = lfilter([np.sqrt(1 - a * a)], [1, -a], draws)[int(5 * scale) :]
    return out


@pytest.fixture(scope="module")
def code(real_text) -> Corpus:
    """80,000 characters of C."""
    return Corpus.from_text(Corpus.open(real_text("linux_kernel.txt")).text(500_000, 580_000), name="linux")


FEATURES = (
    "comment-block",
    "parentheses",
    "quote-double",
    "indentation",
    "keyword",
    "bracket-depth",
    "column",
    "line-length",
)


@pytest.fixture(scope="module")
def planted(code: Corpus) -> tuple[np.ndarray, Findings]:
    """30 units of noise of all time scales, and among them units that follow a feature; and the search over them."""
    features, rng, n = select(FEATURES), np.random.default_rng(0), len(code)
    labels = Labeller(features, code).read(0, n)
    spans = dict(zip([f.name for f in features if f.kind == "span"], labels.spans.astype(float), strict=True))
    numbers = dict(zip([f.name for f in features if f.kind == "numeric"], labels.numbers, strict=True))
    values = noise(rng, n, [0, 3, 10, 30, 100, 300] * 5)
    values[:, 3] = 2 * spans["comment-block"] + 0.5 * noise(rng, n, [5])[:, 0]
    values[:, 8] = 0.3 - 3 * spans["parentheses"] + 0.5 * noise(rng, n, [5])[:, 0]
    values[:, 13] = np.roll(spans["quote-double"], 2) + 0.1 * noise(rng, n, [0])[:, 0]
    values[:, 21] = -1800 + np.nan_to_num(numbers["column"]) + 3 * noise(rng, n, [0])[:, 0]
    values[:, 26] = -np.nan_to_num(numbers["bracket-depth"]) + 0.3 * noise(rng, n, [2])[:, 0]
    return values, judge(count(ArraySource(values, PLANTED), code, features))


def test_planted_units_come_first(planted) -> None:
    """Units that follow a feature come first, with the right sign and lag, and the rest are not found."""
    _, findings = planted
    found = {e.feature: e for e in findings.evidence}
    expected = {"comment-block": (3, 1, 0), "parentheses": (8, -1, 0), "quote-double": (13, 1, 2), "column": (21, 1, 0)}
    expected["bracket-depth"] = (26, -1, 0)
    for name, (unit, sign, lag) in expected.items():
        e = found[name]
        assert e.found, e.verdict
        assert (e.unit.index, e.sign, e.lag) == (unit, sign, lag), name
        assert e.low < e.score < e.high
        assert e.q < 0.05
    assert not found["keyword"].found
    assert {name for name, e in found.items() if e.found} <= {*expected, "indentation", "line-length"}


def test_verdicts_of_planted_units(planted) -> None:
    """The verdict says it in words: on or off, rises or falls, how late, against what."""
    _, findings = planted
    verdicts = {e.feature: e.verdict for e in findings.evidence}
    assert verdicts["comment-block"].startswith("cell 3 of planted.0:cell is on inside comment-block: AUC 0.99")
    assert verdicts["parentheses"].startswith("cell 8 of planted.0:cell is off inside parentheses: AUC 0.999")
    assert "is on inside quote-double, 2 characters late: AUC 0.9" in verdicts["quote-double"]
    assert verdicts["column"].startswith("cell 21 of planted.0:cell rises with column: rank r 0.9")
    assert verdicts["bracket-depth"].startswith("cell 26 of planted.0:cell falls with bracket-depth: rank r")
    for name in ("comment-block", "column"):
        assert "last three characters 0." in verdicts[name]
        assert verdicts[name].endswith("p < 0.01")
    assert verdicts["keyword"].startswith("no unit") or verdicts["keyword"].startswith("keyword: no unit")


def test_scores_equal_scikit_learn(planted, code: Corpus) -> None:
    """Every score of every unit, chosen and reported, equals scikit-learn's and scipy's on that half."""
    values, findings = planted
    part = observe.rounds(len(code))[0]
    half = np.repeat(part.block_of % 2, np.diff(np.append(part.starts, part.stop)))
    labels = Labeller(findings.features, code).read(0, len(code))
    spans = labels.spans
    for f in range(len(spans)):
        on = spans[f, half == 1]
        for u in (0, 3, 5, 8, 13, 21, 29):
            sign, here = findings.scores["sign"][f, u], values[half == 1, u]
            chosen = roc_auc_score(spans[f, half == 0], values[half == 0, u])
            assert findings.scores["chosen"][f, u] == pytest.approx(max(chosen, 1 - chosen), abs=1e-3)
            assert findings.scores["auc"][f, u] == pytest.approx(roc_auc_score(on, sign * here), abs=1e-3)
            assert findings.scores["ap"][f, u] == pytest.approx(average_precision_score(on, sign * here), abs=2e-2)
            assert findings.scores["r"][f, u] == pytest.approx(pointbiserialr(on, here)[0], abs=5e-3)
            called = here >= findings.scores["threshold"][f, u]
            called = called if sign > 0 else ~called
            iou = (called & on).sum() / (called | on).sum()
            assert findings.scores["iou"][f, u] == pytest.approx(iou, abs=1e-9)
            assert findings.scores["f1"][f, u] == pytest.approx(2 * iou / (1 + iou), abs=1e-9)
    for f in range(len(spans), len(findings.features)):
        number = labels.numbers[f - len(spans)]
        counts = ~np.isnan(number) & (half == 1)
        for u in (0, 21, 26):
            sign = findings.scores["sign"][f, u]
            truth = spearmanr(number[counts], values[counts, u])[0]
            assert findings.scores["rank_r"][f, u] == pytest.approx(sign * truth, abs=1e-2)
            pearson = np.corrcoef(number[counts], values[counts, u])[0, 1]
            assert findings.scores["r"][f, u] == pytest.approx(pearson, abs=1e-3)


def test_table_is_tidy(planted, tmp_path: Path) -> None:
    """One row for each feature and unit, best first; through CSV and back it is the same."""
    import pandas as pd

    values, findings = planted
    table = findings.table()
    assert len(table) == len(FEATURES) * values.shape[1]
    for _, rows in table.groupby("feature"):
        assert rows["rank"].tolist() == list(range(1, values.shape[1] + 1))
        assert (rows["chosen"].diff().dropna() <= 1e-12).all()
        assert set(rows["index"]) == set(range(values.shape[1]))
    first = table[(table["feature"] == "comment-block") & (table["rank"] == 1)].iloc[0]
    assert first["unit"] == "planted.0:cell/3"
    table.to_csv(tmp_path / "table.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table.csv"), table, check_dtype=False)


def test_summary(planted) -> None:
    """The summary counts the units and features that are tracked; a higher bar, fewer."""
    _, findings = planted
    units, features = findings.tracking(0.9)
    assert 4 <= units <= 8
    assert 4 <= features <= 7
    assert findings.tracking(0.9999)[0] < units
    assert (
        f"{units} of 30 units track a feature, {features} of 8 features are tracked: AUC >= 0.9" in findings.summary()
    )


def test_same_seed_same_findings(planted, code: Corpus) -> None:
    """The same search gives the same findings to the last digit; another seed, other draws and the same scores."""
    values, findings = planted
    again = judge(count(ArraySource(values, PLANTED), code, select(FEATURES)))
    other = judge(count(ArraySource(values, PLANTED), code, select(FEATURES), seed=1))
    for name, scores in findings.scores.items():
        assert np.array_equal(scores, again.scores[name], equal_nan=True), name
        assert name == "p" or np.array_equal(scores, other.scores[name], equal_nan=True), name
    assert str(again.evidence) == str(findings.evidence)
    assert not np.array_equal(findings.scores["p"], other.scores["p"])


def test_lanes_and_rounds_do_not_matter(planted, code: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """In rounds, in other chunks, features in another order: other halves, and much the same scores and verdicts."""
    values, findings = planted
    before = {e.feature: e for e in findings.evidence}
    monkeypatch.setattr(observe, "STEPS", 50)
    source = ArraySource(values, PLANTED)
    source.round_length = 30_000
    after = judge(count(source, code, select(FEATURES[::-1])))
    for e in after.evidence:
        if before[e.feature].found and before[e.feature].over_three_low > 0.2:
            assert e.found
            assert e.unit == before[e.feature].unit
            assert e.score == pytest.approx(before[e.feature].score, abs=0.03)


def test_scales_do_not_matter(planted, code: Corpus) -> None:
    """A unit times a negative number keeps its scores and turns its sign, however large the number."""
    values, findings = planted
    moved = judge(count(ArraySource(-512 * values, PLANTED), code, select(FEATURES)))
    for name in ("auc", "ap", "f1", "mi", "chosen"):
        assert np.allclose(moved.scores[name], findings.scores[name], atol=0.02, equal_nan=True), name
    sure = findings.scores["chosen"] > 0.6
    assert np.array_equal(moved.scores["lag"][sure], findings.scores["lag"][sure])
    assert np.array_equal(moved.scores["sign"][sure], -findings.scores["sign"][sure])


# --- planted in the weights of a network ------------------------------------------------------------------------------


def hand_built(vocabulary: Vocabulary, size: int = 24) -> CharRNN:
    """An LSTM with unit 5 on inside parentheses, unit 9 off inside quotes, unit 12 counting columns; the rest noise."""
    torch.manual_seed(0)
    module = CharRNN(len(vocabulary), kind="lstm", size=size, embedding=0)
    lstm, ids = module.lstm, {s: i for i, s in enumerate(vocabulary.symbols)}
    with torch.no_grad():
        for unit in (5, 9, 12):
            for gate in range(4):
                lstm.weight_ih_l0[gate * size + unit] = 0
                lstm.weight_hh_l0[gate * size + unit] = 0
                lstm.bias_ih_l0[gate * size + unit] = lstm.bias_hh_l0[gate * size + unit] = 0
            rows = dict(zip("ifgo", [lstm.weight_ih_l0[g * size + unit] for g in range(4)], strict=True))
            bias = dict(
                zip("ifgo", [lstm.bias_ih_l0[g * size + unit : g * size + unit + 1] for g in range(4)], strict=True)
            )
            bias["f"] += 20
            bias["o"] += 20
            if unit == 12:  # c goes down by one at every character, and begins anew at every line
                bias["i"] += 20
                bias["g"] -= 20
                rows["f"][ids["\n"]] = -40
                continue
            opens, closes = ("(", ")") if unit == 5 else ("“", "”")
            bias["i"] -= 20
            rows["i"][ids[opens]] = 40
            bias["g"] += 20 if unit == 5 else -20
            rows["f"][ids[closes]] = rows["f"][ids[opens]] = -40
    return module.eval()


def sentences(rng: np.random.Generator, length: int) -> str:
    """Words, some of them in parentheses or quotes, in lines of random length."""
    parts: list[str] = []
    size = 0
    while size < length:
        words = " ".join(
            "".join(rng.choice(list("abcdeinorst"), rng.integers(1, 9))) for _ in range(rng.integers(1, 9))
        )
        kind = rng.integers(0, 6)
        words = f"({words})" if kind == 0 else f"“{words}”" if kind == 1 else words
        parts.append(words + ("\n" if rng.random() < 0.2 else " "))
        size += len(parts[-1])
    return "".join(parts)[:length]


@pytest.fixture(scope="module")
def built() -> tuple[Network, Corpus]:
    corpus = Corpus.from_text(sentences(np.random.default_rng(0), 90_000))
    vocabulary = Vocabulary.count(corpus)
    return Network(hand_built(vocabulary), vocabulary, "hand-built"), corpus


ASKED = (
    Feature(name="in-parentheses", pattern=r"\([^)]*"),
    Feature(name="in-quotes", pattern="“[^”]*"),
    *select(["column", "word-end"]),
)


@pytest.mark.parametrize("exact", [False, True])
def test_planted_weights(built: tuple[Network, Corpus], exact: bool) -> None:
    """Cells whose weights were set by hand to track a feature are found as what they are, in lanes and in one."""
    network, corpus = built
    with NetworkSource(network, corpus, (Site("lstm.0", "cell"),), exact=exact) as source:
        findings = judge(count(source, corpus, ASKED))
    found = {e.feature: e for e in findings.evidence}
    for name, unit, sign in (("in-parentheses", 5, 1), ("in-quotes", 9, -1), ("column", 12, -1)):
        e = found[name]
        assert e.found, e.verdict
        assert (e.unit.index, e.sign, e.lag) == (unit, sign, 0)
        assert e.score > 0.999
        assert e.score > e.three
    assert found["in-parentheses"].verdict.startswith("cell 5 of lstm.0:cell is on inside in-parentheses: AUC 1.0")
    assert found["word-end"].verdict.startswith("word-end: no unit")


def test_sites_are_told_apart(built: tuple[Network, Corpus]) -> None:
    """Units of several sites are numbered within theirs: the cell of hidden unit 5 is lstm.0:cell/5."""
    network, corpus = built
    with NetworkSource(network, corpus, (Site("lstm.0", "hidden"), Site("lstm.0", "cell"))) as source:
        findings = judge(count(source, corpus, ASKED[:1]))
    assert len(findings.units) == 48
    assert {str(findings.units[u]) for u in findings.ranking(0)[:2]} == {"lstm.0:hidden/5", "lstm.0:cell/5"}


def test_a_damaged_network(built: tuple[Network, Corpus]) -> None:
    """A network whose activations are NaN is refused by the unit that gives them."""
    network, corpus = built
    module = hand_built(network.vocabulary)
    with torch.no_grad():
        module.lstm.bias_ih_l0[7] = torch.nan
    with (
        NetworkSource(replace(network, module=module), corpus, (Site("lstm.0", "cell"),)) as source,
        pytest.raises(InputError, match=r"lstm\.0:cell/\d+.*not finite"),
    ):
        count(source, corpus, ASKED)


# --- nothing is found where nothing is --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Random:
    """A feature that is nowhere in the text: its labels are made up."""

    name: str
    kind: str = "span"


def made_up(corpus: Corpus, number: int, rng: np.random.Generator) -> np.ndarray:
    """Labels [feature, position] with the stretches of the library's features, put in a random order."""
    spans = Labeller([f for f in library() if f.kind == "span"], corpus).read(0, len(corpus)).spans
    spans = spans[(spans.sum(1) >= 100) & (spans.sum(1) <= len(corpus) - 100)]
    rows = []
    for k in range(number):
        edges = np.flatnonzero(np.diff(np.pad(spans[k % len(spans)].astype(np.int8), 1)))
        on, off = edges[1::2] - edges[::2], np.diff(np.concatenate([[0], edges, [len(corpus)]]))[::2]
        lengths = np.empty(len(on) + len(off), int)
        lengths[::2], lengths[1::2] = rng.permutation(off), rng.permutation(on)
        rows.append(np.repeat(np.arange(len(lengths)) % 2 == 1, lengths))
    return np.stack(rows)


def search_made_up(
    corpus: Corpus, network: Network, number: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> Findings:
    spans = made_up(corpus, number, np.random.default_rng(seed))

    class Given:
        def __init__(self, features, corpus, **options) -> None:
            pass

        def read(self, start: int, stop: int) -> Labels:
            return Labels(start, spans[:, start:stop], np.zeros((0, stop - start), np.float32))

    monkeypatch.setattr("cellscope.features.labeller.Labeller", Given)
    with NetworkSource(network, corpus, (Site("lstm.0", "hidden"), Site("lstm.0", "cell"))) as source:
        return judge(count(source, corpus, [Random(f"random-{k}") for k in range(number)], seed=seed))


def test_random_features_are_not_found(code: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 random features with real features' lengths, no more than 5 % have p <= .05, and at most one is found."""
    torch.manual_seed(0)
    vocabulary = Vocabulary.count(code)
    network = Network(CharRNN(len(vocabulary), size=24).eval(), vocabulary, "untrained")
    findings = search_made_up(code, network, 200, 0, monkeypatch)
    p = np.array([e.p for e in findings.evidence])
    assert (~np.isnan(p)).mean() > 0.9
    assert (p <= 0.05).sum() <= binom.ppf(0.999, 200, 0.05)
    smallest = findings.scores["p"].min(1)
    assert (smallest <= 0.05).sum() <= binom.ppf(0.999, 200, 0.05)
    assert sum(e.found for e in findings.evidence) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["warpeace.txt", "awesome.md", "linux_kernel.txt"])
def test_random_features_are_not_found_in_other_texts(name: str, real_text, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in prose, markdown and code, over 300,000 characters and three untrained networks."""
    whole = Corpus.open(real_text(name))
    corpus = whole.part(len(whole) - 300_000, len(whole))
    vocabulary = Vocabulary.count(corpus)
    alarms, found = 0, 0
    for seed in range(3):
        torch.manual_seed(seed)
        network = Network(CharRNN(len(vocabulary), size=48).eval(), vocabulary, "untrained")
        with monkeypatch.context() as patch:
            findings = search_made_up(corpus, network, 200, seed, patch)
        alarms += int((findings.scores["p"].min(1) <= 0.05).sum())
        found += sum(e.found for e in findings.evidence)
    assert alarms <= binom.ppf(0.999, 600, 0.05)
    assert found <= 1


# --- short and odd texts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 3, 40, 127, 128, 129, 300, 1500, 6000])
def test_short_texts(length: int, built: tuple[Network, Corpus]) -> None:
    """A text of any length is searched without error or NaN verdict; one that is too short is said to be."""
    network, corpus = built
    text = corpus.part(0, length)
    with NetworkSource(network, text, (Site("lstm.0", "cell"),)) as source:
        findings = judge(count(source, text, ASKED))
    assert findings.characters == length
    for e in findings.evidence:
        assert "nan" not in e.verdict
        assert e.verdict
        if length <= 300:
            assert not e.found
            words = ("too short", "too rare", "matches nothing", "matches every", "counts at only")
            assert any(w in e.verdict for w in words)
    assert "of 24 units" in findings.summary()


def test_features_that_cannot_be_judged(built: tuple[Network, Corpus]) -> None:
    """What matches nothing, everything, too little or all but a little is said to, and does not disturb the others."""
    network, corpus = built
    odd = {
        "nothing": ("ZZZ", "matches nothing"),
        "everything": (r"(?s).", "matches every character"),
        "rare": (r"\A.{30}", "too rare"),
        "common": (r"(?s)(?<=.{30}).", "too common"),
    }
    features = (*(Feature(name=name, pattern=pattern) for name, (pattern, _) in odd.items()), *ASKED)
    with NetworkSource(network, corpus, (Site("lstm.0", "cell"),)) as source:
        findings = judge(count(source, corpus, features))
    evidence = {e.feature: e for e in findings.evidence}
    for name, (_, words) in odd.items():
        assert words in evidence[name].verdict
        assert evidence[name].unit is None
        assert np.isnan(evidence[name].q)
    assert evidence["in-parentheses"].found
    assert len(findings.table()) == len(features) * 24


def test_lengths_must_agree(built: tuple[Network, Corpus]) -> None:
    """Activations and text of different lengths are refused, saying both."""
    _, corpus = built
    with pytest.raises(InputError, match=r"9 rows and the text 90,000 characters"):
        count(ArraySource(np.zeros((9, 2)), PLANTED), corpus, ASKED)


def test_constant_units(built: tuple[Network, Corpus]) -> None:
    """Units that never move are searched without warning and track nothing."""
    _, corpus = built
    findings = judge(count(ArraySource(np.full((len(corpus), 3), 0.1), PLANTED), corpus, ASKED))
    assert not any(e.found for e in findings.evidence)
    for name in ("auc", "chosen"):
        assert np.nanmax(np.abs(findings.scores[name][:3] - 0.5)) == 0
    for name in ("r", "d", "rank_r"):
        assert np.nanmax(np.abs(findings.scores[name])) < 1e-3


def test_from_the_middle_on(built: tuple[Network, Corpus]) -> None:
    """With `start` only the end of the text is counted, and what was open before is known to be."""
    network, corpus = built
    with NetworkSource(network, corpus, (Site("lstm.0", "cell"),)) as source:
        counts = count(source, corpus, ASKED, start=30_001)
    assert counts.characters == len(corpus) - 30_001
    labels = Labeller(ASKED, corpus).read(0, len(corpus))
    assert counts.labelled[:3].tolist() == labels.spans[:, 30_001:].sum(1).tolist()
    assert int(counts.tally.total[:, 0].sum()) == counts.characters


def test_progress(built: tuple[Network, Corpus]) -> None:
    """Progress rises to the whole."""
    network, corpus = built
    told: list[tuple[int, int]] = []
    with NetworkSource(network, corpus, (Site("lstm.0", "cell"),)) as source:
        count(source, corpus, ASKED, progress=lambda done, total, text: told.append((done, total)))
    assert [d for d, _ in told] == sorted(d for d, _ in told)
    assert told[-1] == (len(corpus), len(corpus))


def test_rounds_of_a_search_keep_their_blocks() -> None:
    """However a text is cut into rounds, neighbouring blocks take turns in choosing and reporting."""
    for length in (1000, 50_000, 3_000_000):
        for part in observe.rounds(length):
            assert isinstance(part, Round)
            assert np.abs(np.diff(part.block_of)).max(initial=0) <= 1
