"""From a network or a run to findings: the control is made once, the content is valid JSON, and mistakes are named."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cellscope
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.features.library import select
from cellscope.models.network import Network
from cellscope.pipeline import find as pipeline
from cellscope.pipeline.find import Search, clean, find_in, search
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.pipeline.untrained import untrained_scores
from cellscope.training.config import TrainingConfig

FEATURES = ("parentheses", "digit", "url", "column")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, bracket_corpus: Corpus) -> Path:
    """A folder with a run `tiny` that has learned next to nothing."""
    folder = tmp_path_factory.mktemp("find")
    (folder / "text.txt").write_text(bracket_corpus.text(0, 12_000))
    config = TrainingConfig(epochs=0.1, batch_size=2, seq_length=16, precision="fp32")
    corpus = Corpus.open(folder / "text.txt")
    begin(corpus, runs=folder / "runs", name="tiny", model=ModelOptions(size=8, embedding=4), config=config).train()
    return folder / "runs"


def test_the_planted_cell_is_found(planted_search: Search) -> None:
    """The latch beats characters, shifts and the untrained network, and nothing else is found where nothing is."""
    found = {e.feature: e for e in planted_search.findings.evidence}
    assert str(found["parentheses"].unit) == "lstm.0:cell/0"
    assert found["parentheses"].found
    assert 0.5 <= found["parentheses"].untrained < found["parentheses"].score
    assert found["url"].verdict == "url matches nothing in this text"
    assert math.isnan(found["url"].untrained)


def test_json(planted_search: Search) -> None:
    """The content is valid JSON with stable keys and no NaN, the same at every call."""
    text = planted_search.json()
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert text == planted_search.json()
    assert list(content) == [
        "cellscope", "run", "network", "corpus", "basis", "characters", "seed", "shifts", "summary", "features"
    ]  # fmt: skip
    assert [f["feature"] for f in content["features"]] == list(FEATURES)
    first, url = content["features"][0], content["features"][2]
    assert (first["unit"], first["found"], first["kind"]) == ("lstm.0:cell/0", True, "span")
    assert first["verdict"].startswith("cell 0 of lstm.0:cell is on inside parentheses")
    assert all(set(f) == set(first) for f in content["features"])
    assert (url["unit"], url["score"], url["p"], url["found"]) == (None, None, None, False)
    evidence = planted_search.findings.evidence[0]
    assert (first["score"], first["q"], first["three"]) == (evidence.score, evidence.q, evidence.three)
    assert 0 < first["over_three_low"] < first["over_three"] < first["over_three_high"]
    assert 0 < first["over_untrained_low"] < first["over_untrained"] < first["over_untrained_high"]


def test_clean() -> None:
    """NaN and infinities become null, at any depth; everything else stays."""
    content = {"a": math.nan, "b": {"c": math.inf, "d": 1.5}, "e": "nan", "f": [1], "g": None}
    assert clean(content) == {"a": None, "b": {"c": None, "d": 1.5}, "e": "nan", "f": [1], "g": None}


def test_the_control_is_made_once(
    latch: Network, bracket_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores of the untrained network are kept, also of features that cannot be judged; a damaged file is made anew."""
    made: list[int] = []
    original = Network.untrained
    monkeypatch.setattr(Network, "untrained", lambda self, seed: made.append(seed) or original(self, seed))
    features, sites = select(FEATURES), tuple(cellscope.Site.parse(s) for s in ("lstm.0:h", "lstm.0:c"))
    first = untrained_scores(latch, bracket_corpus, features, sites, folder=tmp_path / "control")
    assert set(first) == set(FEATURES)
    assert math.isnan(first["url"].value)
    assert first["parentheses"].low < first["parentheses"].value < first["parentheses"].high
    again = untrained_scores(latch, bracket_corpus, features, sites, folder=tmp_path / "control")
    assert str(again) == str(first)
    assert len(made) == 1
    untrained_scores(latch, bracket_corpus, [*features, *select(["capital"])], sites, folder=tmp_path / "control")
    assert len(made) == 2
    untrained_scores(latch, bracket_corpus, select(["capital"]), sites[:1], folder=tmp_path / "control")
    assert len(made) == 3
    files = list((tmp_path / "control").iterdir())
    assert {f.suffix for f in files} == {".json"}
    for damage in ("{", "[]", '{"a": "b"}', '{"a": [1, 2]}', ""):
        for file in files:
            file.write_text(damage)
        assert str(untrained_scores(latch, bracket_corpus, features, sites, folder=tmp_path / "control")) == str(first)


def test_the_control_leaves_the_network_alone(latch: Network, bracket_corpus: Corpus) -> None:
    """Drawing weights anew changes neither the network's weights nor torch's random state."""
    import torch

    before, state = {k: v.clone() for k, v in latch.module.state_dict().items()}, torch.get_rng_state()
    search(latch, bracket_corpus.part(0, 5000), select(["digit"]))
    assert all(torch.equal(v, before[k]) for k, v in latch.module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_the_end_of_a_text(latch: Network, bracket_corpus: Corpus) -> None:
    """`characters` limits the search to the end; more than there are is all of them."""
    for characters, heard in ((10_000, 10_000), (10**9, len(bracket_corpus)), (None, len(bracket_corpus))):
        findings = search(latch, bracket_corpus, select(["digit"]), characters=characters)
        assert findings.characters == heard


def test_a_run_and_its_text(runs: Path) -> None:
    """The latest run and its own text are the default; streams and texts are chosen; the control lies in the run."""
    found = find_in(asked=["parentheses", "column"], runs=runs)
    assert found.run is not None
    assert found.run.name == "tiny"
    assert found.findings.characters == 12_000
    assert {str(u.site) for u in found.findings.units} == {"lstm.0:hidden", "lstm.0:cell"}
    assert len(list((runs / "tiny" / "control").glob("*.json"))) == 1
    gates = find_in("tiny", asked=["digit"], streams="f, o", runs=runs, characters=5000)
    assert {u.site.stream for u in gates.findings.units} == {"forget", "output"}
    assert gates.findings.characters == 5000


def test_mistakes_are_named(runs: Path, tmp_path: Path) -> None:
    """A feature that matches nothing or everything, an unknown stream, a missing text: one line that says what."""
    other = tmp_path / "other.txt"
    other.write_text("no brackets here\n" * 300)
    with pytest.raises(InputError, match=r"ticket.*JIRA-.* matches nothing in the 5,100 characters.*other.txt"):
        find_in(asked=[r"ticket=JIRA-\d+"], text=other, runs=runs)
    with pytest.raises(InputError, match="all.* matches all of the 5,100 characters"):
        find_in(asked=[r"all=(?s)."], text=other, runs=runs)
    with pytest.raises(MissingError, match="forget"):
        find_in(asked=["digit"], streams="forgot", runs=runs)
    with pytest.raises(InputError):
        find_in(asked=["digit"], text=tmp_path / "none.txt", runs=runs)
    with pytest.raises(InputError):
        find_in(runs=tmp_path / "no-runs")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(InputError):
        find_in(asked=["digit"], text=tmp_path / "empty.txt", runs=runs)


def test_from_python(latch: Network, bracket_corpus: Corpus, planted_search: Search) -> None:
    """`cellscope.find` of a Network, of its bare module and of what was recorded from it give the same first unit."""
    table = cellscope.find(latch, bracket_corpus, features=["parentheses"])
    assert table.iloc[0]["unit"] == "lstm.0:cell/0"
    expected = planted_search.findings.scores["auc"][0, planted_search.findings.ranking(0)[0]]
    assert table.iloc[0]["auc"] == pytest.approx(expected, abs=1e-9)
    bare = cellscope.find(latch.module, bracket_corpus, features=["parentheses"], vocabulary=latch.vocabulary)
    assert np.array_equal(bare["auc"], table["auc"])
    import torch

    ids = torch.from_numpy(latch.vocabulary.encode(bracket_corpus.codes(0, len(bracket_corpus))))
    with cellscope.listen(latch.module, ["lstm.0:c"]) as heard:
        latch.module(ids[None])
        array = heard["lstm.0:c"][:, 0].numpy()
    recorded = cellscope.find(array, bracket_corpus, features=["parentheses"], sites=["lstm.0:c"])
    assert recorded.iloc[0]["unit"] == "lstm.0:cell/0"
    cells = table[table["site"] == "lstm.0:cell"].set_index("unit")["auc"]
    assert np.allclose(recorded.set_index("unit")["auc"].loc[cells.index], cells, atol=0.01)


def test_components_from_python(latch: Network, bracket_corpus: Corpus) -> None:
    """With a basis, components stand in the place of units; what has none is refused, and so is a number of nothing."""
    table = cellscope.find(latch, bracket_corpus, features=["parentheses"], basis="pca", components=3)
    assert set(table["site"]) == {"lstm.0.hidden:pca", "lstm.0.cell:pca"}
    assert len(table) == 6
    with pytest.raises(InputError, match="how many a basis has"):
        cellscope.find(latch, bracket_corpus, features=["parentheses"], components=3)
    with pytest.raises(InputError, match="no basis 'svd'; there is pca"):
        cellscope.find(latch, bracket_corpus, features=["parentheses"], basis="svd")
    with pytest.raises(InputError, match="an array is searched as it is"):
        cellscope.find(np.zeros((30_000, 2)), bracket_corpus, features=["parentheses"], basis="pca")


def test_mistakes_from_python_are_named(latch: Network, bracket_corpus: Corpus) -> None:
    """Two features of one name, an array without units, and a vocabulary of another size are refused, not searched."""
    array = np.zeros((len(bracket_corpus), 2), np.float32)
    with pytest.raises(InputError, match="two features named 'digit' and 'digit'"):
        cellscope.find(array, bracket_corpus, features=["digit", cellscope.Feature(name="digit", pattern="cell")])
    with pytest.raises(InputError, match=r"shape \(30000, 0\)"):
        cellscope.find(array[:, :0], bracket_corpus, features=["digit"])
    symbols = cellscope.Vocabulary((*latch.vocabulary.symbols, "\u20ac"), other=latch.vocabulary.other)
    latch.module.train()
    try:
        with pytest.raises(InputError, match=f"{len(symbols)} symbols|failed"):
            cellscope.find(latch.module, bracket_corpus, features=["digit"], vocabulary=symbols)
        assert latch.module.training
    finally:
        latch.module.eval()


def test_a_network_of_bytes_reads_bytes(tmp_path: Path) -> None:
    """Whatever text is named, a network whose symbols are bytes reads its bytes, not its characters."""
    (tmp_path / "own.txt").write_text("plain text (of ascii)\n" * 400)
    (tmp_path / "other.txt").write_text("\u00e9t\u00e9 (chaud)\n" * 400, "utf-8")
    corpus = Corpus.open(tmp_path / "own.txt", as_bytes=True)
    config = TrainingConfig(epochs=0.1, batch_size=2, seq_length=16, precision="fp32")
    model = ModelOptions(size=8, embedding=4)
    begin(corpus, runs=tmp_path / "runs", name="bytes", model=model, config=config).train()
    found = find_in("bytes", asked=["parentheses"], text=tmp_path / "other.txt", runs=tmp_path / "runs")
    assert found.findings.characters == (tmp_path / "other.txt").stat().st_size
    table = cellscope.search("bytes", tmp_path / "other.txt", features=["parentheses"], runs=tmp_path / "runs")
    assert table.characters == found.findings.characters


def test_seeds(latch: Network, bracket_corpus: Corpus) -> None:
    """One seed, one answer."""
    one, two = (search(latch, bracket_corpus, select(["parentheses"]), seed=5) for _ in range(2))
    assert str(one.evidence) == str(two.evidence)
    assert pipeline.SEED == 123


def test_a_search_is_content_alone(planted_search: Search) -> None:
    """What pages are made from can be replaced piece by piece: nothing in it refers to an open file or a hook."""
    assert replace(planted_search, run=None).json() == planted_search.json()


def test_what_is_open_before_a_short_end_is_known(tmp_path: Path) -> None:
    """A comment that begins before the searched characters covers them: it is neither refused nor labelled as empty."""
    after = " int b;\n" + "int c;\n" * 20
    text = "int a;\n" * 2000 + "/* " + "words of a comment " * 90 + "*/" + after
    (tmp_path / "code.c").write_text(text)
    corpus = Corpus.open(tmp_path / "code.c")
    config = TrainingConfig(epochs=0.05, batch_size=2, seq_length=16, precision="fp32")
    begin(corpus, runs=tmp_path / "runs", name="c", model=ModelOptions(size=4, embedding=4), config=config).train()
    inside = r"comment=/\*(?s:.*?)\*/"
    found = find_in("c", asked=[inside], characters=1_000, runs=tmp_path / "runs").findings
    assert found.counts.labelled[0] == 1_000 - len(after)
    with pytest.raises(InputError, match="matches nothing in the 100 characters"):
        find_in("c", asked=[inside], characters=100, runs=tmp_path / "runs")
