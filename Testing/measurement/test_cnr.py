"""CNR by hand, its traps, and whether its uncertainty means what it says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CEMSynthLib.measurement.cnr import CNRFormula, contrast_to_noise, region_statistics
from CEMSynthLib.measurement.errors import PixelValueError, RegionError


def two_squares(shape: tuple[int, int] = (60, 60), side: int = 20) -> tuple[np.ndarray, np.ndarray]:
    lesion, background = np.zeros(shape, bool), np.zeros(shape, bool)
    lesion[20 : 20 + side, 5 : 5 + side] = True
    background[20 : 20 + side, 35 : 35 + side] = True
    return lesion, background


def test_by_hand() -> None:
    # Lesion: 10 pixels of 9 and 10 of 11 (mean 10, sum of squares 20); background: 15 of 3 and 5 of 7 (mean 4, 60).
    image = np.zeros((60, 60), np.float32)
    lesion, background = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    lesion[20:24, 5:10], background[20:24, 35:40] = True, True
    image[lesion] = [9] * 10 + [11] * 10
    image[background] = [3] * 15 + [7] * 5
    expected = {
        CNRFormula.SD_BACKGROUND: 6 / math.sqrt(60 / 19),
        CNRFormula.SD_POOLED: 6 / math.sqrt((20 / 19 + 60 / 19) / 2),
        CNRFormula.RELATIVE_SIGNAL_PERCENT: 150.0,
        CNRFormula.CONTRAST: 6.0,
    }
    for formula, value in expected.items():
        result = contrast_to_noise(image, lesion, background, (0.5, 0.2), formula)
        assert result.value == pytest.approx(value, rel=1e-12)
        assert result.formula is formula
        assert result.lesion.pixels == result.background.pixels == 20
        assert result.lesion.area_mm2 == pytest.approx(2.0)
        assert result.background.sd == pytest.approx(math.sqrt(60 / 19))


def test_area_is_none_without_spacing_and_default_is_sd_background() -> None:
    lesion, background = two_squares()
    image = np.random.default_rng(0).normal(100, 5, (60, 60))
    result = contrast_to_noise(image, lesion, background)
    assert result.lesion.area_mm2 is None
    assert result.formula.value == "sd_background"


@pytest.mark.parametrize("value", [0.1, 2043.7, -3.3])
def test_background_without_noise_is_an_error_not_infinity(value: float) -> None:
    # The SD of 400 equal floats is about 1e-17 by rounding: still an error.
    lesion, background = two_squares()
    image = np.full((60, 60), value)
    image[lesion] += np.random.default_rng(0).normal(5, 1, 400)
    with pytest.raises(PixelValueError, match="SD is 0"):
        contrast_to_noise(image, lesion, background)
    assert contrast_to_noise(image, lesion, background, formula=CNRFormula.CONTRAST).value == pytest.approx(5, abs=0.3)


def test_background_mean_of_zero_is_an_error_for_relative_signal() -> None:
    lesion, background = two_squares()
    image = np.zeros((60, 60))
    image[background] = np.tile([1.0, -1.0], 200)
    with pytest.raises(PixelValueError, match="mean of 0"):
        contrast_to_noise(image, lesion, background, formula=CNRFormula.RELATIVE_SIGNAL_PERCENT)


def test_errors_in_words() -> None:
    lesion, background = two_squares()
    image = np.random.default_rng(0).normal(100, 5, (60, 60))
    with pytest.raises(RegionError, match="holds 16 pixels"):
        contrast_to_noise(image, two_squares(side=4)[0], background)
    with pytest.raises(RegionError, match="another size"):
        contrast_to_noise(image[:50], lesion, background)
    image[25, 10] = np.nan
    with pytest.raises(PixelValueError, match="not numbers"):
        contrast_to_noise(image, lesion, background)


def test_float32_baseline_of_2000_keeps_its_digits() -> None:
    _, background = two_squares()
    image = np.random.default_rng(1).normal(2050, 10, (60, 60)).astype(np.float32)
    expected = np.std(image[background].astype(np.float64), ddof=1)
    assert region_statistics(image, background).sd == pytest.approx(expected, rel=1e-12)


def test_same_seed_same_interval() -> None:
    lesion, background = two_squares()
    image = np.random.default_rng(1).normal(100, 10, (60, 60))
    first, again = (contrast_to_noise(image, lesion, background, seed=3) for _ in range(2))
    assert first == again
    assert first != contrast_to_noise(image, lesion, background, seed=4)


def test_uncertainty_covers_the_scatter_over_noise() -> None:
    # White noise, no structure: the reported uncertainty of the contrast is that of the background mean, 10 / 20 = 0.5,
    # and of the lesion mean through its shifts (the nine positions overlap, so it is below 0.5).
    lesion, background = two_squares()
    reported = []
    for seed in range(20):
        image = np.random.default_rng(seed).normal(100, 10, (60, 60))
        reported.append(contrast_to_noise(image, lesion, background, None, CNRFormula.CONTRAST).uncertainty)
    assert 0.45 < np.mean(reported) < 0.71


def test_shift_is_one_millimeter() -> None:
    # On a ramp of 3 units per mm along x the nine positions lie at 0 (three times), +-1 mm and, twice each side,
    # +-0.707 mm: standard deviation 3 sqrt((2 + 4 / 2) / 9) = 2.
    lesion, background = two_squares((100, 100))
    image = np.tile(0.3 * np.arange(100.0), (100, 1))
    lesion, background = np.roll(lesion, 8, axis=1), np.roll(background, 50, axis=0)
    image[background] = 50.0
    found = contrast_to_noise(image, lesion, background, (0.1, 0.1), CNRFormula.CONTRAST, resamples=4000)
    assert found.uncertainty == pytest.approx(2.0, rel=0.05)


def test_region_laid_beside_its_lesion_is_more_uncertain() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(100, 1, (80, 80))
    row, column = np.mgrid[:80, :80]
    image[(row - 40) ** 2 + (column - 20) ** 2 < 10**2] += 30
    background = np.zeros((80, 80), bool)
    background[20:60, 50:75] = True
    inside, edge = ((row - 40) ** 2 + (column - 20) ** 2 < radius**2 for radius in (6, 10.5))
    steady, loose = (
        contrast_to_noise(image, mask, background, (0.5, 0.5), CNRFormula.CONTRAST) for mask in (inside, edge)
    )
    assert loose.uncertainty > 3 * steady.uncertainty


def test_contrast_sees_what_cnr_rewards_in_blur() -> None:
    # A smoothed image with a fifth of the contrast has the higher CNR.
    lesion, background = two_squares()
    rng = np.random.default_rng(0)
    sharp = rng.normal(100, 20, (60, 60)) + 20.0 * lesion
    smooth = rng.normal(100, 2, (60, 60)) + 4.0 * lesion
    assert contrast_to_noise(smooth, lesion, background).value > contrast_to_noise(sharp, lesion, background).value
    contrasts = [contrast_to_noise(i, lesion, background, formula=CNRFormula.CONTRAST).value for i in (sharp, smooth)]
    assert contrasts[0] > 4 * contrasts[1]


@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(0.01, 100), st.floats(-1000, 1000))
def test_cnr_does_not_change_with_gain_and_offset(gain: float, offset: float) -> None:
    lesion, background = two_squares()
    image = np.random.default_rng(5).normal(100, 10, (60, 60)) + 15.0 * lesion
    for formula in (CNRFormula.SD_BACKGROUND, CNRFormula.SD_POOLED):
        before = contrast_to_noise(image, lesion, background, formula=formula, resamples=2)
        after = contrast_to_noise(gain * image + offset, lesion, background, formula=formula, resamples=2)
        assert after.value == pytest.approx(before.value, rel=1e-6)
