"""The map of lesions of a run: made once, batch by batch, kept in the run's folder, and read by whoever needs it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cellscope.axes import Progress, Site, Unit
from cellscope.data.text import Corpus
from cellscope.errors import InputError
from cellscope.evidence.controls import held_at
from cellscope.evidence.lesion_map import LesionMap
from cellscope.evidence.lesions import Changes, Lesion, Work, go_on
from cellscope.evidence.zones import zones_of
from cellscope.features.library import select
from cellscope.hooks.sites import choose_sites
from cellscope.models.network import Network
from cellscope.pipeline.lesions import CHARACTERS, CHOSEN, Subject, open_both, subject_of
from cellscope.training.checkpoint import read_checkpoint, write_checkpoint
from cellscope.training.run import RunFolder

FOLDER = "lesions"
"""Where maps lie in the folder of a run."""


@dataclass(frozen=True)
class Mapped:
    """A map and what it is of."""

    subject: Subject
    map: LesionMap

    def json(self) -> str:
        """The unit that each feature needs most, and the change inside each feature of every unit."""
        value, low, high = self.map.intervals()
        units = {
            str(unit): {"inside": value[u, :, 0].tolist(), "low": low[u, :, 0].tolist(), "high": high[u, :, 0].tolist()}
            for u, unit in enumerate(self.map.units)
        }
        leaders = [leader.figures() for leader in self.map.leaders()]
        return self.subject.json(
            fill=self.map.fill, sentence=self.map.sentence, features=leaders, order=list(self.map.features), units=units
        )


def map_in(
    run: str | Path | None,
    *,
    asked: Sequence[str] = (),
    files: Sequence[Path] = (),
    characters: int = CHARACTERS,
    fill: str = "mean",
    streams: str | None = None,
    progress: Progress | None = None,
    **source: Any,
) -> Mapped:
    """The map of a run over its own text or another (see `lesions.open_both`); nothing in it is drawn by chance."""
    _refuse_outside(fill)
    network, folder, corpus = open_both(run, **source)
    sites = choose_sites(network.module, None if streams is None else streams.split(","))
    subject = subject_of(
        network, folder, corpus, select(asked, files), sites, characters=characters, asked=bool(asked or files),
        progress=progress,
    )  # fmt: skip
    return Mapped(subject, lesion_map(subject, sites, fill=fill, progress=progress))


def lesion_map(
    subject: Subject, sites: Sequence[Site], *, fill: str = "mean", progress: Progress | None = None
) -> LesionMap:
    """Lesion every unit of the sites in turn. What the run's folder has of it is taken from there, and each batch is
    kept as soon as it is done: an interrupted map goes on where it was.
    """
    lesions, units = _each_unit(subject, sites, fill)
    about = _about(subject, sites, fill)
    path = _path(subject.run, about) if subject.run is not None else None
    work = _begun(lesions, len(subject.features), path)
    todo = go_on(work, subject.network, subject.corpus, subject.features, start=subject.start, progress=progress)
    for total in todo:
        if path is not None:
            _keep(path, work, {**about, "units": [str(u) for u in units], "done": work.done, "of": total})
    features = tuple(f.name for f in subject.features)
    digests = tuple(f.digest for f in subject.features)
    return LesionMap(units, features, work.changes, fill, subject.characters, digests)


def read_map(run: RunFolder, network: Network | None = None, corpus: Corpus | None = None) -> LesionMap | None:
    """The finished map of a run that was kept last, if any; only of these very weights and this text, where given."""
    files = sorted((run.path / FOLDER).glob("*.safetensors"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in files:
        try:
            tensors, about = read_checkpoint(file)
            other = network is not None and about["weights"] != weights_digest(network)
            other = other or (corpus is not None and about["corpus"] != corpus.digest)
            if about["done"] == about["of"] and not other:
                return _read(tensors, about)
        except (InputError, KeyError, TypeError, ValueError):
            continue  # damaged, or of another version: as if it were not there
    return None


def weights_digest(network: Network) -> str:
    """A hash of the network's weights: a map is of these weights, whatever a run's name."""
    made = hashlib.sha256()
    for name, tensor in network.module.state_dict().items():
        made.update(name.encode())
        made.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
    return made.hexdigest()[:32]


def _refuse_outside(fill: str) -> None:
    if fill == "outside":
        raise InputError("a map holds a unit at one value for all features: --fill zero or mean")


def _each_unit(subject: Subject, sites: Sequence[Site], fill: str) -> tuple[list[Lesion], tuple[Unit, ...]]:
    _refuse_outside(fill)
    fills = {site: subject.moments.fill(site, fill) for site in sites}
    units = tuple(Unit(site, i) for site in sites for i in range(len(fills[site])))
    return [held_at(str(u), {u.site: np.array([u.index])}, fills) for u in units], units


def _about(subject: Subject, sites: Sequence[Site], fill: str) -> dict[str, Any]:
    """What decides the numbers of a map."""
    return {
        "corpus": subject.corpus.digest, "start": subject.start, "length": len(subject.corpus), "chosen": CHOSEN,
        "weights": weights_digest(subject.network), "sites": [str(site) for site in sites], "fill": fill,
        "features": [[f.name, f.digest] for f in subject.features],
    }  # fmt: skip


def _path(run: RunFolder, about: dict[str, Any]) -> Path:
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    return run.path / FOLDER / f"{key}.safetensors"


def _begun(lesions: Sequence[Lesion], features: int, path: Path | None) -> Work:
    """The work with what is kept of it; from the beginning where nothing is, or what is there is damaged."""
    work = Work.begin(lesions, features)
    if path is None or not path.is_file():
        return work
    try:
        tensors, about = read_checkpoint(path)
        for name in ("sums", "free", "counts"):
            getattr(work, name)[...] = tensors[name].numpy()
        work.done = int(about["done"])
    except (InputError, KeyError, ValueError, RuntimeError):
        return Work.begin(lesions, features)
    return work


def _keep(path: Path, work: Work, about: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{path.parent} cannot be made: {error.strerror or error}") from error
    arrays = {"sums": work.sums, "free": work.free, "counts": work.counts}
    write_checkpoint(path, {name: torch.from_numpy(array) for name, array in arrays.items()}, about)


def _read(tensors: dict[str, torch.Tensor], about: dict[str, Any]) -> LesionMap:
    units = tuple(Unit.parse(unit) for unit in about["units"])
    names = tuple(name for name, _ in about["features"])
    sums, free, counts = (tensors[name].numpy() for name in ("sums", "free", "counts"))
    used = counts[:, -1] > 0
    counted = zones_of(counts[used]).round().astype(np.int64)
    changes = Changes(tuple(map(str, units)), zones_of(sums[:, used]), zones_of(free[used]), counted)
    digests = tuple(digest for _, digest in about["features"])
    return LesionMap(units, names, changes, about["fill"], int(about["length"]) - int(about["start"]), digests)
