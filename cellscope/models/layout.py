"""What a bare state dict is, read from names and shapes: one (stacked) LSTM, GRU or RNN between an entry and a head."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from cellscope.errors import InputError
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.state_dict import shapes

RECURRENT = re.compile(
    r"(?P<prefix>.*?)(?P<part>weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(_l(?P<layer>\d+))?(?P<back>_reverse)?"
)
KINDS = {4: "lstm", 3: "gru", 1: "rnn"}
"""The kind of network by the number of gates: rows of weight_ih per unit."""
ENTRY_NAMES = re.compile(r"(?i)emb|encoder|wte|lookup")
HEAD_NAMES = re.compile(r"(?i)decoder|head|fc|out|linear|proj|logit|dense|classifier")


@dataclass(frozen=True)
class Layout:
    """The shapes, the same weights under `CharRNN`'s names, and in words what had to be assumed."""

    config: CharRNNConfig
    tensors: dict[str, Tensor]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Layer:
    """One recurrent layer: weights [gate * unit, entry] and [gate * unit, unit], biases [gate * unit]."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    @property
    def size(self) -> int:
        return self.weight_hh.shape[1]

    @property
    def entry(self) -> int:
        return self.weight_ih.shape[1]

    @property
    def gates(self) -> float:
        return self.weight_ih.shape[0] / self.size


def read_layout(tensors: dict[str, Tensor]) -> Layout:
    """The layout of a state dict; InputError, with what was found, where it is another one or could be several."""
    whole = {name: tensor.float() for name, tensor in tensors.items() if tensor.is_floating_point()}
    try:
        layers, rest = _layers(whole)
        entry, head, remarks = _ends(layers, rest)
    except InputError as error:
        advice = "give the network itself with --model package.module:factory instead"
        raise InputError(f"{error}; {advice}. Found: {shapes(tensors) or 'nothing'}") from error
    kind = KINDS[int(layers[0].gates)]
    if kind == "rnn":
        remarks = (*remarks, "tanh is assumed: the weights of a ReLU network look the same")
    weight, bias = head
    config = CharRNNConfig(len(weight), kind, len(layers), layers[0].size, 0 if entry is None else entry.shape[1])
    named = {"decoder.weight": weight, "decoder.bias": bias}
    if entry is not None:
        named["embedding.weight"] = entry
    for index, layer in enumerate(layers):
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            named[f"{kind}.{part}_l{index}"] = getattr(layer, part)
    return Layout(config, {name: tensor.clone() for name, tensor in named.items()}, remarks)


def _layers(tensors: dict[str, Tensor]) -> tuple[list[_Layer], dict[str, Tensor]]:
    """The recurrent layers from the lowest to the highest, and all other tensors."""
    groups: dict[str, dict[int, dict[str, Tensor]]] = {}
    rest = {}
    for name, tensor in tensors.items():
        match = RECURRENT.fullmatch(name)
        if match is None:
            rest[name] = tensor
            continue
        if match["back"]:
            raise InputError(
                "this network reads backwards too (bidirectional), so it is no model of the next character"
            )
        if match["part"] == "weight_hr":
            raise InputError("this LSTM has projections (proj_size)")
        groups.setdefault(match["prefix"], {}).setdefault(int(match["layer"] or 0), {})[match["part"]] = tensor
    if not groups:
        raise InputError("there is no LSTM, GRU or RNN in it (no weight_ih and weight_hh)")
    layers = []
    for prefix in _ordered(list(groups)):
        numbers = sorted(groups[prefix])
        if numbers != list(range(len(numbers))):
            raise InputError(f"{prefix}* has layers {numbers}, some are missing")
        layers += [_layer(f"{prefix}*_l{number}", groups[prefix][number]) for number in numbers]
    _check_chain(layers)
    return layers, rest


def _ordered(prefixes: list[str]) -> list[str]:
    """Separate modules in the order of the one number in which their names differ (lstm1., lstm2.)."""
    if len(prefixes) == 1:
        return prefixes
    split = [re.split(r"(\d+)", prefix) for prefix in prefixes]
    if all(len(parts) == len(split[0]) for parts in split):
        differ = [place for place in range(len(split[0])) if len({parts[place] for parts in split}) > 1]
        if len(differ) == 1 and differ[0] % 2:
            return [prefix for _, prefix in sorted(zip((int(p[differ[0]]) for p in split), prefixes, strict=True))]
    raise InputError(f"it has several recurrent modules ({', '.join(prefixes)}) and nothing says which comes first")


def _layer(name: str, parts: dict[str, Tensor]) -> _Layer:
    if "weight_ih" not in parts or "weight_hh" not in parts:
        raise InputError(f"{name} lacks weight_ih or weight_hh")
    rows = parts["weight_ih"].shape[0]
    zeros = torch.zeros(rows)
    layer = _Layer(parts["weight_ih"], parts["weight_hh"], parts.get("bias_ih", zeros), parts.get("bias_hh", zeros))
    right = layer.weight_ih.dim() == layer.weight_hh.dim() == 2 and layer.weight_hh.shape[0] == rows
    if not right or layer.bias_ih.shape != (rows,) or layer.bias_hh.shape != (rows,) or layer.gates not in KINDS:
        raise InputError(f"the shapes of {name} are not those of an LSTM, GRU or RNN")
    return layer


def _check_chain(layers: list[_Layer]) -> None:
    if len({layer.gates for layer in layers}) > 1:
        raise InputError("its recurrent layers are of different kinds")
    if len({layer.size for layer in layers}) > 1:
        raise InputError(f"its layers have different sizes ({', '.join(str(layer.size) for layer in layers)})")
    for lower, upper in pairwise(layers):
        if upper.entry != lower.size:
            raise InputError(f"its layers do not follow each other: {lower.size} units into {upper.entry}")


Ends = tuple[Tensor | None, tuple[Tensor, Tensor], tuple[str, ...]]


def _ends(layers: list[_Layer], rest: dict[str, Tensor]) -> Ends:
    """(embedding or None for one-hot, (weight, bias) of the head, remarks)."""
    matrices = [name for name, tensor in rest.items() if tensor.dim() == 2]
    vectors = [name for name, tensor in rest.items() if tensor.dim() != 2]
    entry, size = layers[0].entry, layers[-1].size
    remarks: tuple[str, ...] = ()
    if len(matrices) == 2:
        embedding_name, head_name = _which(matrices, rest, entry, size)
    elif len(matrices) == 1:
        head_name = matrices[0]
        symbols, width = rest[head_name].shape
        if width != size:
            raise InputError(f"{head_name} reads {width} units, and the last layer has {size}")
        embedding_name = None
        if entry == symbols and (entry != size or not ENTRY_NAMES.search(head_name)):
            remarks = ("the input is one-hot",)
        elif entry == size:
            embedding_name, remarks = head_name, ("embedding and head share their weights",)
        else:
            raise InputError(f"the first layer reads {entry} numbers, and there is no embedding of that size")
    else:
        raise InputError(f"an embedding and a linear head are looked for, and there are {len(matrices)} matrices")
    weight = rest[head_name]
    bias = [name for name in vectors if rest[name].shape == (len(weight),)]
    if len(bias) > 1 or len(vectors) > len(bias):
        raise InputError(f"it has parts that are not understood ({', '.join(vectors)})")
    if not bias:
        remarks = (*remarks, "the head has no bias")
    embedding = None if embedding_name is None else rest[embedding_name]
    if embedding is not None and len(embedding) != len(weight):
        raise InputError(f"the embedding has {len(embedding)} symbols and the head {len(weight)}")
    return embedding, (weight, rest[bias[0]] if bias else torch.zeros(len(weight))), remarks


def _which(names: list[str], rest: dict[str, Tensor], entry: int, size: int) -> tuple[str, str]:
    """(embedding, head) of two matrices: by shape, then by whose bias there is, then by name."""
    ways = [
        (first, second)
        for first, second in (names, names[::-1])
        if rest[first].shape[1] == entry and rest[second].shape[1] == size
    ]
    tests = (_bias_says_so, _entry_says_so, _head_says_so)
    for test in tests:
        if len(ways) > 1:
            ways = [way for way in ways if test(way, rest)] or ways
    if len(ways) == 2 and torch.equal(rest[names[0]], rest[names[1]]):
        ways = ways[:1]
    if len(ways) != 1:
        why = "either could be the embedding" if ways else f"no embedding into {entry} with a head from {size} units"
        raise InputError(f"{' and '.join(names)}: {why}")
    return ways[0]


Way = tuple[str, str]


def _bias_says_so(way: Way, rest: dict[str, Tensor]) -> bool:
    return way[1].removesuffix("weight") + "bias" in rest


def _entry_says_so(way: Way, rest: dict[str, Tensor]) -> bool:
    return bool(ENTRY_NAMES.search(way[0])) and not ENTRY_NAMES.search(way[1])


def _head_says_so(way: Way, rest: dict[str, Tensor]) -> bool:
    return bool(HEAD_NAMES.search(way[1])) and not HEAD_NAMES.search(way[0])
