"""`cellscope compare` of networks for pictures: two runs, or one at two times; mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from refusals import refused

from cellscope.cli import cellscope
from cellscope.data.imagesets import open_images
from cellscope.data.text import Corpus
from cellscope.errors import InputError, MissingError
from cellscope.pipeline.picture_training import begin_pictures, split
from cellscope.pipeline.training import ModelOptions, begin
from cellscope.training.config import TrainingConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the digits, `one` and `two` of other seeds, `net` of another kind; `scenes` in colour, `wide` of another
    form; `text` reads one.
    """
    folder = tmp_path_factory.mktemp("compare")
    runs = folder / "runs"
    for name, source, kind, options, seed in (
        ("one", "digits", "small_cnn", {}, 1), ("two", "digits", "small_cnn", {}, 2), ("net", "digits", "mlp", {}, 1),
        ("scenes", "shapes", "small_cnn", {"count": 200, "size": (16, 16)}, 1),
        ("wide", "shapes", "small_cnn", {"count": 200, "size": (8, 16)}, 1),
    ):  # fmt: skip
        shapes = {"widths": (4,), "hidden": 5} if kind == "small_cnn" else {"hidden": 6}
        config = TrainingConfig(epochs=0.5, batch_size=32, precision="fp32", seed=seed)
        begin_pictures(
            open_images(source, **options), runs=runs, name=name, kind=kind, shapes=shapes, config=config,
            val_fraction=0.4, options={k: list(v) if isinstance(v, tuple) else v for k, v in options.items()},
        ).train()  # fmt: skip
    (folder / "text.txt").write_text("the quick brown fox\n" * 200)
    config = TrainingConfig(epochs=0.05, batch_size=2, seq_length=16, precision="fp32")
    begin(
        Corpus.open(folder / "text.txt"), runs=runs, name="text", model=ModelOptions(size=4, embedding=4), config=config
    ).train()
    return folder


def call(place: Path, *arguments: str) -> Result:
    folders = ["--runs", str(place / "runs"), "--reports", str(place / "reports")]
    return CliRunner().invoke(cellscope, ["compare", *folders, *arguments])


def test_two_seeds(place: Path) -> None:
    """Sentences, tables, and the pictures that neither was trained on; the page lies with the first run's."""
    done = call(place, "one", "two", "-f", "3", "-f", "7")
    assert done.exit_code == 0, done.output
    assert "of 9 units of one correspond to one of the 9 of two" in done.stdout
    both = np.intersect1d(*(split(1797, 0.4, seed)[1] for seed in (1, 2)))
    assert f"{len(both):,} pictures of digits (held back), at 8 x 8 places, shown to one and two" in done.stdout
    assert "nan" not in done.stdout
    (page,) = (place / "reports" / "one").glob("study-compare-one-two-for-3-7-*.html")
    assert f"page: {page}" in done.stderr
    assert len(json.loads(page.with_suffix(".json").read_text("utf-8"))["rows"]) == 9
    assert page.with_name(f"{page.stem}~concepts.csv").is_file()


def test_every_question_has_a_page_of_its_own(place: Path) -> None:
    """Other concepts and other sites are other questions."""
    asked = (["one", "net"], ["one", "net", "-f", "3"], ["one", "net", "-f", "4"],
             ["one", "net", "--site", "classifier.1", "--site", "sigmoid"])  # fmt: skip
    pages = [call(place, *words).stderr.splitlines()[-1] for words in asked]
    assert pages[0].endswith("study-compare-one-net.html")
    assert len(set(pages)) == len(asked)


def test_one_run_at_two_times(place: Path) -> None:
    """RUN@STEP is a snapshot; of a run and itself every unit that moves has kept its number."""
    done = call(place, "one@0", "one@last", "--format", "json", "--no-pages")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert [n["name"] for n in content["networks"]] == ["one@0", "one@last"]
    assert [n["sites"] for n in content["networks"]] == [["norm", "classifier.1"]] * 2
    assert content["kept_their_number"] == content["corresponding"]
    itself = json.loads(call(place, "one", "one", "--format", "json", "--no-pages").stdout)
    assert all(m["other"] == m["unit"] and m["r"] > 0.9999 for m in itself["matches"][0] if m["r"])
    assert {c["concept"] for c in itself["concepts"]} == set("0123456789")


def test_other_architectures_and_sites(place: Path) -> None:
    """A site is taken of the network that has it; pictures of one number a unit where neither has places."""
    words = ["one", "net", "--site", "classifier.1", "--site", "sigmoid", "--format", "json", "--no-pages", "-f", "3"]
    content = json.loads(call(place, *words).stdout)
    assert [n["sites"] for n in content["networks"]] == [["classifier.1"], ["sigmoid"]]
    assert content["grid"] == [1, 1]


def test_other_sizes_and_channels_are_shown_one_set(place: Path) -> None:
    """Grey pictures of 8 x 8 for one, the same in colour and 16 x 16 for the other; each as it was trained to see."""
    done = call(place, "one", "scenes", "--images", "shapes", "--count", "150", "--format", "json", "-f", "circle")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert (content["images"], content["pictures"]) == ("shapes", 150)
    assert [len(n["preprocessing"]["mean"]) for n in content["networks"]] == [1, 3]
    assert [n["preprocessing"]["size"] for n in content["networks"]] == [[8, 8], [16, 16]]
    assert "one-on-shapes" in done.stderr
    stretched = [
        "one",
        "wide",
        "--images",
        "shapes",
        "--count",
        "150",
        "-f",
        "circle",
        "--fit",
        "stretch",
        "--no-pages",
    ]
    assert call(place, *stretched).exit_code == 0


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("one", "gone"), MissingError, "no run 'gone'"),
        (("one", "one@77"), MissingError, "no snapshot in run one '77'; there is"),
        (("one", "text"), InputError, "one sees pictures and text reads a text: there is nothing"),
        (("text@0", "one"), InputError, "one sees pictures and text reads a text: there is nothing"),
        (("one", "scenes"), InputError, "(one on digits, scenes on shapes): say which to show, --images SET"),
        (("one", "two", "--images", "nonesuch"), MissingError, "no set of pictures 'nonesuch'"),
        (("one", "two", "--images", "shapes", "--count", "90"), InputError, "90 pictures are too few"),
        (("one", "wide", "--images", "shapes"), InputError, "one sees 8 x 8 pixels and wide 8 x 16"),
        (("one", "two", "--count", "300"), InputError, "--count says how --images are read"),
        (("one", "two", "--site", "features.9"), MissingError, "no site 'features.9'; there is features."),
        (("one", "net", "--site", "features.2"), InputError, "net has none of the sites features.2; it has hidden"),
        (("one", "two", "-f", "eleven"), MissingError, "no concept in digits (held back) 'eleven'"),
        (("one", "two", "--streams", "h"), InputError, "--streams is for a text, and this network reads pictures"),
        (("text", "text", "--images", "digits"), InputError, "--images is for pictures, and this network reads a text"),
        (("text", "text", "--site", "lstm"), InputError, "--site is for pictures, and this network reads a text"),
    ],
)
def test_mistakes(place: Path, words: tuple[str, ...], error: type[Exception], said: str) -> None:
    """One line that says what there is; nothing on stdout."""
    done = call(place, *words)
    refused(done, error, said)
    assert done.stdout == ""
