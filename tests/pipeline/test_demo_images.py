"""The demonstration on pictures: how long it trains."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellscope.data.images import ImageSet
from cellscope.data.imagesets import open_images
from cellscope.pipeline import demo_images
from cellscope.pipeline.demo_images import EPOCHS, MINUTES, demo_session
from cellscope.training.picture_session import PictureSession


@pytest.fixture(scope="module")
def scenes() -> ImageSet:
    """So few that an epoch is one step."""
    return open_images("shapes", count=90)


@pytest.fixture(autouse=True)
def _one_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timing decides otherwise."""
    monkeypatch.setattr("cellscope.pipeline.picture_training.choose_precision", lambda *_, **__: ("fp32", "asked for"))
    monkeypatch.setattr(demo_images, "NETWORK", {**demo_images.NETWORK, "widths": (4, 4, 4)})


def slowed(session: PictureSession, seconds: float) -> PictureSession:
    """The session with a clock that goes on by so many seconds whenever it is looked at."""
    now = iter(range(10**6))
    session.trainer.clock = lambda: seconds * next(now)
    session.trainer._began = session.trainer.clock()
    return session


def test_a_slow_machine_trains_as_much(scenes: ImageSet, tmp_path: Path) -> None:
    """As many steps at the same rates where the clock stands still and where it takes up half of the minutes."""
    rates: list[list[float]] = []
    for pace in (0, 32 / EPOCHS):  # seconds at each look; every step takes several
        session, heard = slowed(demo_session(scenes, runs=tmp_path / f"{pace}"), pace), []
        assert session.train(on_event=lambda event, heard=heard: heard.append(event.step.rate))
        rates.append(heard)
    assert session.trainer.seconds > 30 * MINUTES, "the clock ran too slowly for a test"
    assert len(rates[0]) == round(EPOCHS)
    assert rates[1] == pytest.approx(rates[0], rel=0.05)  # the clock runs before the first step, too


def test_it_ends_in_time(scenes: ImageSet, tmp_path: Path) -> None:
    """Where the steps take too long, the minutes end it."""
    session = slowed(demo_session(scenes, runs=tmp_path), 30)
    assert session.train()
    assert 0 < session.trainer.step_count < round(EPOCHS)


def test_minutes_that_are_given_are_what_counts(scenes: ImageSet, tmp_path: Path) -> None:
    """They take the place of the steps, for a new training and for the rest of one that was stopped."""
    session = demo_session(scenes, runs=tmp_path, minutes=0.2)
    assert (session.trainer.config.minutes, session.trainer.config.epochs) == (0.2, None)
    assert not slowed(session, 0).train(stop=lambda: session.trainer.step_count == 9)
    again = demo_session(scenes, runs=tmp_path)
    assert (again.run, again.trainer.step_count) == (session.run, 9)
    assert again.trainer.config.minutes == 0.2
    again.lock.release()
    longer = demo_session(scenes, runs=tmp_path, minutes=0.4)
    assert (longer.run, longer.trainer.config.minutes) == (session.run, 0.4)
    longer.lock.release()
