"""The search from Python: of a run, of any torch module, or of an array that was recorded elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellscope.axes import Site
from cellscope.count import count
from cellscope.data.images import ImageSet
from cellscope.data.text import Corpus
from cellscope.data.vocabulary import Vocabulary
from cellscope.errors import InputError
from cellscope.features.feature import Feature
from cellscope.features.library import distinct, select
from cellscope.findings import Findings
from cellscope.hooks.sites import choose_sites, resolve_site
from cellscope.judge import judge
from cellscope.models.foreign import wrap
from cellscope.models.network import Network
from cellscope.observe import ArraySource, Progress
from cellscope.pipeline.bases import Choice, choice_of
from cellscope.pipeline.find import SEED, open_text
from cellscope.pipeline.find import search as search_network
from cellscope.pipeline.networks import open_network
from cellscope.training.run import RUNS, RunFolder, latest_run, open_run

if TYPE_CHECKING:
    import pandas as pd


def find(
    subject: Any = None,
    corpus: Corpus | ImageSet | str | Path | None = None,
    *,
    features: Sequence[str | Feature] = (),
    sites: Sequence[str] = (),
    vocabulary: Vocabulary | Path | str | None = None,
    characters: int | None = None,
    exact: bool = False,
    basis: str | None = None,
    components: int | None = None,
    runs: Path | str = RUNS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """A tidy table with one row for each feature and unit, best first within a feature, as `search(...).table()`.

    Columns: feature, kind, rank, unit, site, index, sign, chosen, then the scores on the reporting half (auc, auc_low,
    auc_high, ap, f1, threshold, iou, mi in bits, r, d, rank_r, lag in characters, p), q and the baselines.
    """
    return search(
        subject, corpus, features=features, sites=sites, vocabulary=vocabulary, characters=characters, exact=exact,
        basis=basis, components=components, runs=runs, seed=seed, progress=progress,
    ).table()  # fmt: skip


def search(
    subject: Any = None,
    corpus: Corpus | ImageSet | str | Path | None = None,
    *,
    features: Sequence[str | Feature] = (),
    sites: Sequence[str] = (),
    vocabulary: Vocabulary | Path | str | None = None,
    characters: int | None = None,
    exact: bool = False,
    basis: str | None = None,
    components: int | None = None,
    runs: Path | str = RUNS,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Findings:
    """Every unit of `subject` against `features` (default: the library), with the evidence for each.

    subject   a run's name or folder (default: the latest run); a Network; an nn.Module, with `vocabulary`, whose
              forward(ids [batch, time], state=None) gives logits or (logits, state); or an array [position, unit] of
              what was recorded on `corpus`, row t on reading character t (numpy, zarr, h5py, or open_array(path))
    corpus    a Corpus, or a text file's path; for a run, its own text by default

    basis     pca, ica, dictionary or probe: so many `components` of each site are searched in place of its units

    A run that was trained on pictures, or a Classifier, is searched over concepts: `features` are their names (by
    default all that the set has masks of, or else its classes), `corpus` an ImageSet, or what `open_images` takes.
    """
    choice = choice_of(basis, components)
    if choice is not None and _is_array(subject):
        raise InputError(f"basis={basis!r}: components are those of a network, and an array is searched as it is")
    looked = _search_pictures(subject, corpus, features, sites, choice, Path(runs), seed, progress)
    if looked is not None:
        return looked
    assert not isinstance(corpus, ImageSet)
    chosen = _features(features)
    if _is_array(subject):
        return _search_array(subject, _corpus(corpus, None, None), chosen, sites, seed=seed, progress=progress)
    network, folder = _network(subject, vocabulary, Path(runs))
    text = _corpus(corpus, network, folder)
    places = tuple(resolve_site(network.module, s) for s in sites) if sites else choose_sites(network.module)
    control = folder.path / "control" if folder is not None else None
    start = max(0, len(text) - characters) if characters else 0
    bases = (
        ()
        if choice is None
        else choice.learn(network, text, places, chosen, start=start, seed=seed, exact=exact, progress=progress)
    )
    return search_network(
        network,
        text,
        chosen,
        sites=places,
        characters=characters,
        exact=exact,
        control=control,
        bases=bases,
        basis=choice,
        seed=seed,
        progress=progress,
    )


def _sees(subject: Any, runs: Path) -> bool:
    """Whether this is a network for pictures (or rows of numbers), or a run of one."""
    from cellscope.models.classifier import Classifier
    from cellscope.pipeline.classifiers import is_picture_run

    if subject is not None and not isinstance(subject, (str, Path)):
        return isinstance(subject, Classifier)
    return is_picture_run(_run_of(subject, runs))


def _run_of(name: str | Path | None, runs: Path) -> RunFolder:
    return latest_run(runs) if name is None else open_run(name, runs)


def _search_pictures(
    subject: Any, images: Any, features: Sequence[str | Feature], sites: Sequence[str], basis: Choice | None,
    runs: Path, seed: int, progress: Progress | None,
) -> Findings | None:  # fmt: skip
    """The search of a network for pictures; None where it is none."""
    from cellscope.models.classifier import Classifier
    from cellscope.pipeline.classifiers import load_classifier, open_pictures
    from cellscope.pipeline.find_pictures import find_pictures

    if not _sees(subject, runs):
        return None
    folder = None if isinstance(subject, Classifier) else _run_of(subject, runs)
    network = subject if folder is None else load_classifier(folder)
    asked = [f if isinstance(f, str) else f.name for f in features]
    shown = images if isinstance(images, ImageSet) else open_pictures(folder, images)
    return find_pictures(
        network, folder, shown, asked=asked, sites=sites, basis=basis, seed=seed, progress=progress
    ).findings  # fmt: skip


def _features(asked: Sequence[str | Feature]) -> tuple[Feature, ...]:
    if isinstance(asked, str):
        raise InputError(f"features is the text {asked!r}; give a list, as in features=[{asked!r}]")
    named = [f for f in asked if isinstance(f, str)]
    ready = tuple(f for f in asked if isinstance(f, Feature))
    return distinct((*(select(named) if named or not ready else ()), *ready), "the choice of features")


def _is_array(subject: Any) -> bool:
    return len(getattr(subject, "shape", ())) > 0 and hasattr(subject, "__getitem__")


def _search_array(
    array: Any,
    corpus: Corpus,
    features: tuple[Feature, ...],
    sites: Sequence[str],
    *,
    seed: int,
    progress: Progress | None,
) -> Findings:
    if len(array.shape) != 2 or not array.shape[1]:
        raise InputError(f"the array has shape {tuple(array.shape)}; it must be [position, unit]")
    if len(sites) > 1:
        raise InputError(f"an array is one site; {len(sites)} were named")
    source = ArraySource(array, Site.parse(sites[0] if sites else "array"))
    return judge(count(source, corpus, features, seed=seed, progress=progress))


def _network(subject: Any, vocabulary: Vocabulary | Path | str | None, runs: Path) -> tuple[Network, RunFolder | None]:
    from torch import nn

    if isinstance(subject, Network):
        return subject, None
    if isinstance(subject, nn.Module):
        if vocabulary is None:
            raise InputError("a module needs its vocabulary: the symbols in the order of their ids")
        symbols = vocabulary if isinstance(vocabulary, Vocabulary) else Vocabulary.load(Path(vocabulary))
        return wrap(subject, symbols, name=type(subject).__name__), None
    return open_network(subject, runs=runs)


def _corpus(
    corpus: Corpus | str | Path | None, network: Network | None, folder: RunFolder | None
) -> Corpus:  # fmt: skip
    if isinstance(corpus, Corpus):
        return corpus
    if corpus is None and folder is None:
        raise InputError("which text? give a Corpus or a file's path")
    return open_text(network, folder, corpus)
