"""Folders of pictures that people have: every kind of file is read or named, none is read from elsewhere."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cellscope.data.decoded import Decoded
from cellscope.data.folders import files_under, shown
from cellscope.data.picture_file import Form, read_picture
from cellscope.data.picture_folder import open_picture_folder
from cellscope.errors import InputError
from cellscope.models.preprocessing import fitted

PHOTOS = Path(__file__).resolve().parents[2].parent / "shared" / "images" / "photos"
COLOURED = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)


def save(path: Path, values: np.ndarray = COLOURED, mode: str | None = None, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def bomb(path: Path, width: int, height: int) -> Path:
    """A PNG of a few bytes whose header claims that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b""))
    return path


def test_folders_are_classes_in_a_fixed_order(tmp_path: Path) -> None:
    """Classes are the sub-folders in alphabetical order, pictures lie by path, whatever order they were written in."""
    for name in ("b/2.png", "a/z/1.png", "b/10.jpg", "a/0.png"):
        save(tmp_path / name)
    (tmp_path / "b" / "notes.txt").write_text("no picture, and not called one")
    found = open_picture_folder(tmp_path)
    assert (found.classes, found.labels.tolist()) == (("a", "b"), [0, 0, 1, 1])
    assert found.names == ("a/0.png", "a/z/1.png", "b/10.jpg", "b/2.png")
    assert (found.shape, found.remarks, found.pictures.dtype) == ((3, 6, 8), (), np.uint8)
    np.testing.assert_array_equal(found.pixels(slice(0, 1))[0], COLOURED.transpose(2, 0, 1) / np.float32(255))


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    """Without sub-folders there are no labels; with some, pictures beside them are left out and named."""
    save(tmp_path / "1.png")
    assert open_picture_folder(tmp_path).labels is None
    save(tmp_path / "a" / "2.png")
    found = open_picture_folder(tmp_path)
    assert found.names == ("a/2.png",)
    assert "1.png" in found.remarks[0]


def test_one_file_is_a_set_of_one(tmp_path: Path) -> None:
    """A picture's own path gives that picture, at its own size or another."""
    path = save(tmp_path / "x.png")
    assert (len(open_picture_folder(path)), open_picture_folder(path).shape) == (1, (3, 6, 8))
    assert open_picture_folder(path, size=(4, 4), channels=1).shape == (1, 4, 4)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK"])
def test_every_mode_is_read(tmp_path: Path, mode: str) -> None:
    """Bits, grey, palette, alpha and CMYK come as 8-bit RGB or grey, close to what they were made of."""
    smooth = np.full((6, 8, 3), 204, np.uint8)
    path = save(tmp_path / ("x.tif" if mode == "CMYK" else "x.png"), smooth if mode != "1" else smooth * 0, mode)
    level = 0 if mode == "1" else 204  # a level of the palette, too
    for channels in (1, 3):
        pixels = read_picture(path, Form((6, 8), channels=channels))
        assert pixels.shape == (channels, 6, 8)
        np.testing.assert_allclose(pixels, level, atol=2)


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    """A 16-bit grey g is g / 257, and the set has one channel."""
    values = np.linspace(0, 65535, 48).reshape(6, 8).astype(np.uint16)
    save(tmp_path / "x.png", values)
    found = open_picture_folder(tmp_path)
    assert found.shape == (1, 6, 8)
    np.testing.assert_array_equal(found.pictures[0,], np.round(values / 257)[None])


@pytest.mark.parametrize("grey", [False, True])
def test_what_is_transparent_is_white(tmp_path: Path, grey: bool) -> None:
    """Alpha 0 gives white and half alpha the mean with white, also where the hidden colour is black."""
    values = np.zeros((1, 3, 4), np.uint8)
    values[0, :, 3] = (0, 51, 255)
    path = save(tmp_path / "x.png", values, "LA" if grey else None)
    pixels = read_picture(path, Form((1, 3)))
    np.testing.assert_array_equal(pixels, np.tile([255, 204, 0], (3, 1, 1)))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_exif_turns_the_picture(tmp_path: Path, suffix: str) -> None:
    """A picture that says it lies on its side (orientation 6) is turned upright, and its size with it."""
    values = np.zeros((16, 32, 3), np.uint8)
    values[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / f"x.{suffix}", values, exif=exif)
    found = open_picture_folder(tmp_path)
    assert found.shape == (3, 32, 16)
    pixels = found.pixels(slice(None))[0, 0]
    assert pixels[:15].min() > 0.9
    assert pixels[17:].max() < 0.1


def test_colour_decides_the_channels(tmp_path: Path) -> None:
    """All grey: one channel. One in colour: three. `channels` says otherwise."""
    save(tmp_path / "a.png", mode="L")
    assert open_picture_folder(tmp_path).shape == (1, 6, 8)
    assert open_picture_folder(tmp_path, channels=3).shape == (3, 6, 8)
    save(tmp_path / "b.png")
    assert open_picture_folder(tmp_path).shape == (3, 6, 8)
    with pytest.raises(InputError, match="1 channel"):
        open_picture_folder(tmp_path, channels=2)


@pytest.mark.parametrize("fit", ["crop", "stretch"])
@pytest.mark.parametrize("size", [(20, 20), (12, 50), (70, 30)])
def test_fit_is_that_of_the_preprocessing(tmp_path: Path, fit: str, size: tuple[int, int]) -> None:
    """A smooth picture fitted on reading is what the declared preprocessing makes of it, to a few levels."""
    rows, columns = np.mgrid[0:60, 0:90]
    values = (120 + 80 * np.sin(rows / 25) * np.cos(columns / 30)).astype(np.uint8)
    path = save(tmp_path / "x.png", values)
    ours = read_picture(path, Form(size, fit, 1)).astype(float)
    theirs = fitted(torch.from_numpy(values.astype(np.float32))[None, None], size, fit)[0].numpy()
    assert np.abs(ours - theirs).max() < 6
    assert np.abs(ours - theirs).mean() < 1


def test_different_sizes_need_one_stated(tmp_path: Path) -> None:
    """Without a size the error lists those there are; with one, all are fitted."""
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", COLOURED[:5])
    with pytest.raises(InputError, match=r"2 sizes, rows x columns: 6 x 8 \(1\), 5 x 8 \(1\); state one"):
        open_picture_folder(tmp_path)
    assert open_picture_folder(tmp_path, size=(4, 4)).pictures[:].shape == (2, 3, 4, 4)
    with pytest.raises(InputError, match="there is 1 to 8192"):
        open_picture_folder(tmp_path, size=(0, 4))
    with pytest.raises(InputError, match="no fit 'pad'"):
        open_picture_folder(tmp_path, size=(4, 4), fit="pad")


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    """A text called .png, an empty file, a cut picture and a bomb are left out, each named with its reason."""
    save(tmp_path / "good.png")
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.jpg").touch()
    whole = save(tmp_path / "cut.jpg", np.tile(COLOURED, (20, 20, 1)))
    whole.write_bytes(whole.read_bytes()[:2000])
    bomb(tmp_path / "bomb.png", 60_000, 60_000)
    bomb(tmp_path / "big.png", 11_000, 11_000)
    found = open_picture_folder(tmp_path, size=(6, 8))
    assert (len(found), found.names) == (1, ("good.png",))
    np.testing.assert_array_equal(found.pictures[0], COLOURED.transpose(2, 0, 1))
    (remark,) = found.remarks
    for part in ("text.png is no picture", "empty.jpg is empty", "cut.jpg cannot be decoded", "bomb.png claims"):
        assert part in remark
    assert "big.png claims to have 11,000 x 11,000 pixels" in remark


def test_a_folder_of_nothing_good_is_refused(tmp_path: Path) -> None:
    """If no file can be read the error names them; if there is none it says which were looked for."""
    with pytest.raises(InputError, match=r"has no pictures in it \(\.jpg"):
        open_picture_folder(tmp_path)
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(InputError, match=r"no picture that can be read: a.png is no picture"):
        open_picture_folder(tmp_path)
    with pytest.raises(InputError, match=r"no picture that can be read: a.png is no picture"):
        open_picture_folder(tmp_path / "a.png")


def test_a_single_pixel(tmp_path: Path) -> None:
    """A picture of 1 x 1 is one, and at a size it is all of one colour."""
    save(tmp_path / "x.png", np.full((1, 1, 3), 7, np.uint8))
    assert open_picture_folder(tmp_path).shape == (3, 1, 1)
    assert (open_picture_folder(tmp_path, size=(5, 9)).pictures[0] == 7).all()


def test_nothing_is_read_from_elsewhere(tmp_path: Path) -> None:
    """Links that lead out, linked folders, hidden files and pipes are passed over; links inside are followed."""
    outside = save(tmp_path / "outside" / "secret.png").parent
    root = tmp_path / "root"
    save(root / "a" / "1.png")
    save(root / ".hidden.png")
    save(root / ".git" / "2.png")
    (root / "a" / "leak.png").symlink_to(outside / "secret.png")
    (root / "linked").symlink_to(outside, target_is_directory=True)
    (root / "a" / "again.png").symlink_to(root / "a" / "1.png")
    (root / "a" / "lost.png").symlink_to(root / "nowhere.png")
    os.mkfifo(root / "a" / "pipe.png")
    assert list(files_under(root, (".png",))) == ["a/1.png", "a/again.png"]
    assert open_picture_folder(root).names == ("a/1.png", "a/again.png")


def test_hostile_names_are_read_and_printable(tmp_path: Path) -> None:
    """Names with line ends, escape codes, markup or bytes that are no UTF-8 are opened; what is printed is harmless."""
    names = ["<script>alert(1)<\\script>.png", "new\nline.png", "\x1b[31mred.png", "ä ö.png", "%s {0}.png", "-rf.png"]
    for name in names:
        save(tmp_path / "a" / name)
    raw = os.fsencode(tmp_path / "a") + b"/\xff\xfe.png"
    Path(os.fsdecode(raw)).write_bytes((tmp_path / "a" / "-rf.png").read_bytes())
    (tmp_path / "a" / "\x1b[2J.png").write_text("hello")
    found = open_picture_folder(tmp_path)
    assert len(found) == len(names) + 1
    said = "".join(found.names) + "".join(found.remarks)
    assert said.isprintable()
    assert said.encode("utf-8")
    assert found.pictures[:].shape[0] == len(found)
    assert shown("a\nb") == "a\ufffdb"


def test_memory_is_bounded() -> None:
    """No more is kept than there is room for; what is kept is not made again; booleans take a bit each."""
    made: list[int] = []

    def make(number: int) -> np.ndarray:
        made.append(number)
        return np.full((2, 3), number % 2, dtype)

    for dtype, room in ((np.uint8, 4), (bool, 24)):
        made.clear()
        array = Decoded(40, (2, 3), dtype, make, memory=24)
        first = array[:]
        np.testing.assert_array_equal(array[:], first)
        np.testing.assert_array_equal(first[:, 0, 0], np.arange(40) % 2)
        assert (len(made), array.room, array.fits) == (80 - room, room, False)
    np.testing.assert_array_equal(array[np.array([5, 2])], first[[5, 2]])
    np.testing.assert_array_equal(array[-1], first[-1])


def test_a_set_too_large_to_keep_is_opened_by_its_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decoded on opening then, and a damaged picture is an error that names it when it is met."""
    monkeypatch.setattr("cellscope.data.decoded.MEMORY", 200)
    save(tmp_path / "a.png")
    cut = save(tmp_path / "b.jpg", np.tile(COLOURED, (20, 20, 1)))
    cut.write_bytes(cut.read_bytes()[:2000])
    found = open_picture_folder(tmp_path, size=(6, 8))
    assert (len(found), found.remarks) == (2, ())
    with pytest.raises(InputError, match=r"b.jpg cannot be decoded"):
        found.pixels(slice(None))


def test_masks_lie_beside_the_pictures(tmp_path: Path) -> None:
    """A mask of any size, mode and name is the picture's part of it; where there is none the concept is nowhere."""
    save(tmp_path / "pictures" / "a" / "1.jpg", np.tile(COLOURED, (2, 2, 1)))  # 12 x 16
    save(tmp_path / "pictures" / "a" / "2.png", np.tile(COLOURED, (2, 2, 1)))
    left = np.zeros((24, 32), np.uint8)  # twice the picture's size
    left[:, :16] = 1
    save(tmp_path / "masks" / "left" / "a" / "1.png", left)
    save(tmp_path / "masks" / "top" / "a" / "2.png.png", np.array([[255], [0]], np.uint8))
    save(tmp_path / "masks" / "top" / "b" / "9.png", left)
    found = open_picture_folder(tmp_path / "pictures", size=(6, 6), masks=tmp_path / "masks")
    assert found.concepts == ("left", "top")
    masks = found.masks_of(slice(None))
    assert masks.shape == (2, 2, 6, 6)
    np.testing.assert_array_equal(masks[0, 0], np.tile(np.arange(6) < 3, (6, 1)))
    np.testing.assert_array_equal(masks[1, 1], np.tile((np.arange(6) < 3)[:, None], (1, 6)))
    assert not masks[0, 1].any()
    assert not masks[1, 0].any()
    assert "1 masks belong to no picture: top/b/9.png" in found.remarks[0]


def test_masks_keep_to_pictures_that_are_left(tmp_path: Path) -> None:
    """Where a damaged picture is left out, its mask is too, and a folder of masks within is no class."""
    for name in "abc":
        save(tmp_path / f"{name}.png")
        save(tmp_path / "masks" / "it" / f"{name}.png", np.full((6, 8), name == "c", np.uint8))
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:60])
    found = open_picture_folder(tmp_path, masks=tmp_path / "masks")
    assert found.names == ("a.png", "c.png")
    assert found.masks_of(slice(None)).all((1, 2, 3)).tolist() == [False, True]


@pytest.mark.parametrize(("mode", "on"), [("1", 1), ("L", 1), ("P", 3), ("RGB", 9), ("RGBA", 9), ("I;16", 300)])
def test_a_mask_is_on_where_it_is_not_zero(tmp_path: Path, mode: str, on: int) -> None:
    """Bits, greys, palette numbers, colours and 16 bits alike; opaque black is off."""
    save(tmp_path / "x.png")
    values = np.zeros((6, 8, 3) if mode.startswith("RGB") else (6, 8), np.uint16 if mode == "I;16" else np.uint8)
    values[2:4] = on
    path = tmp_path / "masks" / "c" / "x.png"
    path.parent.mkdir(parents=True)
    if mode == "P":
        image = Image.fromarray(values)
        image.putpalette([0, 0, 0] * 256)
    elif mode == "1":
        image = Image.fromarray(values > 0)
    else:
        image = Image.fromarray(values)
    (image.convert("RGBA") if mode == "RGBA" else image).save(path)
    found = open_picture_folder(tmp_path, masks=tmp_path / "masks").masks_of(slice(None))[0, 0]
    np.testing.assert_array_equal(found, np.tile((np.isin(np.arange(6), (2, 3)))[:, None], (1, 8)))


def test_masks_that_fit_nothing_are_refused(tmp_path: Path) -> None:
    """No folder, no sub-folders, no mask of any picture, or a mask that is none: each error says what is needed."""
    save(tmp_path / "p" / "x.jpg")
    with pytest.raises(InputError, match="no folder of masks"):
        open_picture_folder(tmp_path / "p", masks=tmp_path / "m")
    (tmp_path / "m").mkdir()
    with pytest.raises(InputError, match="has no sub-folders"):
        open_picture_folder(tmp_path / "p", masks=tmp_path / "m")
    (tmp_path / "m" / "dog").mkdir()
    with pytest.raises(InputError, match=r"that of x.jpg would be dog/x.png"):
        open_picture_folder(tmp_path / "p", masks=tmp_path / "m")
    (tmp_path / "m" / "dog" / "x.png").write_text("hello")
    with pytest.raises(InputError, match=r"dog/x.png is no picture"):
        open_picture_folder(tmp_path / "p", masks=tmp_path / "m").masks_of(slice(None))


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs are not here")
def test_photographs() -> None:
    """Photographs of every size and mode in one folder are read at one size; grey ones have equal channels."""
    found = open_picture_folder(PHOTOS, size=(64, 64))
    assert (len(found), found.shape, found.remarks) == (13, (3, 64, 64), ())
    pixels = found.pixels(slice(None))
    grey = found.names.index("camera.png")
    assert np.ptp(pixels[grey], axis=0).max() == 0
    assert (pixels.std((1, 2, 3)) > 0.03).all()
