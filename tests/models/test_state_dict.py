from __future__ import annotations

import os

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cellscope.errors import InputError
from cellscope.models.state_dict import digest_of, read_state_dict

STATE = nn.Linear(3, 2).state_dict()


class Hostile:
    """Unpickling this would leave a file behind."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    "wrapped",
    [
        STATE,
        {"epoch": 3, "state_dict": STATE},
        {"model": {"module." + name: tensor for name, tensor in STATE.items()}, "optimizer": {"lr": 1.0}},
        {"model_state_dict": {"_orig_mod." + name: tensor for name, tensor in STATE.items()}},
        {"mine": STATE, "loss": 2.5},
    ],
)
def test_a_state_dict_is_found_where_it_is_nested(tmp_path, wrapped):
    """Bare, nested under a known or the only key, wrapped by DataParallel or compile: the same names and tensors."""
    torch.save(wrapped, tmp_path / "w.pt")
    found = read_state_dict(tmp_path / "w.pt")
    assert list(found) == ["weight", "bias"]
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


def test_safetensors_are_read(tmp_path):
    """A .safetensors file gives its tensors."""
    save_file(STATE, tmp_path / "w.safetensors")
    assert torch.equal(read_state_dict(tmp_path / "w.safetensors")["weight"], STATE["weight"])


def test_a_file_that_would_run_something_is_refused_unrun(tmp_path):
    """A .pt file with arbitrary objects is refused, and nothing of it was executed."""
    torch.save({"state_dict": STATE, "extra": Hostile(tmp_path / "ran")}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="refused"):
        read_state_dict(tmp_path / "w.pt")
    assert not (tmp_path / "ran").exists()


def test_a_whole_pickled_module_is_refused(tmp_path):
    """torch.save(module) needs its class to run, so it is refused with advice."""
    torch.save(nn.Linear(2, 2), tmp_path / "w.pt")
    with pytest.raises(InputError, match="state_dict"):
        read_state_dict(tmp_path / "w.pt")


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"PK\x03\x04broken", b"\xff" * 100, b"{}"])
def test_damaged_files_are_one_clear_error(tmp_path, name, content):
    """Whatever bytes a file holds, the answer is an InputError of one line that names it."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as caught:
        read_state_dict(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    """NaN in a weight is named, not carried into every later figure."""
    torch.save({"weight": torch.full((2, 2), torch.nan)}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="weight holds values"):
        read_state_dict(tmp_path / "w.pt")


def test_two_state_dicts_are_not_chosen_between(tmp_path):
    """A file with two candidates is refused, listing its keys."""
    torch.save({"generator": STATE, "critic": STATE}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="generator, critic"):
        read_state_dict(tmp_path / "w.pt")


def test_a_digest_is_of_modules_and_weights() -> None:
    """A copy has the same; one changed number, or another activation between the same weights, makes another."""
    made = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    copied = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    copied.load_state_dict(made.state_dict())
    assert digest_of(copied) == digest_of(made)
    assert digest_of(nn.Sequential(made[0], nn.Tanh())) != digest_of(made)
    with torch.no_grad():
        copied[0].weight[0, 0] += 1
    assert digest_of(copied) != digest_of(made)
