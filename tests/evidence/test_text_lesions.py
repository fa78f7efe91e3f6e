"""What lesions change in the losses is what a network written out by hand says, and a planted switch is needed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted_switch import INSIDE, LETTERS, SIZE, switch, switched

from cellscope.axes import Site
from cellscope.data.text import Corpus
from cellscope.evidence.lesions import BLOCKS, Changes, Lesion, Span, Work, batched, go_on, lesion_changes
from cellscope.evidence.needs import Effect
from cellscope.evidence.zones import ELSEWHERE, END
from cellscope.evidence.zones import INSIDE as INSIDE_ZONE
from cellscope.observe import WARM_UP, rounds

CELL, HIDDEN = Site("lstm.0", "cell"), Site("lstm.0", "hidden")
AXIS = np.linspace(-1, 1, SIZE, dtype=np.float32) / np.linalg.norm(np.linspace(-1, 1, SIZE)).astype(np.float32)
LENGTH, START = 7000, 2000
TEXT = switched(LENGTH)
FEATURES = (INSIDE, LETTERS)


def lesion(name: str, site: Site, units: list[int], values: list[float]) -> Lesion:
    return Lesion(name, {site: (np.array(units), np.array(values, np.float32))})


LESIONS = (
    lesion("cell", CELL, [0], [0.0]),
    lesion("others", CELL, [3, 5], [0.4, -0.2]),
    lesion("hidden", HIDDEN, [1], [0.9]),
    lesion("gate", Site("lstm.0", "forget"), [2, 0], [0.1, 1.0]),
    Lesion("direction", {}, {CELL: Span(AXIS[None], 0.3 * AXIS)}),
    Lesion("all but it", {}, {CELL: Span(AXIS[None], np.full(SIZE, 0.1, np.float32), rest=True)}),
)


def written_out(ids: torch.Tensor, one: Lesion | None) -> np.ndarray:
    """Nats of ids[1:] from an LSTM written out, from rest, with the lesion after each line."""
    module = switch().module
    lstm, decoder = module.lstm, module.decoder
    h = c = torch.zeros(SIZE)
    losses = []

    def cut(stream: str, x: torch.Tensor) -> torch.Tensor:
        site = Site("lstm.0", stream)
        if one is not None and site in one.units:
            units, values = one.units[site]
            x = x.clone()
            x[torch.from_numpy(units)] = torch.from_numpy(values)
        if one is not None and site in one.spans:
            span = one.spans[site]
            along, point = torch.from_numpy(span.axes[0]), torch.from_numpy(span.point)
            held, left = (x, point) if span.rest else (point, x)
            x = left - (left @ along) * along + (held @ along) * along
        return x

    for now, following in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True):
        x = torch.zeros(len("<>ab"))
        x[now] = 1
        gates = lstm.weight_ih_l0 @ x + lstm.weight_hh_l0 @ h + lstm.bias_ih_l0 + lstm.bias_hh_l0
        i, f, g, o = gates.chunk(4)
        c = cut("cell", cut("forget", f.sigmoid()) * c + i.sigmoid() * g.tanh())
        h = cut("hidden", o.sigmoid() * c.tanh())
        losses.append(-(decoder.weight @ h + decoder.bias).log_softmax(0)[following])
    return torch.stack(losses).numpy()


@pytest.fixture(scope="module")
def changes() -> Changes:
    return lesion_changes(switch(), Corpus.from_text(TEXT), FEATURES, LESIONS, start=START)


def zones_by_hand(text: str, inside: list[bool]) -> np.ndarray:
    """inside, end, elsewhere of every character, bool [zone, position]."""
    here = np.array(inside)
    after, before = np.append(here[1:], False), np.insert(here[:-1], 0, False)
    end = (here & ~after) | (~here & before)
    return np.stack([here, end, ~here & ~end])


@torch.no_grad()
def test_lesions_equal_a_network_written_out(changes: Changes) -> None:
    """Sums over blocks and zones of units, gates and a direction are those of an LSTM written out, with lesioned
    warm-up.
    """
    corpus = Corpus.from_text(TEXT)
    part = rounds(LENGTH, start=START, lanes=BLOCKS, blocks=BLOCKS)[0]
    spans = np.cumsum([(c == "<") - (c == ">") for c in TEXT]) > 0
    zones = zones_by_hand(TEXT, spans.tolist()), zones_by_hand(TEXT, [c == "a" for c in TEXT])
    for block in (0, 7, BLOCKS - 1):
        first = int(part.starts[block])
        stop = int(part.starts[block + 1]) if block + 1 < BLOCKS else LENGTH
        ids = torch.from_numpy(switch().vocabulary.encode(corpus.codes(max(first - 1 - WARM_UP, 0), stop)))
        free = written_out(ids, None)[-(stop - first) :]
        for at, one in enumerate((None, *LESIONS)):
            paid = free if one is None else written_out(ids, one)[-(stop - first) :] - free
            told = changes.free[block] if one is None else changes.changed[at - 1, block]
            for f, zone in enumerate(zones):
                assert np.allclose(told[f], (paid * zone[:, first:stop]).sum(1), atol=1e-2, rtol=1e-4)
                assert changes.counts[block, f].tolist() == zone[:, first:stop].sum(1).tolist()


def test_one_unit_alone_carries_the_feature(changes: Changes) -> None:
    """Without the planted switch the loss rises inside, with its whole interval, and nowhere else."""
    effect, other = Effect.of(changes, 0, 0), Effect.of(changes, 1, 0)
    assert effect.inside.low > 1
    assert effect.over.low > 1
    assert abs(effect.elsewhere.value) < 0.02
    assert abs(other.inside.value) < 0.2


def test_intervals_are_those_of_blocks(changes: Changes) -> None:
    """The interval of a change is Tukey's over the blocks: mean of the text, leaving out one block at a time."""
    from scipy.stats import t

    sums, counts = changes.changed[1, :, 0, INSIDE_ZONE], changes.counts[:, 0, INSIDE_ZONE]
    value = sums.sum() / counts.sum()
    left = (sums.sum() - sums) / (counts.sum() - counts)
    error = np.sqrt((BLOCKS - 1) / BLOCKS * ((left - left.mean()) ** 2).sum())
    low, high = value + t.ppf([0.025, 0.975], BLOCKS - 1) * error
    told = changes.of(1)
    assert [x[0, INSIDE_ZONE] for x in told] == pytest.approx([value, low, high])


def test_batches_do_not_change_anything(changes: Changes) -> None:
    """Forty lesions in several batches give each what it has alone; what is done is not done again."""
    corpus, many = Corpus.from_text(TEXT), [LESIONS[0], *[LESIONS[1]] * 38, LESIONS[3]]
    assert [len(b) for b in batched(many, 31)] == [31, 8, 1]
    work = Work.begin(many, 2)
    steps = go_on(work, switch(), corpus, FEATURES, start=START)
    next(steps)
    half = Work(many, work.sums.copy(), work.free.copy(), work.counts.copy(), work.done)
    for whole in (work, half):
        for _ in go_on(whole, switch(), corpus, FEATURES, start=START):
            pass
    assert half.done == 3
    for whole in (work.changes, half.changes):
        assert np.allclose(whole.changed[[0, 20, 39]], changes.changed[[0, 1, 3]], atol=1e-4)
        assert np.array_equal(whole.counts, changes.counts)
    assert np.array_equal(work.sums, half.sums)


def test_rounds_are_summed(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of several rounds has the characters of one, and each change but for what a warm-up forgets."""
    from cellscope.evidence import lesions

    monkeypatch.setattr(lesions, "rounds", lambda n, **more: rounds(n, size=1800, **more))
    told = lesion_changes(switch(), Corpus.from_text(TEXT), FEATURES, LESIONS[:2], start=START)
    assert np.array_equal(told.counts.sum(0), changes.counts.sum(0))
    assert np.allclose(told.mean()[:, 0], changes.mean()[:2, 0], atol=0.01)


def test_zones_do_not_overlap_but_at_the_end(changes: Changes) -> None:
    """Inside, elsewhere and the first character after a span are all characters; each end has two of them."""
    counts = changes.counts.sum(0)[0]
    ends = TEXT[START:].count(">")
    assert counts[END] in (2 * ends - 1, 2 * ends, 2 * ends + 1)
    assert counts[INSIDE_ZONE] + counts[ELSEWHERE] == pytest.approx(LENGTH - START - ends, abs=1)
