"""Listening leaves no trace, refuses what cannot be heard by name, and carries states that the model forgets."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import nn

from cellscope.errors import CellscopeError, InputError, MissingError
from cellscope.hooks.listen import listen
from cellscope.hooks.sites import choose_sites, sites_of


class Model(nn.Module):
    """Embedding, two separate recurrent modules one of which is nested, dropout, decoder; logits and no state."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 5)
        self.lower = nn.LSTM(5, 8, 2, dropout=0.5, batch_first=True)
        self.body = nn.ModuleDict({"upper": nn.GRU(8, 6, batch_first=True)})
        self.dropout, self.decoder = nn.Dropout(0.5), nn.Linear(6, 7)

    def forward(self, ids):
        zeros = torch.zeros(2, len(ids), 8)
        values, _ = self.lower(self.embedding(ids), (zeros, zeros))
        values, _ = self.body["upper"](self.dropout(values))
        return self.decoder(values)


SITES = ("lower.0:h", "lower.0:c", "lower.1:c", "body.upper.0:h", "body.upper.0:z")
IDS = torch.arange(60).view(4, 15) % 7


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    return Model()


def traces(model: nn.Module) -> list[str]:
    """Whatever a listener could have left on a model."""
    left = [f"{name}.forward" for name, m in model.named_modules() if "forward" in m.__dict__]
    for name, module in model.named_modules():
        hooks = [v for k, v in module.__dict__.items() if k.endswith("_hooks") and v]
        left += [f"{name} has hooks"] * len(hooks)
    return left


def test_separate_and_nested_modules(model: Model) -> None:
    """Every layer of separate, stacked and nested modules is heard, and the model's own answer is unchanged."""
    model.eval()
    with torch.no_grad():
        expected = model(IDS)
    assert [str(s) for s in sites_of(model) if s.stream == "hidden"] == [
        "lower.0:hidden",
        "lower.1:hidden",
        "body.upper.0:hidden",
    ]
    with listen(model, SITES) as heard:
        assert torch.allclose(model(IDS), expected, atol=1e-5)
        assert [tuple(heard[s].shape) for s in SITES] == [(15, 4, 8)] * 3 + [(15, 4, 6)] * 2


def test_nothing_is_left(model: Model) -> None:
    """After the `with` no hook, no swapped forward and no reference remain, and the flags of training are back."""
    model.train()
    model.body.eval()
    flags = [m.training for m in model.modules()]
    with listen(model, SITES, carry=True) as heard:
        assert not any(m.training for m in model.modules())
        assert traces(model) != []
        model(IDS)
    assert traces(model) == []
    assert [m.training for m in model.modules()] == flags
    gone = weakref.ref(heard)
    del heard
    gc.collect()
    assert gone() is None
    assert torch.is_grad_enabled()


def test_nothing_is_left_after_an_error(model: Model) -> None:
    """An exception inside the `with`, of the caller or of the model, leaves as little behind."""
    for wrong in (lambda: model(IDS).view(7, 13, 11), lambda: model(torch.full((1, 2), 99))):
        with pytest.raises((RuntimeError, IndexError)), listen(model, SITES) as heard:
            wrong()
        assert traces(model) == []
        assert model.training
        gone = weakref.ref(heard)
        del heard
        gc.collect()
        assert gone() is None


def test_the_model_can_be_collected() -> None:
    """Nothing that was heard, and nothing global, keeps the model alive."""
    model = Model()
    with listen(model, SITES) as heard:
        model(IDS)
        kept = heard["lower.0:c"]
    gone = weakref.ref(model)
    del model, heard
    gc.collect()
    assert kept.shape == (15, 4, 8)
    assert gone() is None


def test_dropout_is_inert(model: Model) -> None:
    """A model in training mode is heard without dropout: twice the same, and the same as in eval mode."""
    model.train()
    with listen(model, SITES) as heard:
        model(IDS)
        first = {s: heard[s].clone() for s in SITES}
        model(IDS)
        assert all(torch.equal(first[s], heard[s]) for s in SITES)


def test_carry_overrides_the_models_own_state(model: Model) -> None:
    """A model that makes zeros at every call is heard as if its state went on: in pieces as in one."""
    with listen(model, SITES) as heard:
        model(IDS)
        whole = {s: heard[s].clone() for s in SITES}
    with listen(model, SITES, carry=True) as heard:
        parts = []
        for first, last in ((0, 1), (1, 8), (8, 15)):
            model(IDS[:, first:last])
            parts.append({s: heard[s].clone() for s in SITES})
        assert all(torch.allclose(torch.cat([p[s] for p in parts]), whole[s], atol=1e-6) for s in SITES)
        heard.rest()
        model(IDS[:, :8])
        assert all(torch.allclose(heard[s], whole[s][:8], atol=1e-6) for s in SITES)


def test_rest_of_some_lanes(model: Model) -> None:
    """`rest(lanes)` puts those lanes back to the start and leaves the others where they are."""
    with listen(model, SITES, carry=True) as heard:
        model(IDS)
        first = {s: heard[s].clone() for s in SITES}
        heard.rest([1, 3])
        model(IDS)
        for s in SITES:
            assert torch.allclose(heard[s][:, [1, 3]], first[s][:, [1, 3]], atol=1e-6)
            assert not torch.allclose(heard[s][:, [0, 2]], first[s][:, [0, 2]], atol=1e-3)
        heard.rest([])


def test_without_carry_the_models_state_counts() -> None:
    """Without `carry` a state that the caller hands over is used, as the fused module uses it."""
    torch.manual_seed(1)
    module, values = nn.LSTM(3, 5, 2, batch_first=True), torch.randn(4, 6, 3)
    state = (torch.randn(2, 4, 5), torch.randn(2, 4, 5))
    with torch.no_grad():
        expected = module(values, state)[0]
    with listen(module, ["lstm.0:c"]):
        assert torch.allclose(module(values, state)[0], expected, atol=1e-5)
        assert torch.allclose(module(values, hx=state)[0], expected, atol=1e-5)


def test_bare_module_on_one_hot() -> None:
    """A bare nn.LSTM is a model too: its sites are lstm.0, lstm.1, and it reads one-hot rows."""
    torch.manual_seed(2)
    module, values = nn.LSTM(7, 5, 2, batch_first=True), nn.functional.one_hot(IDS, 7).float()
    with torch.no_grad():
        expected = module(values)[0]
    with listen(module, ["lstm.1", "lstm.0:f"]) as heard:
        assert torch.allclose(module(values)[0], expected, atol=1e-5)
        assert torch.allclose(heard["lstm.1:hidden"].transpose(0, 1), expected, atol=1e-5)
        assert heard["lstm.0:f"].shape == (15, 4, 5)
    assert traces(module) == []


class Twice(nn.Module):
    """One recurrent module that is used twice in a pass."""

    def __init__(self) -> None:
        super().__init__()
        self.tied = nn.GRU(4, 4, batch_first=True)

    def forward(self, values):
        return self.tied(self.tied(values)[0])[0]


def test_a_module_used_twice() -> None:
    """A module that fires twice in one pass is refused by its name; a second pass is no second firing."""
    model = Twice()
    with pytest.raises(CellscopeError, match="tied fires twice"), listen(model, ["tied.0"]):
        model(torch.zeros(1, 2, 4))
    single = nn.GRU(4, 4, batch_first=True)
    with listen(single, ["gru.0"]):
        single(torch.zeros(1, 2, 4))
        single(torch.zeros(1, 2, 4))


def test_refused_modules() -> None:
    """Bidirectional layers, projections and subclasses with their own forward are refused, saying which and why."""

    class Own(nn.LSTM):
        def forward(self, values, hx=None):
            return super().forward(values, hx)[0]

    for module, word in (
        (nn.LSTM(3, 4, bidirectional=True), "bidirectional"),
        (nn.LSTM(3, 4, proj_size=2), "proj_size"),
        (Own(3, 4), "Own"),
    ):
        with pytest.raises(InputError, match=word), listen(nn.ModuleDict({"part": module}), ["part.0"]):
            pass
        with pytest.raises(InputError, match="part"):
            sites_of(nn.ModuleDict({"part": module}))


def test_unknown_sites(model: Model) -> None:
    """A site that is not there is answered with those that are, and nothing is left on the model."""
    for site in ("lower.2:h", "lower.0:z", "decoder", "lower:h"):
        with pytest.raises(MissingError, match="lower.0:hidden"), listen(model, [site]):
            pass
        assert traces(model) == []
    with listen(model, ["lower.0:c"]) as heard:
        with pytest.raises(CellscopeError, match="not heard"):
            heard["lower.0:c"]
        model(IDS)
        with pytest.raises(CellscopeError, match="not heard"):
            heard["lower.0:h"]


def test_streams_by_name(model: Model) -> None:
    """Streams are chosen by letter or word for every layer that has them; an unknown one is answered with the known."""
    assert [str(s) for s in choose_sites(model, ["c", " update"])] == [
        "lower.0:cell",
        "lower.1:cell",
        "body.upper.0:update",
    ]
    assert choose_sites(model, ["all"]) == tuple(sites_of(model))
    assert {s.stream for s in choose_sites(model)} == {"hidden", "cell"}
    with pytest.raises(MissingError, match="forget"):
        choose_sites(model, ["forgot"])
    with pytest.raises(InputError, match="no recurrent layer"):
        choose_sites(nn.Linear(2, 2))


def test_inputs_that_cannot_be_played() -> None:
    """An input without a batch, a packed sequence, or a state of another size is refused, never read past its end."""
    module = nn.LSTM(3, 5, batch_first=True)
    packed = nn.utils.rnn.pack_padded_sequence(torch.zeros(2, 4, 3), torch.tensor([4, 2]), batch_first=True)
    for values in (torch.zeros(4, 3), packed):
        with pytest.raises(CellscopeError, match="batch, time, feature"), listen(module, ["lstm.0:c"]):
            module(values)
    for lanes, units in ((3, 5), (1, 5), (2, 4)):
        state = (torch.zeros(1, lanes, units), torch.zeros(1, lanes, units))
        with pytest.raises(CellscopeError, match="state"), listen(module, ["lstm.0:c"]):
            module(torch.zeros(2, 4, 3), state)
    with listen(module, ["lstm.0:c"], carry=True) as heard:
        module(torch.zeros(2, 4, 3))
        with pytest.raises(CellscopeError, match="state"):
            module(torch.zeros(3, 4, 3))
        heard.rest()
        module(torch.zeros(3, 4, 3))


def test_stop_leaves_early(model: Model) -> None:
    """With `stop`, `play` hears the same and never reaches what comes after the last asked site."""
    with listen(model, ["lower.1:c"]) as heard:
        expected = next(iter(heard.play(IDS).values())).clone()
    model.decoder.forward = model.body["upper"].forward = None  # would fail if it were called
    with listen(model, ["lower.1:c"], stop=True) as heard:
        assert torch.equal(next(iter(heard.play(IDS).values())), expected)


def test_a_site_that_never_fires() -> None:
    """A recurrent module that the forward pass does not use is named."""

    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.GRU(3, 4), nn.GRU(3, 4)

        def forward(self, values):
            return self.used(values)

    model = Idle()
    with listen(model, ["idle.0"]) as heard, pytest.raises(CellscopeError, match="idle.0:hidden did not fire"):
        heard.play(torch.zeros(2, 3, 3))


def test_what_is_heard_is_a_copy() -> None:
    """A model that changes a layer's output in place, or a caller that does, changes nothing that was heard."""

    class Rectified(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lower, self.upper = nn.LSTM(3, 5), nn.LSTM(5, 4)

        def forward(self, values):
            return self.upper(self.lower(values)[0].relu_())[0].mul_(0)

    torch.manual_seed(3)
    model, values = Rectified(), torch.randn(6, 9, 3)
    with torch.no_grad():
        expected = model.lower(values)[0], model.upper(model.lower(values)[0].relu())[0]
    with listen(model, ["lower.0:h", "upper.0:h"]) as heard:
        model(values)
        assert torch.allclose(heard["lower.0:h"], expected[0], atol=1e-5)
        assert torch.allclose(heard["upper.0:h"], expected[1], atol=1e-5)


def test_listening_inside_listening(model: Model) -> None:
    """A listener inside another hears rightly, and the outer one goes on afterwards as before."""
    model.eval()
    with torch.no_grad():
        expected = model(IDS)
    with listen(model, ["lower.0:c"]) as outer:
        model(IDS)
        first = outer["lower.0:c"].clone()
        with listen(model, ["lower.0:c", "lower.1:h"]) as inner:
            assert torch.allclose(model(IDS), expected, atol=1e-5)
            assert torch.allclose(inner["lower.0:c"], first, atol=1e-6)
        assert torch.allclose(model(IDS), expected, atol=1e-5)
        assert torch.allclose(outer["lower.0:c"], first, atol=1e-6)
    assert traces(model) == []


def test_a_forward_of_its_own_is_put_back(model: Model) -> None:
    """A forward that somebody else set on an instance is there again afterwards."""
    original = model.lower.forward
    model.lower.forward = original
    with listen(model, ["lower.0:c"]):
        model(IDS)
    assert model.lower.__dict__["forward"] == original


def test_inference_mode() -> None:
    """A model that runs in inference mode, where tensors have no versions, is heard like any other."""

    class Frozen(Model):
        @torch.inference_mode()
        def forward(self, ids):
            return super().forward(ids)

    torch.manual_seed(0)
    model = Frozen()
    with listen(model, ["lower.0:c"], carry=True) as heard:
        model(IDS)
        heard.rest([0])
        model(IDS)
        assert heard["lower.0:c"].shape == (15, 4, 8)


def test_a_carried_state_can_be_gone_back_to(model: Model) -> None:
    """What follows a copied state follows it again, however often, and whatever was read or put to rest in between."""
    with listen(model, SITES, carry=True) as heard:
        heard.play(IDS[:, :7])
        before = heard.carried()
        first = {site: values.clone() for site, values in heard.play(IDS[:, 7:]).items()}
        for _ in range(2):
            heard.rest([1, 2])
            heard.carry_on(before)
            again = heard.play(IDS[:, 7:])
            assert all(torch.equal(first[site], again[site]) for site in first)


class Learned(nn.Module):
    """A stacked LSTM whose first state it has learned, and hands over at every call."""

    def __init__(self, *, batch_first: bool = True) -> None:
        super().__init__()
        self.embedding, self.decoder = nn.Embedding(7, 5), nn.Linear(8, 7)
        self.lstm = nn.LSTM(5, 8, 2, batch_first=batch_first)
        self.h0, self.c0 = nn.Parameter(torch.randn(2, 1, 8)), nn.Parameter(torch.randn(2, 1, 8))

    def forward(self, ids):
        lanes = len(ids)
        return self.decoder(
            self.lstm(self.embedding(ids), (self.h0.expand(-1, lanes, -1), self.c0.repeat(1, lanes, 1)))[0]
        )


@pytest.mark.parametrize("lanes", [1, 4])
def test_a_learned_state_is_where_a_text_begins(lanes: int) -> None:
    """Carried in pieces, the first piece starts from it, as the module itself does, and so does a lane put to rest."""
    torch.manual_seed(3)
    model, ids = Learned(), IDS[:lanes]
    sites = ("lstm.0:c", "lstm.1:h")
    with listen(model, sites) as heard:
        model(ids)
        whole = {s: heard[s].clone() for s in sites}
    with listen(model, sites, carry=True) as heard:
        for _ in range(2):
            for first, last in ((0, 4), (4, 15)):
                model(ids[:, first:last])
                assert all(torch.allclose(heard[s], whole[s][first:last], atol=1e-5) for s in sites)
            heard.rest()
        model(ids)
        heard.rest([0])
        model(ids)
        for s in sites:
            assert torch.allclose(heard[s][:, 0], whole[s][:, 0], atol=1e-5)
            assert lanes == 1 or not torch.allclose(heard[s][:, 1], whole[s][:, 1], atol=1e-3)
    assert model.h0.grad is None


@pytest.mark.parametrize("lanes", [1, 4])
def test_what_a_model_remembers_by_itself_is_no_beginning(lanes: int) -> None:
    """A module that keeps its state from call to call is heard from zeros where it is put to rest."""

    class Keeping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.gru = nn.Embedding(7, 5), nn.GRU(5, 6, batch_first=True)
            self.state = None

        def forward(self, ids):
            values, self.state = self.gru(self.embedding(ids), self.state)
            return values

    torch.manual_seed(4)
    model = Keeping()
    with listen(model, ["gru.0:h"], carry=True) as heard:
        model(IDS[:lanes])
        first = heard["gru.0:h"].clone()
        heard.rest()
        model(IDS[:lanes])
        assert torch.allclose(heard["gru.0:h"], first, atol=1e-6)
