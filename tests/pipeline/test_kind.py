from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from cellscope.axes import Unit
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.evidence.portraits import portray
from cellscope.features.library import select
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.foreign import wrap
from cellscope.models.network import Network
from cellscope.pipeline.exhibits.kinds import kind_exhibit
from cellscope.pipeline.explain import evidence_of, explain
from cellscope.pipeline.find import Search, search
from cellscope.pipeline.kind import best_features, kinds_in, lags_of, portrait_of, stretch_of
from cellscope.pipeline.unitpage import compose_unit

LATCH = Unit.parse("lstm.0:cell/0")


@pytest.fixture(scope="module")
def vocabulary(bracket_corpus: Corpus) -> Vocabulary:
    return Vocabulary.count(bracket_corpus)


def test_the_latch_is_portrayed(planted_search: Search) -> None:
    """The planted cell is a switch; it knows and lets go on the brackets, which write and erase it, gates and all."""
    told = portrait_of(planted_search, LATCH)
    kind, moves = told.kind, told.moves
    assert (kind.feature, kind.kind, kind.sign, kind.lag) == ("parentheses", "switch", 1, 0)
    assert kind.of("inside").r2 > 0.9
    assert (kind.onset.knows, kind.onset.lets_go) == (0, 0)
    writer, eraser = moves.writes["anywhere"][0], moves.erases["anywhere"][0]
    assert (writer.symbol, eraser.symbol) == ("(", ")")
    assert writer.share > 0.95
    assert eraser.share > 0.95
    assert writer.gates["input"] > 0.9
    assert eraser.gates["forget"] < 0.1
    inside, outside = moves.memory
    assert inside < outside  # the closing bracket is inside, and empties the cell
    assert told.effect is not None
    assert told.effect.inside == kind.inside
    assert told.characters == stretch_of(planted_search.findings).characters


def test_another_feature_may_be_asked_for(planted_search: Search) -> None:
    """A unit is portrayed at any feature of the search; at one that it does not follow it has no kind."""
    assert portrait_of(planted_search, LATCH, "column").kind.name == "none"
    with pytest.raises(InputError, match="quote was not searched; searched were"):
        portrait_of(planted_search, LATCH, "quote")


def test_the_same_seed_tells_the_same(planted_search: Search) -> None:
    """A portrait is a matter of the search and its seed alone."""
    first, second = (portrait_of(planted_search, LATCH) for _ in range(2))
    assert (first.effect, first.moves, first.kind.fits) == (second.effect, second.moves, second.kind.fits)


def test_all_kinds_in_one_pass_are_those_of_portraits(planted_search: Search) -> None:
    """Every unit has the kind, the feature and nearly the figures that its own portrait has."""
    all_of_them = kinds_in(planted_search)
    assert list(all_of_them) == list(planted_search.findings.units)
    for unit in (LATCH, Unit.parse("lstm.0:hidden/0"), Unit.parse("lstm.0:cell/3")):
        alone = portrait_of(planted_search, unit).kind
        assert (alone.name, alone.feature, alone.lag) == (
            all_of_them[unit].name, all_of_them[unit].feature, all_of_them[unit].lag
        )  # fmt: skip
        for one, other in zip(alone.fits, all_of_them[unit].fits, strict=True):
            assert one.r2 == pytest.approx(other.r2, abs=0.02)


def test_the_best_feature_is_one_that_the_unit_tracks(planted_search: Search) -> None:
    """A unit that tracks features is portrayed at one of them, whatever else it goes with; lags come from the half that
    chooses.
    """
    findings = planted_search.findings
    best = best_features(findings)
    for u in range(len(findings.units)):
        tracked = {e.feature for e in evidence_of(findings, u) if e.found}
        assert not tracked or findings.features[best[u]].name in tracked
    assert not findings.evidence[best[0]].remark
    lags = lags_of(findings)
    assert lags.shape == (len(findings.features), len(findings.units))
    assert lags[best[0], findings.units.index(LATCH)] == 0


def test_a_stretch_has_the_blocks_of_the_search(planted_search: Search) -> None:
    """The blocks on which a kind is fitted are those on which the unit was chosen."""
    counts = planted_search.findings.counts
    stretch = stretch_of(planted_search.findings)
    assert stretch.part == counts.rounds[-1]
    assert stretch.part.blocks == len(counts.tally.powers)
    assert sum(r.stop - r.start for r in counts.rounds) == counts.characters


ANY = [("lstm", "cell"), ("gru", "hidden"), ("rnn", "hidden"), ("gru", "update")]


@pytest.mark.parametrize(("kind", "stream"), ANY)
def test_any_network_and_stream_is_portrayed(
    bracket_corpus: Corpus, vocabulary: Vocabulary, kind: str, stream: str
) -> None:
    """Stacked LSTM, GRU and RNN, any stream, our own or somebody's module that gives logits alone."""
    torch.manual_seed(1)
    module = CharRNNConfig(len(vocabulary), kind=kind, layers=2, size=6, embedding=4).build().eval()
    own, foreign = Network(module, vocabulary, kind), wrap(LogitsAlone(module), vocabulary, name="theirs")
    for network, prefix in ((own, ""), (foreign, "inner.")):
        unit = Unit.parse(f"{prefix}{kind}.1:{stream}/2")
        told = portray(network, bracket_corpus.part(0, 10_000), unit, select(["parentheses"])[0])
        assert told.kind.unit == unit
        assert np.isfinite([f.r2 for f in told.kind.fits]).all()
        assert told.moves.stream == ("cell" if kind == "lstm" else stream)
        assert (told.moves.memory is None) == (kind == "rnn" or stream == "update")
        assert told.effect is not None
        assert told.effect.moved > 0


class LogitsAlone(torch.nn.Module):
    """Somebody's module: no state goes in and none comes out."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.inner(ids)[0]


def test_a_text_without_any_feature_is_refused(latch: Network) -> None:
    """Where no feature can be judged there is nothing to be of a kind at, and the error says so."""
    corpus = Corpus.from_text("cell gate a state of memory " * 400)
    found = Search(latch, None, corpus, search(latch, corpus, select(["parentheses", "url"])))
    with pytest.raises(InputError, match="none of 2 features can be judged"):
        portrait_of(found, LATCH)
    assert kinds_in(found) == {}


def test_the_exhibit_shows_what_was_measured(planted_search: Search) -> None:
    """The exhibit's sentence is the verdict, its bars are R2 and log odds with intervals, its table what moves the
    unit.
    """
    told = portrait_of(planted_search, LATCH)
    made = kind_exhibit(told)
    assert made.sentence.lower().startswith(told.kind.sentence.lower())
    assert told.kind.timing in made.sentence
    clocks, profile, start, end, *_ = made.figures
    assert clocks.groups[0].values == tuple(f.r2 for f in told.kind.fits)
    assert dict(zip(start.series[0].x, start.series[0].y, strict=True))[0.0] > 0.9
    assert dict(zip(end.series[0].x, end.series[0].y, strict=True))[0.0] < 0.1
    assert profile.rules == (("outside", told.kind.outside),)
    first = made.table.rows[0]
    assert (first["what"], first["where"], first["on reading"]) == ("writes", "anywhere", "(")


def test_explaining_a_unit_portrays_it(planted_search: Search) -> None:
    """`explain` has the portrait at the unit's own feature, in its JSON and on its page."""
    told = explain(planted_search, LATCH)
    assert told.portrait.kind.feature == "parentheses"
    in_json = json.loads(told.json())["portrait"]
    assert (in_json["kind"], in_json["sentence"]) == ("switch", told.portrait.kind.sentence)
    assert in_json["onset"]["knows"] == 0
    assert compose_unit(told).exhibits[0].key == "kind"


def test_the_levels_of_a_number_of_the_whole_text(planted_search: Search) -> None:
    """At the column a unit has no inside: it is held at its level where the column is large, and where it is small."""
    kind = portrait_of(planted_search, LATCH, "column").kind
    assert kind.sides == ("column large", "column small")
    assert kind.inside != kind.outside
