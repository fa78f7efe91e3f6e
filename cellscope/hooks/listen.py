"""`with listen(model, sites) as heard: model(ids)`: hear what fused recurrent modules hide, and leave no trace behind.

With `edits`, what is heard is also changed: units are held at values while the network runs on.

For the time of the `with`, the forward of every recurrent module that is asked about is swapped for a step loop with
the same outputs, in which every stream is in the open. The model around it notices nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from cellscope.axes import Site
from cellscope.errors import CellscopeError
from cellscope.hooks.edits import Edit
from cellscope.hooks.resting import at_rest, put_to_rest
from cellscope.hooks.sites import Layer, recurrent_layers, resolve_site
from cellscope.hooks.stepping import Drive, State, drive_of, play_layer


class Enough(Exception):
    """Raised inside a forward pass once every asked site was heard; `Heard.play` swallows it."""


class Heard:
    """What was heard in the last pass: `heard[site]` is [step, lane, unit].

    With `carry`, the recurrent state goes on from pass to pass inside the listener, whatever the model does with its
    own, so a model that returns logits alone can be played in chunks; it begins where the model does (see resting).
    With `stop`, `play` leaves the forward pass as soon as the last asked site has spoken, which saves the decoder.
    """

    def __init__(
        self,
        model: nn.Module,
        sites: tuple[Site, ...],
        *,
        carry: bool = False,
        stop: bool = False,
        edits: Mapping[Site, Edit] | None = None,
    ) -> None:
        self.sites = sites
        self.edits = dict(edits or {})
        """What is done to a stream at every step; may be put in other words between passes, for the same sites."""
        self.carry = carry
        self._model, self._stop = model, stop
        self._values: dict[Site, Tensor] = {}
        self._states: dict[str, list[State]] = {}
        self._starts: dict[str, Sequence[State | None]] = {}
        self._fired: set[str] = set()
        # Fresh arrays of this size cost a page fault for every 4 kB, so what was heard is written over, pass by pass.
        self._arrays: dict[str, dict[str, Tensor]] = {}
        self._embedded: tuple[Tensor, int, Tensor, Tensor] | None = None
        layers = [layer for layer in recurrent_layers(model) if any(s.path == layer.path for s in sites)]
        self._wanted = {layer.module_path for layer in layers}
        edited = {site.path for site in self.edits}
        self._edited = {layer.module_path for layer in recurrent_layers(model) if layer.path in edited}

    def __getitem__(self, site: Site | str) -> Tensor:
        site = resolve_site(self._model, site) if isinstance(site, str) else site
        if site not in self._values:
            raise CellscopeError(
                f"{site} was not heard; heard were {', '.join(map(str, self._values)) or 'no sites yet'}"
            )
        return self._values[site]

    def rest(self, lanes: Any = None) -> None:
        """Put the carried state of `lanes` (or all) back to where the network starts: zeros or what it learned."""
        if lanes is None:
            self._states.clear()
        elif len(lanes):
            for path, states in self._states.items():
                put_to_rest(states, self._starts[path], lanes)

    def carried(self) -> dict[str, list[State]]:
        """A copy of the carried state, with which `carry_on` goes back to where the network is now."""
        return {path: [tuple(p.clone() for p in state) for state in states] for path, states in self._states.items()}

    def carry_on(self, carried: Mapping[str, list[State]]) -> None:
        """The next pass goes on from a state that `carried` gave; it may be used again."""
        self._states = {path: [tuple(p.clone() for p in s) for s in states] for path, states in carried.items()}

    def play(self, ids: Tensor) -> dict[Site, Tensor]:
        """Run the model over `ids` [lane, step] as far as needed; what was heard, each [step, lane, unit]."""
        try:
            self._model(ids)
        except Enough:
            pass
        missing = [str(s) for s in self.sites if s not in self._values]
        if missing:
            raise CellscopeError(
                f"{missing[0]} did not fire in a forward pass of this model; is that module used at all?"
            )
        return {site: self._values[site] for site in self.sites}

    # --- what the swapped forwards and hooks call ---------------------------------------------------------------------

    def _begin(self, *_: Any) -> None:
        self._values.clear()
        self._fired.clear()
        self._embedded = None

    def _embed(self, module: nn.Embedding, args: tuple[Tensor, ...], output: Tensor) -> None:
        # If a recurrent module gets this very tensor, its drive is a table with one row a symbol: no product per
        # character.
        if args and not output.is_inference():
            self._embedded = (output, output._version, args[0], module.weight.detach())

    def _drive(self, layer: Layer, values: Tensor, batch_first: bool) -> Drive:
        """The drive of a module's first layer from its input, [lane, step, input] where `batch_first`."""
        known = self._embedded
        if (
            known
            and known[0] is values
            and known[1] == values._version
            and known[3].shape[0] < values.shape[0] * values.shape[1]
        ):
            ids = known[2].T if batch_first else known[2]
            return drive_of(layer, known[3], ids.contiguous())
        return drive_of(layer, values.transpose(0, 1) if batch_first else values)

    def _forward(self, path: str, layers: tuple[Layer, ...], values: Any, hx: Any = None) -> Any:
        """Stand in for the forward of one recurrent module: same outputs, every asked stream kept."""
        if path in self._fired:
            raise CellscopeError(
                f"{path or 'the model'} fires twice in one forward pass; which time should be heard cannot be told"
            )
        if not isinstance(values, Tensor) or values.dim() != 3:
            raise CellscopeError(
                f"{path or 'the model'} got an input that is not [batch, time, feature]: {_describe(values)}"
            )
        # The workers do not share the caller's inference mode, so what they write to must not come from it.
        with torch.inference_mode(False), torch.no_grad():
            return self._play(path, layers, values, hx)

    def _play(self, path: str, layers: tuple[Layer, ...], values: Tensor, hx: Any) -> Any:
        module = layers[0].module
        states: Sequence[State | None] | None = self._states.get(path) if self.carry else None
        if states is None:
            states = _unpack(hx, layers) if hx is not None else [None] * len(layers)
            if self.carry:
                states = self._starts[path] = at_rest(self._model, states)
        _check_states(path, states, (values.shape[0 if module.batch_first else 1], module.hidden_size))
        drive = self._drive(layers[0], values, module.batch_first)
        after, output = [], None
        for layer, state in zip(layers, states, strict=True):
            streams = frozenset(s.stream for s in self.sites if s.path == layer.path)
            drive = drive if output is None else drive_of(layer, output)
            into = self._arrays.setdefault(layer.path, {}) if self._stop else None
            edits = {site.stream: edit for site, edit in self.edits.items() if site.path == layer.path}
            heard, ended = play_layer(layer, drive, state, streams, into=into, edits=edits)
            for stream in streams:
                self._values[Site(layer.path, stream)] = heard[stream]
            after.append(ended)
            output = heard["hidden"]
        assert output is not None
        self._fired.add(path)
        if self.carry:
            self._states[path] = after
        if self._stop and self._fired >= self._wanted:
            raise Enough
        if any(v is output for v in self._values.values()):
            output = output.clone()  # the model may change what it gets in place
        packed = tuple(torch.stack(parts) for parts in zip(*after, strict=True))
        return output.transpose(0, 1) if module.batch_first else output, packed if len(packed) == 2 else packed[0]


def _describe(value: Any) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _check_states(path: str, states: Sequence[State | None], shape: tuple[int, int]) -> None:
    """The kernels look up states by lane and unit without asking, so a state of another size must not reach them."""
    for state in states:
        for part in state or ():
            if tuple(part.shape) != shape:
                raise CellscopeError(
                    f"{path or 'the model'} got a state of shape {tuple(part.shape)} "
                    f"for an input that needs {shape}: [lane, unit]"
                )


def _unpack(hx: Any, layers: tuple[Layer, ...]) -> list[State]:
    parts = hx if isinstance(hx, tuple) else (hx,)
    return [tuple(part[layer.index] for part in parts) for layer in layers]


@contextmanager
def listen(
    model: nn.Module,
    sites: Iterable[Site | str],
    *,
    carry: bool = False,
    stop: bool = False,
    edits: Mapping[Site, Edit] | None = None,
) -> Iterator[Heard]:
    """Hear `sites` of the model for the time of the `with`; afterwards the model holds no hook, no swap, no reference.

    `edits` change the streams of their sites at every step, and what is heard is what the network went on with.
    Dropout is off inside (eval mode) and the training flag of every module is put back.
    """
    chosen = tuple(resolve_site(model, str(s)) for s in sites)
    changed = {resolve_site(model, str(s)): edit for s, edit in (edits or {}).items()}
    heard = Heard(model, chosen, carry=carry, stop=stop, edits=changed)
    modules: dict[str, list[Layer]] = {}
    for layer in recurrent_layers(model):
        modules.setdefault(layer.module_path, []).append(layer)
    training = {module: module.training for module in model.modules()}
    handles = [model.register_forward_pre_hook(heard._begin)]
    handles += [m.register_forward_hook(heard._embed) for m in model.modules() if _only_looks_up(m)]
    before: list[tuple[nn.Module, dict[str, Any]]] = []
    try:
        model.eval()
        for path, layers in modules.items():
            if carry or path in heard._wanted | heard._edited:
                module: Any = layers[0].module
                before.append((module, {k: v for k, v in vars(module).items() if k == "forward"}))
                module.forward = _swapped(heard, path, tuple(layers))
        with torch.no_grad():
            yield heard
    finally:
        for handle in handles:
            handle.remove()
        for module, own in before:
            vars(module).pop("forward", None)
            vars(module).update(own)
        for part, flag in training.items():
            part.training = flag
        heard._embedded = None
        heard._states.clear()


def _only_looks_up(module: nn.Module) -> bool:
    """Whether this is a plain nn.Embedding, whose output is rows of its weight and nothing else."""
    return (
        type(module) is nn.Embedding
        and module.max_norm is None
        and not module._forward_hooks
        and "forward" not in vars(module)
    )


def _swapped(heard: Heard, path: str, layers: tuple[Layer, ...]) -> Any:
    def forward(input: Any, hx: Any = None) -> Any:  # noqa: A002  the name that torch gives it
        return heard._forward(path, layers, input, hx)

    return forward
