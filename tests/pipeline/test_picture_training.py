"""Training on pictures: a run that survives being stopped anywhere, and says what is wrong with it in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cellscope.data.digits import digits
from cellscope.data.images import ImageSet
from cellscope.errors import CellscopeError, InputError
from cellscope.pipeline.classifiers import load_classifier, open_classifier, open_pictures
from cellscope.pipeline.picture_training import begin_pictures, held_back_images, proceed_pictures, run_images, split
from cellscope.training import session as module
from cellscope.training.checkpoint import read_checkpoint
from cellscope.training.config import TrainingConfig
from cellscope.training.picture_session import PictureSession
from cellscope.training.run import RunFolder

IMAGES = digits()
PER_EPOCH = 1348 // 64


def start(folder: Path, name: str = "run", *, kind: str = "mlp", epochs: float = 2.0, **options) -> PictureSession:
    config = TrainingConfig(epochs=epochs, batch_size=64, precision="fp32", warm_up=2)
    shapes = {"hidden": 8} if kind == "mlp" else {"widths": (4,), "hidden": 8, "kernel": 3}
    return begin_pictures(IMAGES, runs=folder, name=name, kind=kind, shapes=shapes, config=config, **options)


def same(one: RunFolder, other: RunFolder, which: str) -> bool:
    (a, _), (b, _) = read_checkpoint(one.weights(which)), read_checkpoint(other.weights(which))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def losses(run: RunFolder) -> list[str]:
    """The rows but for the time, which no two trainings share."""
    head, *rows = [line.split(",") for line in run.losses.read_text().splitlines()]
    timed = {k for k, name in enumerate(head) if "second" in name or "per_s" in name}
    return [",".join(cell for k, cell in enumerate(row) if k not in timed) for row in rows]


def test_a_run_goes_on_on_another_device(tmp_path: Path) -> None:
    """Checkpoints belong to no device: where the run's own is absent, another may be given."""
    begun = start(tmp_path)
    assert not begun.train(stop=lambda: begun.trainer.step_count >= 3)
    info = begun.run.info()
    info["training"]["device"] = "cuda:99"
    (begun.run.path / "run.json").write_text(json.dumps(info))
    with pytest.raises(InputError, match="cannot be used .* try --device auto or cpu"):
        proceed_pictures(RunFolder(begun.run.path))
    rest = proceed_pictures(RunFolder(begun.run.path), device="cpu")
    assert rest.trainer.step_count == 3


@pytest.mark.parametrize(("kind", "cut"), [("mlp", 1), ("mlp", PER_EPOCH), ("mlp", 30), ("small_cnn", 25)])
def test_stopped_and_resumed_is_bit_equal(tmp_path: Path, kind: str, cut: int) -> None:
    """Stopped after any step and resumed: the same losses, last and best weights and evaluation to the last bit."""
    whole, parted = start(tmp_path, "whole", kind=kind), start(tmp_path, "parted", kind=kind)
    assert whole.train()
    assert not parted.train(stop=lambda: parted.trainer.step_count >= cut)
    assert parted.run.info()["state"] == "interrupted"
    rest = proceed_pictures(RunFolder(parted.run.path))
    assert rest.trainer.step_count == cut
    assert rest.train()
    assert rest.trainer.step_count == 2 * PER_EPOCH
    for which in ("last", "best"):
        assert same(whole.run, rest.run, which)
    assert losses(whole.run) == losses(rest.run)
    assert len(losses(whole.run)) > 0
    assert whole.run.info()["best"] == rest.run.info()["best"]
    assert whole.run.info()["validation"] == rest.run.info()["validation"]


def test_killed_between_checkpoints(tmp_path: Path) -> None:
    """Killed in the middle of a step, a run goes on from its last checkpoint and ends bit-equal."""
    whole, killed = start(tmp_path, "whole"), start(tmp_path, "killed")
    whole.train()

    def kill(event: module.Event) -> None:
        if event.step.step == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed.train(on_event=kill)
    rest = proceed_pictures(RunFolder(killed.run.path))
    assert rest.trainer.step_count < 30
    assert rest.train()
    assert same(whole.run, rest.run, "last")
    assert losses(whole.run) == losses(rest.run)


def test_killed_in_the_final_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose steps are done, but that was killed before its final evaluation, is finished by resuming it."""
    session = start(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(module.Session, "_finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            session.train()
    assert session.run.info()["state"] == "training"
    assert proceed_pictures(session.run).train()
    info = session.run.info()
    assert info["state"] == "finished"
    assert info["validation"]["pictures"] == info["images"]["held_back"] == 449
    assert 0 <= info["validation"]["accuracy"] <= 1
    with pytest.raises(InputError, match="finished; to train on, give more"):
        proceed_pictures(session.run)
    longer = proceed_pictures(session.run, epochs=3.0)
    assert longer.train()
    assert longer.trainer.step_count == 3 * PER_EPOCH


def test_a_trained_run_is_opened_with_what_it_was_not_trained_on(tmp_path: Path) -> None:
    """The network of a run measures, on its held-back pictures, the accuracy that the run says; it has learned."""
    session = start(tmp_path, kind="small_cnn", epochs=8.0)
    session.train()
    network, folder = open_classifier("run", runs=tmp_path)
    held = open_pictures(folder)
    with torch.no_grad():
        right = network.logits(network.prepare(held.pixels(slice(None)))).argmax(1).numpy() == held.labels
    assert right.mean() == pytest.approx(session.run.info()["validation"]["accuracy"], abs=0.003)
    assert right.mean() > 0.6
    assert network.classes == IMAGES.classes
    learned, held_back = split(len(IMAGES), 0.25, 123)
    assert not set(learned) & set(held_back)
    assert len(learned) + len(held_back) == len(IMAGES)
    assert np.array_equal(held.labels, IMAGES.labels[held_back])
    assert held_back_images(folder).name == "digits (held back)"
    inputs = network.prepare(IMAGES.pixels(learned))
    assert abs(float(inputs.mean())) < 1e-3
    assert float(inputs.std()) == pytest.approx(1, abs=1e-3)


def test_pictures_for_several_runs_were_held_back_from_all(tmp_path: Path) -> None:
    """Of one set those that no run learned from, whatever their seeds; a run that held nothing back does not count.

    Runs of different pictures, and runs that left nothing over, are told so.
    """
    runs = []
    for seed, fraction in ((1, 0.5), (2, 0.5), (3, 0.0)):
        config = TrainingConfig(epochs=0.01, seed=seed, precision="fp32")
        session = begin_pictures(IMAGES, runs=tmp_path, name=f"seed{seed}", config=config, val_fraction=fraction,
                                 shapes={"widths": (2,), "hidden": 2})  # fmt: skip
        session.train()
        runs.append(session.run)
    one, two, none = runs
    both = np.intersect1d(*(split(len(IMAGES), 0.5, seed)[1] for seed in (1, 2)))
    shown = held_back_images(one, others=[two, none])
    assert np.array_equal(shown.labels, IMAGES.labels[both])
    assert shown.name == "digits (held back)"
    assert len(held_back_images(none, others=[none])) == len(IMAGES)
    other = begin_pictures(IMAGES.take(np.arange(400)), runs=tmp_path, name="other", shapes={"widths": (2,)})
    with pytest.raises(InputError, match=r"different pictures \(seed1 on digits, other on digits\): say which"):
        held_back_images(one, others=[other.run])


def missing_keys(data: dict, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    return [
        found
        for key, value in data.items()
        for found in [(*path, key), *(missing_keys(value, (*path, key)) if isinstance(value, dict) else [])]
    ]


def refusal(use, run: RunFolder) -> str:
    """What an error says, if there is one; any but ours is the test's failure."""
    try:
        use(run)
    except CellscopeError as error:
        return str(error)
    return ""


def test_a_run_that_lacks_anything_is_told_in_one_line(tmp_path: Path) -> None:
    """Without any one key of its run.json a run is opened, resumed and read as before, or says in one line what is
    wrong with it.
    """
    session = start(tmp_path)
    session.train(stop=lambda: session.trainer.step_count >= 3)
    run = session.run
    whole = json.loads((run.path / "run.json").read_text())
    refused = set()
    for path in missing_keys(whole):
        data = json.loads(json.dumps(whole))
        at = data
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]
        run.write_info(data)
        said = [refusal(use, run) for use in (proceed_pictures, load_classifier, run_images, held_back_images)]
        assert not any("\n" in line for line in said)
        refused |= {".".join(path)} if any(said) else set()
    needed = {
        "model",
        "training",
        "preprocessing",
        "images.digest",
        "images.seed",
        "model.kind",
        "model.classes",
        "model.hidden",
    }
    assert needed <= refused
    assert not {"cellscope", "parameters", "seconds"} & refused
    run.write_info({**whole, "images": {k: v for k, v in whole["images"].items() if k != "seed"}})
    with pytest.raises(InputError, match=r"run.json does not say 'seed'"):
        proceed_pictures(run)


def test_another_set_is_refused(tmp_path: Path) -> None:
    """A run is not resumed on pictures that it was not trained on."""
    session = start(tmp_path)
    session.train(stop=lambda: session.trainer.step_count >= 3)
    other = replace(IMAGES, pictures=IMAGES.pictures[::-1])
    with pytest.raises(InputError, match="not the set that run run was trained on"):
        proceed_pictures(session.run, images=other)
    assert proceed_pictures(session.run, images=IMAGES).trainer.step_count == 3


def test_what_cannot_be_trained_on_leaves_no_folder(tmp_path: Path) -> None:
    """No labels, an unknown network, too small pictures: an InputError, and no run folder."""
    tries = (
        (replace(IMAGES, labels=None), {}),
        (IMAGES, {"kind": "small_cnn", "shapes": {"widths": (1, 1, 1, 1)}}),
        (IMAGES, {"val_fraction": 1.0}),
        (IMAGES.take(np.array([0])), {}),
    )
    for images, options in tries:
        with pytest.raises(InputError):
            begin_pictures(images, runs=tmp_path / "runs", config=TrainingConfig(epochs=1), **options)
    assert not (tmp_path / "runs").exists()


def test_rows_are_learned(tmp_path: Path) -> None:
    """Rows of numbers become a run of an mlp, whose columns have a mean and a spread each; a constant one stays."""
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((200, 3)) * [1, 100, 0] + [0, 500, 7]).astype(np.float32)
    images = ImageSet("rows", rows, (rows[:, 1] > 500).astype(np.int64), ("low", "high"), columns=("a", "b", "c"))
    session = begin_pictures(
        images, runs=tmp_path, name="rows", config=TrainingConfig(epochs=40, batch_size=16, precision="fp32", warm_up=2)
    )
    assert session.train()
    assert session.run.info()["model"]["kind"] == "mlp"
    assert session.run.info()["validation"]["accuracy"] > 0.9
    inputs = load_classifier(session.run).prepare(rows)
    assert torch.isfinite(inputs).all()
    assert float(inputs[:, 1].std()) == pytest.approx(1, abs=0.2)
