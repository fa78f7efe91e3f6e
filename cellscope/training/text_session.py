"""The training of a character-level network on a text."""

from __future__ import annotations

from typing import Any

from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.models.char_rnn import CharRNNConfig
from cellscope.models.network import Network
from cellscope.models.sampling import sample
from cellscope.training.evaluate import bits, evaluate, evaluated
from cellscope.training.loop import Trainer
from cellscope.training.run import RunFolder
from cellscope.training.session import EVALUATE_EVERY, Session

SAMPLE_EVERY = 1000
QUICK = 131_072
"""Held-back characters that the losses along the way are measured on, spread over the whole of it."""
HELD_BACK = 1_000_000
"""Held-back characters that the final loss and xz are measured on: the first so many."""


class TextSession(Session):
    """A session whose losses are in nats per character of the text's held-back end, and whose samples are texts."""

    def __init__(self, run: RunFolder, trainer: Trainer, corpus: Corpus, vocabulary: Vocabulary) -> None:
        super().__init__(run, trainer)
        self.corpus = corpus
        self.held_back: tuple[int, int] = tuple(self.info["corpus"]["validation"])
        shapes = CharRNNConfig.from_json(self.info["model"]).describe()
        self.network = Network(trainer.model, vocabulary, run.name, shapes)
        self.description = shapes

    def measure(self, *, whole: bool) -> dict[str, Any] | None:
        """Nats per character over QUICK characters in the precision of the training, or the first HELD_BACK in fp32."""
        start, stop = self.held_back
        if stop - start < 2:
            return None
        model, vocabulary = self.trainer.model, self.network.vocabulary
        if not whole:
            precision = self.trainer.precision
            loss = evaluate(model, self.corpus, vocabulary, start=start, stop=stop, limit=QUICK, precision=precision)
            return {"nats": loss}
        stop = min(stop, start + HELD_BACK)
        loss, characters = evaluated(model, self.corpus, vocabulary, start=start, stop=stop)
        return {"nats": loss, "bits": bits(loss), "characters": characters}

    def sample(self, step: int) -> str | None:
        """Two hundred characters that the network writes now."""
        if step % SAMPLE_EVERY and step != EVALUATE_EVERY:
            return None
        return "".join(sample(self.network, length=200, temperature=0.8, seed=step))
