"""MNIST's idx files come back as they are, and damaged ones are refused with what is wrong."""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from cellscope.data.idx import open_idx, read_idx
from cellscope.errors import InputError

MNIST = Path(__file__).resolve().parents[2].parent / "shared" / "images"
PICTURES = np.random.default_rng(0).integers(0, 256, (5, 4, 3)).astype(np.uint8)
LABELS = np.array([0, 2, 1, 2, 0], np.uint8)


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder: Path, name: str, array: np.ndarray) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(idx(array)) if name.endswith(".gz") else idx(array))
    return path


@pytest.mark.parametrize("first", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"])
@pytest.mark.parametrize("second", ["train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz"])
def test_pictures_find_their_labels(tmp_path: Path, first: str, second: str) -> None:
    """Both files come back as they were written, either of them gzipped or not."""
    path = write(tmp_path, first, PICTURES)
    write(tmp_path, second, LABELS)
    found = open_idx(path)
    np.testing.assert_array_equal(found.pictures[:, 0], PICTURES)
    np.testing.assert_array_equal(found.labels, LABELS)
    assert (found.shape, found.classes, found.remarks) == ((1, 4, 3), ("0", "1", "2"), ())


def test_the_dotted_names_of_unpacked_archives(tmp_path: Path) -> None:
    """t10k-images.idx3-ubyte finds t10k-labels.idx1-ubyte."""
    write(tmp_path, "t10k-labels.idx1-ubyte", LABELS)
    assert open_idx(write(tmp_path, "t10k-images.idx3-ubyte", PICTURES)).labels is not None


def test_pictures_without_labels(tmp_path: Path) -> None:
    """They are opened, and a remark says which file was looked for."""
    found = open_idx(write(tmp_path, "own.idx", PICTURES))
    assert found.labels is None
    assert "no labels" in found.remarks[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"\x89PNG\r\n\x1a\n", "begins with 89 50 4e 47"),
        (idx(PICTURES)[:-1], "should hold 60 bytes after its header and holds 59"),
        (idx(PICTURES) + b"x", "should hold 60 bytes after its header and holds more"),
        (idx(PICTURES)[:9], "ends within its header"),
        (idx(PICTURES, kind=0x0D), "numbers of kind 0d"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "too large to be true"),
        (b"\0\0\x08\x03" + b"\0" * 12, "empty or too large"),
        (idx(LABELS), "holds labels, not pictures"),
        (idx(PICTURES.reshape(5, 2, 2, 3)), r"shape \[5, 2, 2, 3\]"),
    ],
)
@pytest.mark.parametrize("name", ["x-images-idx3-ubyte", "x-images-idx3-ubyte.gz"])
def test_damaged_files_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """A wrong magic number, a cut or too long file, another kind of number, or another shape is named."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(InputError, match=message):
        open_idx(path)


def test_a_gzip_that_is_cut_or_none(tmp_path: Path) -> None:
    """What is wrong with the gzip itself is an error that names the file, too."""
    path = tmp_path / "x-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(PICTURES))[:-12])
    with pytest.raises(InputError, match="x-images-idx3-ubyte.gz cannot be read"):
        read_idx(path)
    path.write_bytes(idx(PICTURES))
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(path)


def test_counts_must_agree(tmp_path: Path) -> None:
    """Five pictures with four labels are refused, with both counts."""
    path = write(tmp_path, "train-images-idx3-ubyte", PICTURES)
    write(tmp_path, "train-labels-idx1-ubyte", LABELS[:4])
    with pytest.raises(InputError, match=r"5 pictures and train-labels-idx1-ubyte 4 labels"):
        open_idx(path)


@pytest.mark.skipif(not MNIST.is_dir(), reason="MNIST is not here")
def test_mnist_is_mnist(tmp_path: Path) -> None:
    """60,000 digits with the known count of each class, mean .1307 and standard deviation .3081."""
    found = open_idx(MNIST / "train-images-idx3-ubyte.gz")
    assert found.shape == (1, 28, 28)
    assert np.bincount(found.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    counts = np.bincount(found.pictures.ravel(), minlength=256) / found.pictures.size
    grey = np.arange(256) / 255
    mean = counts @ grey
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert np.sqrt(counts @ (grey - mean) ** 2) == pytest.approx(0.3081, abs=5e-5)
    shutil.copy(MNIST / "t10k-images-idx3-ubyte.gz", tmp_path)
    assert open_idx(tmp_path / "t10k-images-idx3-ubyte.gz").labels is None
    assert len(open_idx(MNIST / "t10k-images-idx3-ubyte.gz").labels) == 10000
