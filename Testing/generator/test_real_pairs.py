"""Preprocessing on real low-energy images: right side, sensible gray scale, exact grid, the same mirrored."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from CEMSynthLib.generator.card import ModelCard
from CEMSynthLib.generator.preprocessing import prepare, prepare_target, restore
from CEMSynthLib.study.model import VOIWindow

FOLDER = Path(__file__).resolve().parents[2].parent / "shared/data/cdd-cesm"
FILES = sorted(FOLDER.glob("*_DM_*.png"))
WINDOW = VOIWindow.from_range(0, 255)

pytestmark = pytest.mark.skipif(not FILES, reason="the shared real pairs are not there")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_real_low_energy(file: Path, card: ModelCard) -> None:
    gray = np.asarray(Image.open(file), dtype=np.float32)
    prepared = prepare(gray, WINDOW, None, card)
    inside = prepared.image[prepared.mask]
    assert abs(np.median(inside)) < 0.45
    assert np.mean(np.abs(inside) == 1) < 0.02  # hardly anything is clipped
    assert "spacing is unknown" in prepared.warnings[0]
    mirrored = prepare(gray[:, ::-1].copy(), WINDOW, None, card)
    assert np.array_equal(prepared.image, mirrored.image)
    back = restore(prepared, prepare_target(gray * 400 / 255 + 1900, prepared))
    mask = prepared.geometry.mask
    assert back.shape == gray.shape
    assert np.all(back[~mask] == card.output_normalization.air)
    # The working grid is five times coarser here (100 pixels high): the coarse gray scale must survive, in its place.
    assert np.corrcoef(back[mask], gray[mask])[0, 1] > 0.75


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_real_low_energy_is_never_said_to_be_like_the_simulated_training_images(file: Path) -> None:
    pytest.importorskip("torch")
    from CEMSynthLib.generator.predictor import Predictor

    gray = np.asarray(Image.open(file), dtype=np.float32)
    made = Predictor("demo", "cpu", "full", "torch").synthesize_array(gray, WINDOW, None)
    assert made.training_range != "inside"
    assert "spacing is unknown" in made.warnings[0]
