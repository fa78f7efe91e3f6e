"""The networks for pictures that are ours, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellscope.errors import InputError, not_found
from cellscope.models.mlp import MLPConfig
from cellscope.models.small_cnn import SmallCNNConfig

ARCHITECTURES: dict[str, type[SmallCNNConfig] | type[MLPConfig]] = {"small_cnn": SmallCNNConfig, "mlp": MLPConfig}
"""A further one is a file with a config and a line here."""


def architecture(data: Mapping[str, Any]) -> SmallCNNConfig | MLPConfig:
    """The shapes that a config's `to_json` wrote; MissingError where its kind is not known, InputError where a shape is
    missing, unknown or unfit.
    """
    kind = str(data.get("kind"))
    if kind not in ARCHITECTURES:
        raise not_found("network for pictures", kind, list(ARCHITECTURES))
    try:
        return ARCHITECTURES[kind].from_json(data)
    except (TypeError, ValueError) as error:
        raise InputError(f"the shapes of the {kind} cannot be read: {error}") from error
