"""From units that are held to what a network writes then: two texts side by side, and the rate of a feature."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellscope.axes import Progress, Unit
from cellscope.errors import InputError
from cellscope.evidence.bases import held_in
from cellscope.evidence.steering import Held, Rates, edits_of, flags_of, rates
from cellscope.features.feature import Feature
from cellscope.hooks.listen import listen
from cellscope.hooks.sites import recurrent_layers, sites_of
from cellscope.models.network import Network
from cellscope.models.sampling import opening, prime_ids, sample_batch, sample_ids
from cellscope.pipeline.components import Learn, named


@dataclass(frozen=True, eq=False)
class Text:
    """What was written, one character for each id (of bytes: Latin-1), and what every held unit did [character, unit].

    `flags` is where the feature is on, where one was asked for.
    """

    text: str
    values: NDArray[np.float32]
    flags: NDArray[np.bool_] | None


@dataclass(frozen=True, eq=False)
class Steered:
    """The text of a network with units held, and the free one from the same seed; `rates` where a feature was asked."""

    network: Network
    held: tuple[Held, ...]
    prime: str
    length: int
    temperature: float
    seed: int
    with_hold: Text
    free: Text
    rates: Rates | None

    @property
    def units(self) -> tuple[Unit, ...]:
        """The held units, in the order of `Text.values`."""
        return tuple(one.unit for one in self.held)

    @property
    def name(self) -> str:
        """`lstm.0:cell/221 held at +0.9`, and so on."""
        return ", ".join(map(str, self.held))

    @property
    def sentence(self) -> str:
        """The effect on the feature in words, or what was held."""
        return f"with {self.name}, {self.rates.sentence}" if self.rates else f"with {self.name}"

    def json(self) -> str:
        """Everything as JSON; numbers that do not exist are null."""
        from cellscope.pipeline.find import clean

        told = clean(asdict(self.rates)) if self.rates else None
        content: dict[str, Any] = {
            "cellscope": version("cellscope"),
            "network": self.network.description,
            "held": [{"unit": one.name, "value": one.value} for one in self.held],
            "prime": self.prime,
            "length": self.length,
            "temperature": self.temperature,
            "seed": self.seed,
            "held_text": self.with_hold.text,
            "free_text": self.free.text,
            "rates": told,
            "sentence": self.sentence,
        }
        return json.dumps(content, indent=1, ensure_ascii=False)


def named_hold(network: Network, text: str, learn: Learn | None = None) -> Held:
    """`lstm.0:cell/221=+0.9` is that unit, held there; InputError for anything else, MissingError for no such unit.
    `learn` gives the basis of a component.
    """
    address, equals, number = text.rpartition("=")
    if not equals:
        raise InputError(f"{text!r:.120} is no unit and value; write UNIT=VALUE, as in lstm.0:cell/221=+0.9")
    asked = named(network, address)
    called = asked if isinstance(asked, Unit) else address
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{number!r:.60} is no number to hold {called} at; write UNIT=VALUE, as in {called}=+0.9")
    if isinstance(asked, Unit):
        return Held(asked, value)
    stream = held_in(asked.over)
    if asked.choice.saved:
        basis, unit = asked.of([asked.choice.read({stream: sites_of(network.module)[stream]})])
    elif learn is not None:
        basis, unit = learn(asked)
    else:
        raise InputError(
            f"components of {asked.choice.kind} are learnt from a text, and this network has none of its own: keep a "
            "direction with cellscope probe --save, and hold that, as in lstm.0.cell:url.npy=+0.9"
        )
    return Held(unit, value, basis)


def steer(
    network: Network,
    holds: Sequence[str],
    *,
    prime: str = "",
    length: int = 2000,
    temperature: float = 1.0,
    seed: int = 123,
    feature: Feature | None = None,
    samples: int = 200,
    learn: Learn | None = None,
    progress: Progress | None = None,
) -> Steered:
    """What the network writes after `prime` with units held at values from the first character that it reads, and free.

    With a feature, its rate in `samples` texts of each, which are drawn from the same chances as one batch. `learn`
    gives the basis of a component, for instance `learnt_from` a text.
    """
    held = tuple(named_hold(network, text, learn) for text in holds)
    edits = edits_of(held)
    if feature is not None and feature.kind != "span":
        raise InputError(f"{feature.name} is a number, and its rate cannot be told; give a span")
    if feature is not None and temperature == 0:
        raise InputError("at temperature 0 all samples are one; give a --temperature above 0 to tell a rate")
    if feature is not None and length < 1:
        raise InputError("samples of no characters have no rate; give a --length of 1 or more")
    start = prime_ids(network, opening(network, prime))
    written = []
    batches = []
    for turn, changes in enumerate((edits, {})):
        with listen(network.module, (), edits=changes):
            ids = list(sample_ids(network, start, length=length, temperature=temperature, seed=seed))
            if feature is not None:
                told = _part(progress, turn)
                batch = sample_batch(
                    network, start, count=samples, length=length, temperature=temperature, seed=seed, progress=told
                )
                batches.append([network.vocabulary.decode(row) for row in batch.tolist()])
        written.append(_text(network, held, start, ids, changes, feature))
    before = network.vocabulary.decode(start)
    found = rates(feature, before, *batches) if feature is not None else None
    return Steered(network, held, prime, length, temperature, seed, written[0], written[1], found)


def remarks(network: Network, held: Sequence[Held]) -> list[str]:
    """What is odd about the values that units are held at."""
    relu = {
        layer.path for layer in recurrent_layers(network.module)
        if layer.kind == "rnn" and layer.module.nonlinearity == "relu"
    }  # fmt: skip
    said = (one.beyond(relu=one.unit.site.path in relu) for one in held)
    return [remark for remark in said if remark]


def _text(
    network: Network, held: Sequence[Held], start: list[int], ids: list[int], edits: Any, feature: Feature | None
) -> Text:
    """The written ids with what the held units did on them, heard in one pass over prime and text."""
    sites = tuple(dict.fromkeys(site for one in held for site in one.heard))
    values = np.zeros((len(ids), len(held)), np.float32)
    if ids:
        with listen(network.module, sites, edits=edits) as heard, torch.no_grad():
            network.module(torch.tensor([[*start, *ids]], device=network.device))
            for k, one in enumerate(held):
                values[:, k] = one.of({site: heard[site][len(start) :, 0] for site in one.heard})
    text = network.vocabulary.decode(ids)
    flags = flags_of(feature, network.vocabulary.decode(start), text) if feature is not None else None
    return Text(text, values, flags)


def _part(progress: Progress | None, turn: int) -> Progress | None:
    """The progress of one of the two batches."""
    if progress is None:
        return None
    what = ("held", "free")[turn]
    return lambda done, total, _: progress(turn * total + done, 2 * total, what)
