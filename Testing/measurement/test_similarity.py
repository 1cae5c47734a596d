"""MAE, RMSE, PSNR and SSIM against hand calculation, scikit-image and Wang's definition written out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from CEMSynthLib.measurement.errors import PixelValueError
from CEMSynthLib.measurement.similarity import compare_images, ssim_map


def pair(seed: int = 0, shape: tuple[int, int] = (40, 50)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first = rng.random(shape)
    return first, np.clip(first + rng.normal(0, 0.1, shape), 0, 1)


def test_by_hand() -> None:
    first, second = np.full((20, 20), 0.5), np.full((20, 20), 0.5)
    second[:10] += 0.2
    second[10:] -= 0.1
    result = compare_images(first, second)
    assert result.mae == pytest.approx(0.15)
    assert result.rmse == pytest.approx(math.sqrt(0.025))
    assert result.psnr_db == pytest.approx(10 * math.log10(1 / 0.025))
    assert result.pixels == 400
    top = np.zeros((20, 20), bool)
    top[:10] = True
    assert compare_images(first, second, top).mae == pytest.approx(0.2)
    assert compare_images(first, second, top).psnr_db == pytest.approx(20 * math.log10(5))


def test_against_scikit_image() -> None:
    first, second = pair()
    result = compare_images(first, second)
    assert result.psnr_db == pytest.approx(peak_signal_noise_ratio(first, second, data_range=1.0), rel=1e-12)
    mean, full = structural_similarity(
        first, second, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    np.testing.assert_allclose(ssim_map(first, second), full, rtol=0, atol=1e-12)
    assert result.ssim == pytest.approx(full.mean(), abs=1e-12)
    inner = np.zeros(first.shape, bool)
    inner[5:-5, 5:-5] = True
    assert compare_images(first, second, inner).ssim == pytest.approx(mean, abs=1e-12)


def test_ssim_is_wang_2004_with_an_11_by_11_window() -> None:
    first, second = pair(3)
    offset = np.arange(-5, 6)
    line = np.exp(-(offset**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    computed = ssim_map(first, second)
    for row, column in [(5, 5), (20, 30), (34, 44), (12, 7)]:
        a, b = (image[row - 5 : row + 6, column - 5 : column + 6] for image in (first, second))
        ma, mb = (window * a).sum(), (window * b).sum()
        va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
        cov = (window * (a - ma) * (b - mb)).sum()
        c1, c2 = 0.01**2, 0.03**2
        expected = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
        assert computed[row, column] == pytest.approx(expected, abs=1e-12)


def test_identical_images() -> None:
    first, _ = pair()
    result = compare_images(first, first.copy())
    assert (result.mae, result.rmse, result.psnr_db) == (0.0, 0.0, None)
    assert result.psnr_reason is not None
    assert "identical" in result.psnr_reason
    assert result.ssim == pytest.approx(1.0)


def test_uint8_is_refused_because_it_wraps_around() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 30, 30)).astype(np.uint8)
    wrapped = 10 * math.log10(255**2 / np.mean((first - second) ** 2))
    right = compare_images(first / 255, second / 255).psnr_db
    assert right is not None
    assert wrapped > right + 5  # what the trap would report
    for images in ((first, second), (first / 255, second)):
        with pytest.raises(PixelValueError, match="uint8"):
            compare_images(*images)


@pytest.mark.parametrize("value", [255.0, 1.01, -0.01, np.nan, np.inf])
def test_values_outside_the_range_are_refused(value: float) -> None:
    first, second = pair()
    second[3, 4] = value
    with pytest.raises(PixelValueError, match="outside"):
        compare_images(first, second)


def test_other_refusals() -> None:
    first, second = pair()
    with pytest.raises(PixelValueError, match="differ in size"):
        compare_images(first, second[:, :-1])
    with pytest.raises(PixelValueError, match="another size"):
        compare_images(first, second, np.ones((3, 3), bool))
    with pytest.raises(PixelValueError, match="no pixel"):
        compare_images(first, second, np.zeros(first.shape, bool))
    with pytest.raises(PixelValueError, match="smaller than the SSIM window"):
        compare_images(first[:10], second[:10])


@settings(max_examples=25)
@given(st.integers(0, 1000), st.floats(0.0, 0.4))
def test_symmetric_bounded_and_falling_with_noise(seed: int, sd: float) -> None:
    rng = np.random.default_rng(seed)
    first = rng.random((24, 24)).astype(np.float32)
    second = np.clip(first + rng.normal(0, sd, first.shape), 0, 1).astype(np.float32)
    there, back = compare_images(first, second), compare_images(second, first)
    assert there.mae == back.mae
    assert there.ssim == pytest.approx(back.ssim, abs=1e-9)
    assert -1 <= there.ssim <= 1 + 1e-9
    assert there.mae <= there.rmse + 1e-12
