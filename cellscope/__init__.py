"""cellscope: a microscope for the neurons of recurrent and convolutional networks.

    import cellscope
    table = cellscope.find("my-run", features=["url"])

Every public name is listed here and loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellscope.axes import Site as Site
    from cellscope.axes import Unit as Unit
    from cellscope.data.arrays import open_array as open_array
    from cellscope.data.images import ImageSet as ImageSet
    from cellscope.data.imagesets import open_images as open_images
    from cellscope.data.text import Corpus as Corpus
    from cellscope.data.vocabulary import Vocabulary as Vocabulary
    from cellscope.errors import CellscopeError as CellscopeError
    from cellscope.features.feature import Feature as Feature
    from cellscope.features.library import library as library
    from cellscope.features.library import load_features as load_features
    from cellscope.findings import Findings as Findings
    from cellscope.hooks.listen import listen as listen
    from cellscope.hooks.modules import watch as watch
    from cellscope.models.classifier import Classifier as Classifier
    from cellscope.models.classifier import wrap as wrap
    from cellscope.models.network import Network as Network
    from cellscope.pipeline.api import find as find
    from cellscope.pipeline.api import search as search
    from cellscope.pipeline.classifiers import open_classifier as open_classifier
    from cellscope.pipeline.networks import open_network as open_network

_HOMES = {
    "CellscopeError": "cellscope.errors",
    "Classifier": "cellscope.models.classifier",
    "Corpus": "cellscope.data.text",
    "Feature": "cellscope.features.feature",
    "Findings": "cellscope.findings",
    "ImageSet": "cellscope.data.images",
    "Network": "cellscope.models.network",
    "Site": "cellscope.axes",
    "Unit": "cellscope.axes",
    "Vocabulary": "cellscope.data.vocabulary",
    "find": "cellscope.pipeline.api",
    "library": "cellscope.features.library",
    "listen": "cellscope.hooks.listen",
    "load_features": "cellscope.features.library",
    "open_array": "cellscope.data.arrays",
    "open_classifier": "cellscope.pipeline.classifiers",
    "open_images": "cellscope.data.imagesets",
    "open_network": "cellscope.pipeline.networks",
    "search": "cellscope.pipeline.api",
    "watch": "cellscope.hooks.modules",
    "wrap": "cellscope.models.classifier",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'cellscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
