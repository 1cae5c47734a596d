"""The demo card's training range: quiet on simulated cohorts of seeds it was not trained on, at finer spacing too."""

import pytest

from CEMSynthLib.generator.card import SHIPPED_MODELS, load_card
from CEMSynthLib.generator.image_statistics import image_statistics, outside_training_range
from CEMSynthLib.generator.preprocessing import prepare
from CEMSynthLib.phantom.cohort import simulate_cohort
from CEMSynthLib.study.reader import read_folder


@pytest.mark.parametrize(("seed", "spacing"), [(3, 0.8), (777, 0.4)])
def test_simulated_images_of_other_seeds_lie_inside(tmp_path, seed, spacing):
    card = load_card(SHIPPED_MODELS / "demo")
    assert seed not in card.training.seeds
    simulate_cohort(tmp_path, seed, [0, 1], spacing)
    images = [a.low_energy for s in read_folder(tmp_path / "dicom").studies for a in s.acquisitions]
    assert len(images) == 8
    for image in images:
        prepared = prepare(image.pixels(), image.window, image.grid.spacing_mm, card)
        figures = image_statistics(prepared, image.grid.spacing_mm)
        assert figures.keys() == card.training_range.keys()
        assert outside_training_range(figures, card.training_range) == ()
