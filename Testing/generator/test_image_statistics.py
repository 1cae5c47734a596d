"""Image statistics: known answers, and what does not change them."""

import numpy as np
import pytest

from CEMSynthLib.generator.image_statistics import NAMES, image_statistics, outside_training_range, training_range
from CEMSynthLib.generator.preprocessing import prepare
from CEMSynthLib.study.model import VOIWindow

WINDOW = VOIWindow(1500, 1000)


def figures_of(breast, card, spacing="own"):
    spacing = breast.spacing if spacing == "own" else spacing
    return image_statistics(prepare(breast.pixels, WINDOW, spacing, card), spacing)


def test_known_answers(breast, card):
    figures = figures_of(breast, card)
    assert list(figures) == list(NAMES)
    # Finer than the network's grid is as good as that grid; coarser is told.
    assert figures["spacing_mm"] == pytest.approx(max(0.4, card.working_spacing_mm))
    coarse = image_statistics(prepare(breast.pixels, WINDOW, breast.spacing, card), (3.0, 3.0))
    assert coarse["spacing_mm"] == pytest.approx(3.0)
    assert figures["breast_area_cm2"] == pytest.approx(breast.mask.sum() * 0.16 / 100, rel=0.03)
    inside = breast.pixels[breast.mask]
    low, high = np.quantile(inside, [0.02, 0.98])
    for percent in (10, 25, 50, 75, 90):
        expected = -0.6 + 1.2 * (np.quantile(inside, percent / 100) - low) / (high - low)
        assert figures[f"gray_quantile_{percent}"] == pytest.approx(expected, abs=0.03)


def test_gray_scale_side_and_unknown_spacing_do_not_change_them(make_breast, card):
    from dataclasses import replace

    breast = make_breast()
    figures = figures_of(breast, card)
    other_scale = replace(breast, pixels=np.where(breast.mask, breast.pixels * 3 + 500, 0).astype(np.float32))
    for other in (other_scale, make_breast(right=True)):
        assert figures_of(other, card) == pytest.approx(figures, rel=0.02, abs=2e-3)
    assert set(figures) - set(figures_of(breast, card, None)) == {"spacing_mm", "breast_area_cm2"}


def test_noise_is_fine_texture_and_blobs_are_coarse(breast, card):
    from dataclasses import replace

    from scipy import ndimage

    noise = np.random.default_rng(1).normal(size=breast.mask.shape)
    fine = replace(breast, pixels=np.where(breast.mask, breast.pixels + 60 * noise, 0).astype(np.float32))
    blobs = ndimage.gaussian_filter(noise, 6)
    coarse = replace(
        breast, pixels=np.where(breast.mask, breast.pixels + 60 * blobs / blobs.std(), 0).astype(np.float32)
    )
    plain, with_noise, with_blobs = (figures_of(b, card) for b in (breast, fine, coarse))
    assert with_noise["texture_fine"] > 3 * plain["texture_fine"]
    assert with_blobs["texture_coarse"] > plain["texture_coarse"]
    coarseness = [b["texture_coarse"] / b["texture_fine"] for b in (with_noise, with_blobs)]
    assert coarseness[1] > 3 * coarseness[0]


def test_range_is_widened_by_a_quarter_and_what_lies_outside_is_named():
    known = training_range([{"spacing_mm": 0.1, "texture_fine": 1.0}, {"spacing_mm": 0.1, "texture_fine": 3.0}])
    assert known == {"spacing_mm": (0.099, 0.101), "texture_fine": (0.47, 3.53)}
    assert outside_training_range({"spacing_mm": 0.1004, "texture_fine": 3.5}, known) == ()
    (told,) = outside_training_range({"spacing_mm": 0.1, "texture_fine": 3.6}, known)
    assert told == "fine texture of the low-energy image is 3.6, in training 0.47 to 3.53"
    assert len(outside_training_range({"spacing_mm": 0.2, "texture_fine": 0.4}, known)) == 2
    assert outside_training_range({"breast_area_cm2": 1e9}, known) == (), (
        "what the training does not tell is not judged"
    )
