"""The sigmoid network of three layers on MNIST, where the files are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellscope.data.imagesets import open_images
from cellscope.pipeline.classifiers import load_classifier
from cellscope.pipeline.picture_training import begin_pictures
from cellscope.training.config import TrainingConfig
from cellscope.vision.labelled import told

IMAGES = Path(__file__).resolve().parents[3] / "shared" / "images"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not (IMAGES / "train-images-idx3-ubyte.gz").is_file(), reason="MNIST is not at hand")
def test_the_book_network_reaches_its_accuracy(tmp_path: Path) -> None:
    """784-200-10 tells at least 97.5 % of MNIST's test digits right, as in "Make Your Own Neural Network"."""
    learned = open_images(IMAGES / "train-images-idx3-ubyte.gz")
    config = TrainingConfig(epochs=10.0, batch_size=64, learning_rate=2e-3, precision="fp32")
    session = begin_pictures(learned, runs=tmp_path, kind="mlp", config=config, val_fraction=0.1)
    assert session.train()
    tested = open_images(IMAGES / "t10k-images-idx3-ubyte.gz")
    right = told(load_classifier(session.run), tested) == tested.labels
    assert right.mean() >= 0.975
