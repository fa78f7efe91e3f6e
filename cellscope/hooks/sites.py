"""What can be heard in a module: its recurrent layers, their streams, and the addresses of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from cellscope.axes import STREAMS, Site
from cellscope.errors import InputError, not_found


@dataclass(frozen=True)
class Layer:
    """One layer of a recurrent module: its address `lstm.0`, the module that holds it, and its number in it."""

    path: str
    module_path: str
    module: nn.RNNBase
    index: int
    kind: str

    @property
    def size(self) -> int:
        """Units of each of its streams."""
        return int(self.module.hidden_size)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Every stream of the layer, what it passes on first."""
        return tuple(Site(self.path, stream) for stream in STREAMS[self.kind])


def recurrent_layers(module: nn.Module) -> tuple[Layer, ...]:
    """Every layer of every nn.LSTM, nn.GRU and nn.RNN in the module, in the order of its named modules."""
    kinds = ((nn.LSTM, "lstm"), (nn.GRU, "gru"), (nn.RNN, "rnn"))
    layers = []
    for path, part in module.named_modules():
        for kind, name in kinds:
            if isinstance(part, kind):
                _refuse_what_cannot_be_stepped(path, part, kind)
                prefix = path or name  # a bare nn.LSTM as the model itself has the empty path
                layers += [Layer(f"{prefix}.{i}", path, part, i, name) for i in range(part.num_layers)]
    return tuple(layers)


def _refuse_what_cannot_be_stepped(path: str, module: nn.RNNBase, kind: type[nn.RNNBase]) -> None:
    if type(module).forward is not kind.forward:
        raise InputError(
            f"{path or 'the model'} is a {type(module).__name__} with a forward of its own, "
            f"which cannot be played step by step; let it hold an nn.{kind.__name__} instead of being one"
        )
    if module.bidirectional:
        raise InputError(
            f"{path or 'the model'} is bidirectional: its units have read the text that follows, so no claim about "
            "what they do on reading a character holds; give a model that reads forwards"
        )
    if getattr(module, "proj_size", 0):
        raise InputError(f"{path or 'the model'} has proj_size {module.proj_size}; only plain LSTM layers can be heard")


def sites_of(module: nn.Module) -> dict[Site, int]:
    """Every site that can be heard, with its number of units."""
    return {site: layer.size for layer in recurrent_layers(module) for site in layer.sites}


def choose_sites(module: nn.Module, streams: Iterable[str] | None = None) -> tuple[Site, ...]:
    """The sites of every layer for the named streams, `all` for every one; by default hidden and, where there is one,
    cell.

    MissingError for a stream that no layer has; one that only some layers have is left out elsewhere.
    """
    known = sites_of(module)
    if not known:
        raise InputError(
            f"no recurrent layer in this model ({type(module).__name__}); it needs an nn.LSTM, nn.GRU or nn.RNN"
        )
    if streams is None:
        return tuple(site for site in known if site.stream in ("hidden", "cell"))
    wanted = [Site.parse(f"x:{s.strip()}").stream for s in streams if s.strip()]
    there = list(dict.fromkeys(site.stream for site in known))
    for stream in wanted:
        if stream not in (*there, "all"):
            raise not_found("stream", stream, [*there, "all"])
    return tuple(site for site in known if "all" in wanted or site.stream in wanted)


def resolve_site(module: nn.Module, text: str) -> Site:
    """The site that an address names; a layer alone means what it passes on; an error lists what there is."""
    site = Site.parse(text)
    known = sites_of(module)
    if not site.stream:
        site = next((k for k in known if k.path == site.path), site)
    if site not in known:
        raise not_found("site", text, [str(k) for k in known])
    return site
