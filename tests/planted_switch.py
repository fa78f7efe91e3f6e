"""A network in which one unit alone carries a feature: cell 0 is 1 from < to before >, where b follows, and 0
elsewhere, where a follows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.features.feature import Feature
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.network import Network
from cellscope.training.run import RunFolder

VOCABULARY = Vocabulary(tuple("<>ab"))
INSIDE = Feature(name="inside", pattern="<[ab]*")
LETTERS = Feature(name="letters", pattern="[a]")
SIZE = 12


def switched(length: int, *, seed: int = 0) -> str:
    """Stretches of a, with stretches of b between < and >; one letter in ten is the other one."""
    rng = np.random.default_rng(seed)
    parts: list[str] = []
    while sum(map(len, parts)) < length:
        for own, around in (("a", ""), ("b", "<>")):
            letters = np.where(rng.random(rng.integers(5, 30)) < 0.9, own, "ab".replace(own, ""))
            parts.append(around[:1] + "".join(letters) + around[1:])
    return "".join(parts)[:length]


def switch(*, size: int = SIZE, seed: int = 0, vocabulary: Vocabulary = VOCABULARY) -> Network:
    """The planted network; what the other units say is weak, and hangs on nothing that matters."""
    torch.manual_seed(seed)
    module = CharRNNConfig(len(vocabulary), kind="lstm", size=size, embedding=0).build().eval()
    symbol = {s: k for k, s in enumerate(vocabulary.symbols)}
    lstm: Any = module.recurrent
    with torch.no_grad():
        rows = torch.arange(4) * size  # of unit 0 in the input, forget, candidate and output gates
        for name in ("weight_ih_l0", "weight_hh_l0"):
            getattr(lstm, name)[rows] = 0
        lstm.bias_ih_l0[rows] = torch.tensor([-12.0, 12.0, 0.0, 12.0])
        lstm.bias_hh_l0[rows] = 0
        lstm.weight_ih_l0[rows[0], symbol["<"]] = 24
        lstm.weight_ih_l0[rows[2], symbol["<"]] = 12
        lstm.weight_ih_l0[rows[1], symbol[">"]] = -24
        module.decoder.weight *= 0.2
        module.decoder.weight[:, 0] = 0
        module.decoder.weight[symbol["a"], 0] = -5
        module.decoder.weight[symbol["b"], 0] = 5
        module.decoder.bias.copy_(torch.tensor([0.0, 0.0, 3.0, -1.0]))
    return Network(module, vocabulary, "switch")


def switch_run(folder: Path, *, length: int = 12_000, name: str = "switch") -> RunFolder:
    """The planted network as a run under `folder`/runs, with its text beside."""
    text = folder / "switched.txt"
    text.write_text(switched(length), encoding="utf-8")
    corpus, network = Corpus.open(text), switch()
    info = {
        "model": network.module.config.to_json(),
        "vocabulary": network.vocabulary.to_json(),
        "corpus": {
            "name": text.name, "path": str(text), "encoding": "utf-8", "as_bytes": False, "length": len(corpus),
            "digest": corpus.digest, "train": [0, length // 2], "validation": [length // 2, length],
        },
    }  # fmt: skip
    return RunFolder.create(folder / "runs", name, info, weights=network.module.state_dict())
