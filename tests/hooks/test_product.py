"""The recurrent product: the weight that is laid out gives what a plain product gives."""

from __future__ import annotations

import pytest
import torch

from cellscope.hooks import product


@pytest.mark.parametrize(("lanes", "size", "wide"), [(1, 1, 4), (7, 5, 20), (64, 256, 1024), (33, 100, 300)])
def test_laid_out_equals_plain(lanes: int, size: int, wide: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways equal the product in float64 to rounding, call after call, for any sizes."""
    torch.manual_seed(0)
    weight = torch.randn(size, wide)
    laid_out = product.repeated_product(weight, lanes)
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    plain = product.repeated_product(weight, lanes)
    for _ in range(3):
        hidden = torch.randn(lanes, size)
        expected = hidden.double() @ weight.double()
        for times in (laid_out, plain):
            found = torch.from_numpy(times(hidden).copy()).double()
            assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5 * size**0.5)
