"""Regions drawn and dragged with the mouse in real slice views, with Slicer's own markups widgets."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

ORANGE, BLUE, YELLOW = (255, 140, 26), (64, 166, 255), (255, 255, 102)


@pytest.fixture(scope="module")
def seen(rendered) -> SimpleNamespace:
    folder = rendered("render_regions.py")
    with np.load(folder / "pictures.npz") as stored:
        pictures = {name: stored[name].astype(int) for name in stored.files}
    return SimpleNamespace(pictures=pictures, facts=json.loads((folder / "facts.json").read_text()))


def count(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((np.abs(picture - color).max(axis=2) <= 60).sum())


def test_two_clicks_place_an_ellipse(seen) -> None:
    assert seen.facts["placed"] == pytest.approx([60, 65, 20, 15], abs=0.6)
    assert seen.facts["placing"] == ""


def test_the_center_moves_it_a_corner_resizes_it_and_undo_takes_one_drag_back(seen) -> None:
    facts = seen.facts
    assert facts["moved"] == pytest.approx([70, 75, 20, 15], abs=1.2)
    assert facts["resized"] == pytest.approx([75, 78, 25, 18], abs=1.5)
    assert facts["undone"] == pytest.approx(facts["moved"], abs=1e-3)


def test_freehand_measures_what_was_drawn(seen) -> None:
    assert seen.facts["area"] == pytest.approx(math.pi * 20 * 15, rel=0.03)
    assert count(seen.pictures["half"], YELLOW) > 20


def test_seen_on_all_images_of_the_acquisition_and_on_no_other(seen) -> None:
    for color in (ORANGE, BLUE):
        assert count(seen.pictures["LE"], color) > 100
        assert count(seen.pictures["clinical"], color) > 100
        assert count(seen.pictures["other"], color) == 0
