"""Our network: a stacked LSTM, GRU or RNN between an embedding (or one-hot) and a linear decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellscope.errors import InputError

State = Any
"""What a recurrent network carries from one stretch of text to the next: a tensor, a tuple of tensors, or None."""

KINDS: dict[str, type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}

LIMITS = {"vocabulary_size": (1, 1_200_000), "layers": (1, 100), "size": (1, 65_536), "embedding": (0, 65_536)}
"""Smallest and largest sensible sizes: a damaged run.json must not ask for a terabyte."""


@dataclass(frozen=True)
class CharRNNConfig:
    """Everything that decides the shapes of a `CharRNN`; goes through JSON and back unchanged."""

    vocabulary_size: int
    kind: str = "lstm"
    layers: int = 1
    size: int = 256
    embedding: int = 64
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"no model {self.kind!r}; there is {', '.join(KINDS)}")
        for name, (low, high) in LIMITS.items():
            value: Any = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise InputError(f"{name} of the model must be a whole number from {low} to {high:,}, not {value!r}")
        dropout: Any = self.dropout  # run.json may hold anything
        if not isinstance(dropout, (int, float)) or not 0 <= self.dropout < 1:
            raise InputError(f"dropout must be at least 0 and below 1, not {self.dropout!r}")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CharRNNConfig:
        """The configuration that `to_json` wrote; InputError where a field is missing, unknown or out of range."""
        if not isinstance(data, Mapping):
            raise InputError(f"the description of a model must be an object, not {type(data).__name__}")
        unknown = sorted(set(data) - set(cls.__dataclass_fields__))
        if unknown or "vocabulary_size" not in data:
            raise InputError(f"the description of the model has unknown or missing fields: {unknown or 'no size'}")
        return cls(**data)

    def build(self) -> CharRNN:
        """A freshly initialised network of these shapes, drawn from torch's current random state."""
        return CharRNN(
            self.vocabulary_size,
            kind=self.kind,
            layers=self.layers,
            size=self.size,
            embedding=self.embedding,
            dropout=self.dropout,
        )

    def describe(self) -> str:
        """`lstm 1x256, embedding 64`: the shapes in a few words."""
        entry = f"embedding {self.embedding}" if self.embedding else "one-hot"
        return f"{self.kind} {self.layers}x{self.size}, {entry}" + (f", dropout {self.dropout}" if self.dropout else "")


class CharRNN(nn.Module):
    """ids [lane, step] -> logits [lane, step, symbol] and the carried state; the shape of Karpathy's char-rnn (2015).

    The recurrent module is `nn.LSTM`, `nn.GRU` or `nn.RNN`, under the attribute `lstm`, `gru` or `rnn`. Dropout lies
    between layers and before the decoder, as there.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        kind: str = "lstm",
        layers: int = 1,
        size: int = 256,
        embedding: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.config = CharRNNConfig(vocabulary_size, kind, layers, size, embedding, dropout)
        self.embedding = nn.Embedding(vocabulary_size, embedding) if embedding else None
        between = dropout if layers > 1 else 0.0
        entry = embedding or vocabulary_size
        recurrent = KINDS[kind](entry, size, num_layers=layers, batch_first=True, dropout=between)
        self.add_module(kind, recurrent)
        self.dropout = nn.Dropout(dropout) if dropout else None
        self.decoder = nn.Linear(size, vocabulary_size)
        self.reset_parameters()

    @property
    def recurrent(self) -> nn.RNNBase:
        module = self.get_submodule(self.config.kind)
        assert isinstance(module, nn.RNNBase)
        return module

    def forward(self, ids: Tensor, state: State = None) -> tuple[Tensor, State]:
        hidden, state = self.recurrent(self._entry(ids), state)
        if self.dropout is not None:
            hidden = self.dropout(hidden)
        return self.decoder(hidden), state

    def _entry(self, ids: Tensor) -> Tensor:
        """ids [lane, step] -> what the recurrent layer reads [lane, step, entry]."""
        if self.embedding is not None:
            entry: Tensor = self.embedding(ids)
            return entry
        shape = (*ids.shape, self.config.vocabulary_size)
        zeros = torch.zeros(shape, dtype=self.decoder.weight.dtype, device=ids.device)
        return zeros.scatter_(-1, ids.unsqueeze(-1), 1.0)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all weights anew; the LSTM's forget gates start open (bias 1: Jozefowicz et al. 2015, section 2.2)."""
        for name, parameter in self.recurrent.named_parameters():
            if name.startswith("weight"):
                nn.init.uniform_(parameter, -(self.config.size**-0.5), self.config.size**-0.5)
            else:
                parameter.zero_()
            if name.startswith("bias_ih") and self.config.kind == "lstm":
                parameter[self.config.size : 2 * self.config.size] = 1.0
        if self.embedding is not None:
            self.embedding.reset_parameters()
        self.decoder.reset_parameters()
        self.decoder.bias.zero_()


def negative_log_likelihood(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean nats per character: logits [lane, step, symbol] against the next characters [lane, step]."""
    return functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
