"""What people do wrong with pictures at the command line, and what the world does to them: one line, no traceback."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cellscope.cli import main
from cellscope.data.imagesets import open_images
from cellscope.pipeline.picture_training import begin_pictures
from cellscope.training.config import TrainingConfig

ODD = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.conv, self.relu, self.drop = nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Dropout(0.5)
        self.again, self.top = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, x):
        on = torch.relu if self.kind == "functional" else self.relu
        x = self.top(self.drop(on(self.again(on(self.conv(x)))).mean((2, 3))))
        if self.kind == "tuple":
            return x, x.mean()
        if self.kind == "dict":
            return {"loss": x.sum(), "logits": x}
        if self.kind == "several":
            return {"a": x, "b": x}
        if self.kind == "softmax":
            return x.softmax(1)
        if self.kind == "nan":
            return x * float("nan")
        if self.kind == "complex":
            return x.to(torch.complex64)
        if self.kind == "pairs":
            return x.view(2, 3)
        if self.kind == "labels":
            return x.argmax(1)
        if self.kind == "fails":
            raise ValueError("forward\\nboom")
        return x

def made(kind):
    def make():
        torch.manual_seed(0)
        return Net(kind)
    return make

plain, functional, tuple_, dict_, several = made(""), made("functional"), made("tuple"), made("dict"), made("several")
softmax, nan, complex_, pairs, labels = made("softmax"), made("nan"), made("complex"), made("pairs"), made("labels")
fails = made("fails")
train = lambda: plain().train()
number = lambda: 7
meta = lambda: Net("").to("meta")
script = lambda: torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))
def raises(): raise RuntimeError("boom\\nsecond line")
def leaves(): raise SystemExit(3)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs `cnn`, `mlp` and `rows`, pictures of many kinds, and other people's modules."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    (folder / "odd_modules.py").write_text(ODD)
    for kind in ("a", "b"):
        (folder / "few" / kind).mkdir(parents=True)
        (folder / "same" / kind).mkdir(parents=True)
        for number in range(12):
            _picture(folder / "few" / kind / f"{number}.png", rng.integers(0, 255, (8, 8, 3)))
            _picture(folder / "same" / kind / f"{number}.png", np.zeros((8, 8)))
    (folder / "few" / "a" / "text.png").write_text("no picture")
    (folder / "few" / "b" / "cut.png").write_bytes((folder / "few" / "b" / "0.png").read_bytes()[:60])
    (folder / "unnamed").mkdir()
    for number in range(12):
        _picture(folder / "unnamed" / f"{number}.png", rng.integers(0, 255, (8, 8)))
    (folder / "one" / "only").mkdir(parents=True)
    _picture(folder / "one" / "only" / "dot.png", np.zeros((1, 1)))
    (folder / "text.png").write_text("hello")
    values = rng.normal(size=(60, 2))
    rows = [f"{x},{y},{'up' if x > 0 else 'down'}" for x, y in values]
    (folder / "rows.csv").write_text("x,y,label\n" + "\n".join(rows))
    np.savez(folder / "boxes.npz", X=rng.random((30, 8, 8)).astype(np.float32), y=np.arange(30) % 3)
    digits = open_images("digits", count=300)
    for name, images, source in (("rows", folder / "rows.csv", {}), ("cnn", "digits", {"count": 300})):
        shapes = {"hidden": 6} if name == "rows" else {"widths": (4, 8), "hidden": 8}
        opened = digits if name == "cnn" else open_images(images)
        config = TrainingConfig(epochs=2, batch_size=32, precision="fp32")
        begin_pictures(opened, runs=folder / "runs", name=name, shapes=shapes, config=config, options=source).train()
    return folder


def _picture(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels.astype(np.uint8)).save(path)


BOXES = ("--images", "boxes.npz", "--size", "8", "--channels", "1")
MISTAKES = [
    ("find cnn --feature eleven", "no concept in digits (held back) 'eleven'"),
    ("find cnn --site nowhere", "no site 'nowhere'"),
    ("find cnn --components 3", "give --basis"),
    ("find cnn --basis pca --components 9 --site features.2", "9 components of 4 units of features.2"),
    ("lesion cnn features.2.pca/4", "no unit 4 in features.2.pca; it has 0 to 3"),
    ("lesion cnn features.2.probe/eleven", "no direction in features.2.probe 'eleven'; there is"),
    ("activations cnn --images one 0 --site features.2.pca", "learnt from pictures, and one has 1; give 8 or more"),
    ("find cnn --streams h", "--streams is for a text"),
    ("find cnn --images unnamed", "neither masks nor classes"),
    ("find cnn --images text.png", "text.png is no picture"),
    ("find cnn --images rows.csv", "rows of 2 numbers"),
    ("find cnn --images digits --channels 3", "cnn takes pictures of 1 x 8 x 8"),
    ("find cnn --mean 0.5", "--mean is for --model"),
    ("atlas cnn --feature eleven", "no concept in digits (held back) 'eleven'"),
    ("atlas cnn --text a.txt", "--text is for a text"),
    ("atlas cnn --site nowhere", "no site 'nowhere'"),
    ("activations cnn 0 --size 8", "--size says how --images are read"),
    ("activations cnn 9999", "no picture 9999"),
    ("activations cnn 0 --unit features.2/99", "no unit 99 in features.2"),
    ("activations cnn 0 --site nope", "no site 'nope'"),
    ("occlude cnn 0 --class eleven", "no class 'eleven'"),
    ("occlude cnn 0 --window 0", "'0' is no size"),
    ("occlude rows 0", "rows of numbers"),
    ("saliency cnn 0 --layer features.2", "--layer is for --method grad-cam"),
    ("saliency cnn text.png", "text.png is no picture"),
    ("lesion cnn features.2/99", "no unit 99 in features.2; it has 0 to 3"),
    ("lesion cnn features.2/0 --images few", "name them alike"),
    ("invariance cnn --images one", "distances between pictures need 2"),
    ("probe cnn --images unnamed", "no labels"),
    ("backquery cnn", "backquery needs a network of linear layers with sigmoids"),
    ("filters rows", "no filters"),
    ("sample cnn", "run cnn sees pictures"),
    ("record cnn", "run cnn sees pictures, and record reads text; cellscope activations cnn PICTURE writes"),
    (
        "explain cnn features.2/0",
        "run cnn sees pictures, and explain reads text; all of features.2/0 is on reports/cnn/layer-features.2.html"
        "#features.2/0, which cellscope find cnn writes; or try: cellscope examples cnn --unit features.2/0",
    ),
    ("explain cnn", "'cnn' is not a unit"),
    ("train one --run x", "one has the one class only"),
    ("train unnamed --run x", "no labels to learn"),
    ("train digits --run cnn", "there is a run 'cnn' already"),
    ("train digits --run ../x", "no name for a run"),
    ("train digits --run x --val-fraction 0.9999", "leaves 0 to learn from"),
    ("train digits --run x --size 8x8x8", "is no size"),
    ("train digits --run x --rnn-size 3", "--rnn-size is for a text"),
]


@pytest.mark.parametrize(("line", "said"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line(say, line: str, said: str) -> None:
    """Exit code 2, nothing on stdout, one line on stderr that says what was wrong."""
    code, out, err = say(*line.split())
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_explain_names_the_page_that_is_there(say, tmp_path: Path) -> None:
    """With the unit's anchor, and no word of writing it."""
    page = tmp_path / "cnn" / "layer-features.2.html"
    page.parent.mkdir()
    page.touch()
    _, _, err = say("explain", "cnn", "features.2/0", "--reports", str(tmp_path))
    assert f"all of features.2/0 is on {page}#features.2/0; or try" in err


@pytest.mark.parametrize("command", ["examples", "filters", "lesion", "invariance", "probe", "find"])
def test_a_seed_below_zero_is_refused(say, command: str) -> None:
    """By the option itself, before anything is read."""
    code, _, err = say(command, "cnn", "--seed", "-1")
    assert code == 2
    assert "Invalid value for '--seed'" in err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.jit
@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("raises", "RuntimeError: boom second line"),
        ("leaves", "SystemExit"),
        ("number", "made a int, not a torch module"),
        ("meta", "which holds no numbers"),
        ("script", "TorchScript"),
        ("fails", "ValueError: forward boom"),
        ("several", "gave a dict with a, b"),
        ("nan", "numbers that are not finite"),
        ("complex_", "torch.complex64"),
        ("pairs", "forward(pictures [1, 1 x 8 x 8]) failed"),
        ("labels", "tensor of shape (2,)"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(say, factory: str, said: str) -> None:
    """Whatever somebody's factory or forward does, it is one line that names it."""
    code, out, err = say("activations", "0", "--model", f"odd_modules:{factory}", *BOXES)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("factory", ["plain", "functional", "tuple_", "dict_", "softmax", "train"])
def test_odd_networks_are_looked_into(say, factory: str, tmp_path: Path) -> None:
    """A tuple, a dict, a softmax, functional ReLUs, a module used twice, training mode: activations, map and lesion."""
    reports = ("--reports", str(tmp_path))
    network = ("--model", f"odd_modules:{factory}", *BOXES)
    for line in (["activations", "0", *reports], ["saliency", "0", "--draws", "1", *reports], ["lesion", "again/1"]):
        code, out, err = say(*line, *network)
        assert code == 0, err
        assert out
    assert say("lesion", "again/1", *network)[1] == out, "dropout was on"


def test_weights_that_could_run_are_never_run(say, place: Path) -> None:
    """A pickle under any name is refused; weights of another shape are named."""
    for name in ("evil.pt", "evil.safetensors"):
        (place / name).write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")  # os.system("touch ran")
    torch.save({"conv.weight": torch.zeros(9, 1)}, place / "other.pt")
    for name, said in (("evil.pt", "is refused"), ("evil.safetensors", "safetensors"), ("other.pt", "missing")):
        code, _, err = say("activations", "0", "--model", "odd_modules:plain", "--weights", name, *BOXES)
        assert code == 2
        assert said in err
    assert not (place / "ran").exists()


def test_two_classes_of_one_name_are_refused(say, place: Path) -> None:
    """A file of classes must tell them apart."""
    (place / "classes.txt").write_text("a\na\nb\n")
    code, _, err = say("occlude", "0", "--model", "odd_modules:plain", "--classes", "classes.txt", *BOXES)
    assert code == 2
    assert "two of the 3 classes" in err


def test_what_nobody_foresaw_is_one_line_too(say, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 and where to look; the traceback is there for who asks."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of\nthis")

    monkeypatch.setattr("cellscope.cli.pictures.opened", broken)
    monkeypatch.setattr("cellscope.cli.probe.opened", broken)
    code, out, err = say("probe", "cnn")
    assert (code, out) == (1, "")
    assert "ZeroDivisionError: of this" in err
    monkeypatch.setenv("CELLSCOPE_TRACEBACK", "1")
    monkeypatch.setattr(sys, "argv", ["cellscope", "probe", "cnn"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_a_search_of_pictures_speaks_of_pictures(say) -> None:
    """No characters, no lag; JSON and CSV alone are on stdout, and are the same every time."""
    quick = ("--no-pages", "--site", "classifier.2", "-f", "3", "-f", "6")
    _, out, _ = say("find", "cnn", *quick)
    assert out.split()[:10] == ["found", "feature", "best", "unit", "sign", "score", "95", "%", "mean", "colour"]
    assert out.splitlines()[-1].startswith("75 ")
    assert "char" not in out
    first = say("find", "cnn", *quick, "--format", "json")
    assert first == say("find", "cnn", *quick, "--format", "json")
    assert first[2] == ""
    assert [c["feature"] for c in json.loads(first[1])["concepts"]] == ["3", "6"]
    table = say("find", "cnn", *quick, "--format", "csv")[1].splitlines()
    assert table[0].startswith("feature,kind,rank,unit,")
    assert len({len(line.split(",")) for line in table}) == 1


def test_the_order_in_which_concepts_are_asked_for_changes_nothing(say) -> None:
    """All concepts, backwards and twice, are judged as they are one by one."""
    quick = ("--no-pages", "--format", "json", "--site", "classifier.2")
    asked = [str(k) for k in range(9, -1, -1)] + ["3"]
    backwards = json.loads(say("find", "cnn", *quick, *_features(asked))[1])
    alone = json.loads(say("find", "cnn", *quick, "-f", "3")[1])["concepts"][0]
    (same,) = [c for c in backwards["concepts"] if c["feature"] == "3"]
    assert (same["unit"], same["score"]) == (alone["unit"], alone["score"])


def test_the_atlas_of_pictures_speaks_of_pictures(say, tmp_path: Path) -> None:
    """Every unit of the sites that were asked for, in JSON, CSV and table alike, and a page."""
    quick = ("atlas", "cnn", "--images", "digits", "--site", "classifier.2", "-f", "3", "--reports", str(tmp_path))
    code, out, err = say(*quick)
    assert code == 0, err
    assert "of 10 units (" in out.splitlines()[0]
    assert "char" not in out
    assert next(tmp_path.glob("cnn*/atlas.html")).is_file()
    made = json.loads(say(*quick, "--no-pages", "--format", "json")[1])
    rows = say(*quick, "--no-pages", "--format", "csv")[1].splitlines()
    assert len(made["units"]) == len(rows) - 1 == 10
    assert {unit["kind"] for unit in made["units"]} == {"Linear"}


def _features(names: list[str]) -> list[str]:
    return [word for name in names for word in ("-f", name)]


def test_a_last_batch_of_few_pictures_is_searched(say) -> None:
    """257 pictures leave one for the last batch, which has no lanes to turn."""
    code, out, err = say("find", "cnn", "--images", "digits", "--count", "257", "--no-pages", "--site", "classifier.2")
    assert code == 0, err
    assert "257 pictures" in out


def test_pictures_that_are_all_the_same_are_survived(say, place: Path, tmp_path: Path) -> None:
    """Nothing to learn from is said, and no map that is 0 everywhere is said to depend on what was learnt."""
    (place / "same.csv").write_text("x,y,label\n" + "1,1,up\n1,1,down\n" * 20)
    code, out, err = say("probe", "rows", "--images", "same.csv")
    assert (code, out) == (2, "")
    assert "something that differs" in err
    wide = ("occlude", "cnn", "0", "--window", "8", "--draws", "1", "--reports", str(tmp_path))
    _, out, _ = say(*wide)
    assert "the map is the same everywhere" in out


def test_a_class_is_chosen_among_all_layers(say) -> None:
    """A class fills its pictures, so layers without places are asked the same as maps."""
    asked = ("find", "cnn", "--images", "digits", "--count", "1000", "--no-pages", "--format")
    best = {c["feature"]: c["unit"] for c in json.loads(say(*asked, "json")[1])["concepts"] if c["unit"]}
    table = [line.split(",") for line in say(*asked, "csv")[1].splitlines()]
    assert {row[0]: row[3] for row in table if row[2] == "1" and row[0] in best} == best
    assert any(unit.startswith("classifier.") for unit in best.values())


def test_components_are_searched_and_taken_away(say) -> None:
    """The address that `find --basis` prints is one that `lesion` takes; rows of numbers have components, too."""
    code, out, _ = say("find", "cnn", "--basis", "ica", "--components", "2", "--no-pages", "--format", "json")
    assert code == 0
    told = json.loads(out)
    assert told["basis"] == "ica-2"
    unit = next(c["unit"] for c in told["concepts"] if c["unit"])
    assert ".ica-2/" in unit
    for run, address in (("cnn", unit), ("rows", "sigmoid.pca/1")):
        code, out, err = say("lesion", run, address)
        assert (code, err) == (0, "")
        assert out.startswith(f"without {address} (set to 0):")
