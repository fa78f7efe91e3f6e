"""From a run and the address of units to what its network loses without them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cellscope.axes import Progress, Site, Unit
from cellscope.count import count
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.controls import Held
from cellscope.evidence.moments import Moments
from cellscope.evidence.needs import Need
from cellscope.evidence.zones import FEWEST, INSIDE, ZoneReader, zones_of
from cellscope.features.feature import Feature
from cellscope.features.library import select
from cellscope.hooks.sites import resolve_site, sites_of
from cellscope.models.network import Network
from cellscope.observe import NetworkSource, rounds
from cellscope.pipeline.components import learnt_from
from cellscope.pipeline.find import SEED, clean, open_text
from cellscope.pipeline.lesion_directions import components_by, planned_directions, spans_of
from cellscope.pipeline.lesion_plan import planned
from cellscope.pipeline.networks import open_network
from cellscope.pipeline.training import held_back_from
from cellscope.pipeline.units import named_unit
from cellscope.training.run import RUNS, RunFolder

CHARACTERS = 100_000
"""Characters at the end of the text that are read under each lesion."""
CHOSEN = 200_000
"""Characters before them from which means, variances and the best units come."""
SHORTEST = 4096
"""A text of fewer characters is not worth a lesion."""
DRAWS = 20


@dataclass(frozen=True)
class Subject:
    """A network and the text that it is lesioned on: corpus[start:], every span feature that is on there.

    `moments` are those of the text before; `left_out` are features with too few characters.
    """

    network: Network
    run: RunFolder | None
    corpus: Corpus
    features: tuple[Feature, ...]
    start: int
    moments: Moments
    left_out: tuple[str, ...] = ()

    @property
    def characters(self) -> int:
        """How many characters are read under each lesion."""
        return len(self.corpus) - self.start

    @property
    def learnt(self) -> int:
        """How many of them the network was trained on."""
        return min(max(0, held_back_from(self.run, self.corpus) - self.start), self.characters)

    @property
    def remark(self) -> str:
        """What follows from that, in words; nothing where it was trained on none."""
        if not self.learnt:
            return ""
        return (
            f"{self.learnt:,} of these {self.characters:,} characters were trained on, so the network knows them "
            "better than new text; read fewer, with --characters, or another --text"
        )

    def json(self, **found: Any) -> str:
        """What was found, with the network and the text that it was found in."""
        content = {
            "cellscope": version("cellscope"),
            "run": self.run.name if self.run else None,
            "network": self.network.description,
            "corpus": self.corpus.name,
            "characters": self.characters,
            "trained_on": self.learnt,
            "chosen": self.moments.characters,
            "left_out": list(self.left_out),
            **found,
        }
        return json.dumps(clean(content), indent=1, ensure_ascii=False)


@dataclass(frozen=True)
class Lesioned:
    """What a network loses without some units, for one feature after the other: those it loses most on first.

    held   all that was held, by its addresses; asked: the features that were named, none where it was all of them
    """

    subject: Subject
    needs: tuple[Need, ...]
    held: str
    asked: tuple[str, ...] = ()

    def json(self) -> str:
        """Everything as JSON; keys are stable, numbers that do not exist are null."""
        return self.subject.json(needs=[need.figures() for need in self.needs])


def lesion_in(
    run: str | Path | None,
    addresses: Sequence[str],
    *,
    directions: Sequence[str] = (),
    asked: Sequence[str] = (),
    files: Sequence[Path] = (),
    characters: int = CHARACTERS,
    fill: str = "mean",
    draws: int = DRAWS,
    seed: int = SEED,
    progress: Progress | None = None,
    **source: Any,
) -> Lesioned:
    """Hold units while the network reads the end of a text: what is lost inside each feature.

    For features that were asked for, the best units and the complement are lesioned too. Components, by their
    addresses or as `directions` (SITE=FILE), are lesioned instead of units. `source` says which network and which text
    (see `open_both`).
    """
    network, folder, corpus = open_both(run, **source)
    components = components_by(network, addresses, directions)
    held = held_by(network, addresses) if not components else {}
    deep = bool(asked or files)
    if fill == "outside" and not deep:
        raise InputError("--fill outside means outside a feature; name one, as in --feature url")
    features = select(asked, files)
    for component in components:
        component.check(network, features)
    sites = tuple(dict.fromkeys(site for component in components for site in component.over)) or tuple(held)
    subject = subject_of(network, folder, corpus, features, sites, characters=characters, asked=deep, progress=progress)
    options: dict[str, Any] = {"fill": fill, "draws": draws, "deep": deep, "seed": seed}
    if components:
        # Nothing that knows of features is fitted to the text that is read under the lesion. Other components are those
        # of a search: a seed of the lesion's own would make others.
        before = corpus.part(0, subject.start)
        learn = learnt_from(
            network,
            lambda one: before if one.choice.kind == "probe" else corpus,
            features,
            seed=SEED,
            progress=progress,
        )
        spans, name = spans_of(components, learn)
        plan = planned_directions(subject, spans, name, **options)
    else:
        name = name_of(held, network, most=None)
        plan = planned(subject, held, name_of(held, network), **options)
    needs = plan.needs(subject, progress=progress)
    ordered = needs if asked else tuple(sorted(needs, key=lambda n: -n.effect.inside.value))
    return Lesioned(subject, ordered, name, tuple(f.name for f in features) if deep else ())


def open_both(
    run: str | Path | None,
    *,
    text: str | Path | None = None,
    encoding: str = "utf-8",
    as_bytes: bool = False,
    runs: Path = RUNS,
    which: str = "best",
    model: str | None = None,
    weights: Path | None = None,
    vocabulary: Path | None = None,
) -> tuple[Network, RunFolder | None, Corpus]:
    """The network of a run (the latest by default) or somebody's, its run, and its own text or `text`."""
    network, folder = open_network(run, runs=runs, which=which, model=model, weights=weights, vocabulary=vocabulary)
    return network, folder, open_text(network, folder, text, encoding=encoding, as_bytes=as_bytes)


def subject_of(
    network: Network,
    run: RunFolder | None,
    corpus: Corpus,
    features: Sequence[Feature],
    sites: tuple[Site, ...],
    *,
    characters: int = CHARACTERS,
    asked: bool = False,
    progress: Progress | None = None,
) -> Subject:
    """Cut the text in two, hear its first part, and keep the features that the second has; InputError where one that
    was `asked` for is not on there, or the text is too short.
    """
    start = split(corpus, characters)
    kept, left_out = present(corpus, features, start, asked=asked)
    before = corpus.part(0, start)
    told: Progress | None = (lambda done, total, _: progress(done, total, "means")) if progress else None
    with NetworkSource(network, before, sites) as source:
        heard = count(source, before, kept, start=max(0, start - CHOSEN), evidence=False, progress=told)
    return Subject(network, run, corpus, kept, start, Moments.of(heard), left_out)


def split(corpus: Corpus, characters: int) -> int:
    """Where the lesioned part begins: at most so many characters, and at most half of the text."""
    if len(corpus) < SHORTEST:
        raise InputError(
            f"{corpus.name} has {len(corpus):,} characters, and lesions need {SHORTEST:,}; give a longer text"
        )
    return len(corpus) - min(max(characters, SHORTEST // 2), len(corpus) // 2)


def present(
    corpus: Corpus, features: Sequence[Feature], start: int, *, asked: bool, fixed: bool = False
) -> tuple[tuple[Feature, ...], tuple[str, ...]]:
    """The span features with at least FEWEST characters in corpus[start:], and the names of the others; where that
    stretch is `fixed`, more characters are no advice.
    """
    spans = [f for f in features if f.kind == "span"]
    if asked and len(spans) < len(features):
        number = next(f for f in features if f.kind != "span")
        raise InputError(
            f"{number.name} is a number at every character: it has no inside to lesion; give a span feature"
        )
    reader = ZoneReader(spans, corpus, start)
    counts = sum(zones_of(reader.read(part).sum(1)) for part in rounds(len(corpus), start=max(start, 1)))
    inside = np.asarray(counts)[:, INSIDE].tolist()
    total = len(corpus) - start
    if asked:
        more = "" if fixed else "more --characters, or "
        for feature, here in zip(spans, inside, strict=True):
            if not FEWEST <= here <= total - FEWEST:
                raise InputError(
                    f"feature {feature.name!r} is on {here:,} of the last {total:,} characters of {corpus.name}; "
                    f"at least {FEWEST} must be on and off: try {more}another --text"
                )
    good = [FEWEST <= here <= total - FEWEST for here in inside]
    if not any(good):
        raise InputError(f"none of {len(spans)} features is on in the last {total:,} characters of {corpus.name}")
    kept = tuple(f for f, ok in zip(spans, good, strict=True) if ok)
    return kept, tuple(f.name for f, ok in zip(spans, good, strict=True) if not ok)


def held_by(network: Network, addresses: Sequence[str]) -> Held:
    """The units that addresses name, by site; a site alone means all of its units. MissingError lists what there is."""
    known = sites_of(network.module)
    found: dict[Site, set[int]] = {}
    if not addresses:
        there = ", ".join(map(str, known))
        raise InputError(f"which unit? give addresses, as in lstm.0:cell/221; there is {there}")
    for address in addresses:
        if "/" in address:
            unit = named_unit(network, address)
            found.setdefault(unit.site, set()).add(unit.index)
        else:
            site = resolve_site(network.module, address)
            found.setdefault(site, set()).update(range(known[site]))
    return {site: np.array(sorted(units), np.int64) for site, units in found.items()}


def name_of(held: Held, network: Network, most: int | None = 4) -> str:
    """What the held units are called in a sentence, `most` of them by name."""
    known = sites_of(network.module)
    parts = []
    for site, units in held.items():
        if len(units) == known[site] > 1:
            parts.append(f"all of {site}")
        else:
            parts += [str(Unit(site, unit)) for unit in units.tolist()]
    more = 0 if most is None else max(0, len(parts) - most)
    return ", ".join(parts[:most]) + (f" and {more} more" if more else "")
