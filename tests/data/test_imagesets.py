"""Pictures are found by name or path, and what is not there is said."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cellscope.data.digits import digits
from cellscope.data.imagesets import is_image_set, open_images
from cellscope.errors import InputError, MissingError


def write_idx(path: Path) -> None:
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 2, 2, 2) + bytes(range(8))))


def test_the_digest_is_of_masks_too() -> None:
    """Other masks are another set, but the same lessons; other labels are neither."""
    drawn = open_images("shapes", count=4)
    masks = drawn.masks_of(slice(None)).copy()
    same, other = replace(drawn, masks=masks), replace(drawn, masks=~masks)
    assert same.digest == drawn.digest != other.digest
    assert same.lessons == drawn.lessons == other.lessons
    assert replace(drawn, labels=(drawn.labels + 1) % 6).lessons != drawn.lessons


def test_known_names_are_opened() -> None:
    """`shapes` takes a count and a seed; `digits` are 1,797 pictures of 8 x 8 in 0..1."""
    assert len(open_images("shapes", count=3, seed=4)) == 3
    found = open_images("digits")
    assert (len(found), found.shape, found.classes) == (1797, (1, 8, 8), tuple("0123456789"))
    pixels = found.pixels(slice(None))
    assert (pixels.min(), pixels.max()) == (0, 1)
    assert found.digest == digits().digest
    assert np.bincount(found.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_sets_are_opened_again_by_their_source(tmp_path: Path) -> None:
    """`source` is what `open_images` takes, from any working directory."""
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(tmp_path / "x.png")
    write_idx(tmp_path / "own-images.idx3-ubyte.gz")
    for name in ("shapes", "digits", tmp_path, tmp_path / "x.png", tmp_path / "own-images.idx3-ubyte.gz"):
        assert is_image_set(name)
        found = open_images(name, count=1)
        assert open_images(found.source, count=1).digest == found.digest
        assert found.source in ("shapes", "digits") or Path(found.source).is_absolute()


def test_some_of_a_set_are_chosen_by_seed() -> None:
    """`count` of a set that is there are drawn once each, keep their order, and are others with another seed."""
    some, others = open_images("digits", count=50), open_images("digits", count=50, seed=1)
    assert (len(some), some.digest == open_images("digits", count=50).digest) == (50, True)
    assert some.digest != others.digest
    assert len(open_images("digits", count=10_000)) == 1797
    with pytest.raises(InputError, match="1 picture or more"):
        open_images("digits", count=0)


@pytest.mark.parametrize("name", ["shape", "nowhere/at/all"])
def test_a_name_that_is_not_there(name: str) -> None:
    """The error lists the names and the kinds of file that can be given."""
    with pytest.raises(MissingError, match=r"shapes, digits, a folder of pictures, an idx file .* rows"):
        open_images(name)
    assert not is_image_set(name)


def test_texts_are_no_pictures(tmp_path: Path) -> None:
    """Texts, archives, sources and empty folders are not taken for pictures, and opening one says what could be."""
    for name in ("a.txt", "enwik8.gz", "code.py", "idx", "x.json"):
        (tmp_path / name).write_text("1 2 3")
        assert not is_image_set(tmp_path / name)
    assert not is_image_set(tmp_path)
    with pytest.raises(InputError, match="is no set of pictures; there is shapes"):
        open_images(tmp_path / "a.txt")


def test_asking_is_quick() -> None:
    """What a command asks first of a name imports neither torch nor numpy."""
    code = "import sys, cellscope.data.imagesets as i; i.is_image_set('x'); print({'torch', 'numpy'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_any_set_is_made_the_size_and_channels_asked_for() -> None:
    """Pictures and masks are fitted as a folder's are, grey is repeated to colours, colours are weighed to grey."""
    drawn = open_images("shapes", count=5)
    found = open_images("shapes", count=5, size=(16, 32), channels=1)
    assert (found.shape, found.masks_of(slice(None)).shape) == ((1, 16, 32), (5, len(drawn.concepts), 16, 32))
    grey = np.tensordot(drawn.pixels(slice(None)), [0.299, 0.587, 0.114], (1, 0))[:, 16:48]  # the middle half
    np.testing.assert_allclose(found.pixels(slice(None))[:, 0].mean((1, 2)), grey.mean((1, 2)), atol=0.01)
    np.testing.assert_array_equal(found.masks_of(slice(None)), drawn.masks_of(slice(None))[:, :, 17:48:2, 1::2])
    tall = open_images("digits", size=(16, 12), fit="stretch", channels=3).pixels(np.array([3, 1]))
    assert tall.shape == (2, 3, 16, 12)
    assert np.ptp(tall, axis=1).max() == 0
    whole = open_images("digits")
    assert open_images("digits", size=(8, 8), channels=1).digest == whole.digest


def test_options_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    """A size for rows, masks or a column of labels for what has none, channels that cannot be made: never ignored."""
    (tmp_path / "x.csv").write_text("a,b,y\n1,2,0\n")
    for name, options, message in (
        (tmp_path / "x.csv", {"size": (4, 4)}, "rows of 2 numbers, and only pictures have a size and channels"),
        ("shapes", {"masks": tmp_path}, "takes no folder of masks"),
        ("digits", {"label": "y"}, "no table with columns"),
        ("digits", {"channels": 2}, "1 channels, of which 2 cannot be made"),
        ("digits", {"size": (0, 4)}, "there is 1 to 8192"),
    ):
        with pytest.raises(InputError, match=message):
            open_images(name, count=1, **options)
