"""Detector, scatter, noise and motion against published figures and what theory says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from CEMSynthLib.phantom.coarse import block_means, blur_inside, enlarge_linear
from CEMSynthLib.phantom.detector import DETECTORS, blur, check_spacing
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.imaging import before_contrast, expose, noise_variance
from CEMSynthLib.phantom.motion import displacement, moved
from CEMSynthLib.phantom.physics import PAIRS, Tissue, log_signal, slab
from CEMSynthLib.phantom.scatter import scatter_signal, scatter_to_primary
from CEMSynthLib.phantom.technique import Technique, draw_technique, exposure_pair

PLAIN = Technique(PAIRS["RhRh29-RhCu49"], compensation_error=0.0, scatter_left=0.0, noise=1.0)


def random(seed=1):
    return np.random.default_rng(seed)


def slab_exposures(technique, spacing_mm, *, size=200, iodine=0.0, thickness=5.0, noise=True):
    cm = np.full((size, size), thickness)
    tissue = Tissue(adipose=0.8 * (cm - 0.3), glandular=0.2 * (cm - 0.3), skin=0.3, iodine=iodine)
    return expose(technique, tissue, cm, thickness, spacing_mm, random(), random(2), noise=noise), tissue, cm


# Ghetti 2008 (Senographe Essential, CsI); Hoheisel 2004 (a-Se, "well above .40" at the Nyquist frequency of 70 um).
@pytest.mark.parametrize(
    ("name", "frequency", "published"), [("CsI", 1, 0.85), ("CsI", 2, 0.59), ("CsI", 4, 0.24), ("a-Se", 7.14, 0.45)]
)
def test_detector_blur_has_the_published_mtf(name, frequency, published):
    spacing, size = 0.05, 1600
    wave = 1 + 0.1 * np.cos(2 * np.pi * frequency * spacing * np.arange(size))[None, :] * np.ones((16, 1))
    blurred = blur(wave, DETECTORS[name], spacing)[8, 200:-200]
    assert (blurred.max() - blurred.min()) / 0.2 == pytest.approx(published, abs=0.03)
    assert blurred.mean() == pytest.approx(1, abs=0.01)


def test_a_photoconductor_is_sharper_than_a_scintillator():
    frequency = np.linspace(0.5, 5, 10, dtype=np.float32)
    assert (DETECTORS["a-Se"].mtf(frequency) > DETECTORS["CsI"].mtf(frequency)).all()


def test_scatter_to_primary_is_in_the_published_range():
    assert [scatter_to_primary(False, t) for t in (3, 8)] == pytest.approx([0.33, 0.42])
    assert [scatter_to_primary(True, t) for t in (3, 8)] == pytest.approx([0.26, 0.30])


@pytest.mark.parametrize("high", [False, True])
@pytest.mark.parametrize("thickness", [3.0, 5.0, 8.0])
def test_scatter_in_a_wide_breast_has_the_published_ratio_and_half_of_it_at_a_straight_edge(high, thickness):
    primary, cm = np.full((300, 300), 0.02), np.full((300, 300), thickness)
    primary[:, 150:], cm[:, 150:] = 1.0, 0.0
    scatter = scatter_signal(primary, cm, thickness, high, 1.0)
    ratio = scatter[150, 20] / 0.02
    assert ratio == pytest.approx(scatter_to_primary(high, thickness), rel=0.02)
    assert (0.25 <= ratio <= 0.31) if high else (0.32 <= ratio <= 0.43)
    assert scatter[150, 149] == pytest.approx(0.02 * ratio / 2, rel=0.06)


def test_scatter_spreads_farther_in_a_thicker_breast():
    reach = []
    for thickness in (2.0, 8.0):
        primary, cm = np.zeros((241, 241)), np.full((241, 241), thickness)
        primary[120, 120] = 1
        scatter = scatter_signal(primary, cm, thickness, False, 1.0)[120].astype(float)
        reach.append(np.sqrt(np.average((np.arange(241) - 120.0) ** 2, weights=scatter)))
    assert reach == pytest.approx([12, 24], rel=0.1)


def test_scatter_does_not_depend_on_the_pixel_spacing():
    def edge(spacing):
        n = round(160 / spacing)
        cm = np.where(np.arange(n) * spacing < 100, 5.0, 0.0)[None, :] * np.ones((n, 1))
        return scatter_signal(np.where(cm > 0, 0.02, 1.0), cm, 5.0, False, spacing)[n // 2]

    coarse, fine = edge(1.0), edge(0.25)
    assert fine.reshape(-1, 4).mean(axis=1) == pytest.approx(coarse, abs=0.02 * float(coarse.max()))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 7))
@settings(max_examples=30, deadline=None)
def test_coarse_grids_keep_even_images_and_their_mean(rows, columns, step):
    image = random(rows * 41 + columns).random((rows, columns))
    means = block_means(image, step)
    assert means.shape == (-(-rows // step), -(-columns // step))
    assert means[0, 0] == pytest.approx(image[:step, :step].mean(), rel=1e-5)
    assert means[-1, -1] == pytest.approx(image[(rows - 1) // step * step :, (columns - 1) // step * step :].mean())
    assert enlarge_linear(np.full(means.shape, 3.0), step, image.shape) == pytest.approx(3.0)


def test_blur_inside_a_mask_is_the_normalized_blur():
    image, mask = ndimage.gaussian_filter(random().random((240, 200)), 4), np.zeros((240, 200), dtype=bool)
    mask[20:220, :150] = True
    sigma = 8.0 / 0.4
    exact = ndimage.gaussian_filter(np.where(mask, image, 0), sigma) / ndimage.gaussian_filter(
        mask.astype(float), sigma
    )
    assert blur_inside(image, mask, 8.0, 0.4)[mask] == pytest.approx(exact[mask], abs=0.15 * exact[mask].std())


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("high", [False, True])
def test_noise_at_low_frequencies_is_that_of_the_absorbed_quanta(name, high):
    technique = replace(PLAIN, pair=PAIRS[name])
    noisy, *_ = slab_exposures(technique, 0.2)
    quiet, *_ = slab_exposures(technique, 0.2, noise=False)
    signal = quiet.high if high else quiet.low
    noise = (noisy.high if high else noisy.low).astype(np.float64) - signal
    first, electronic = noise_variance(technique, high, 5.0, 0.2)
    # Blocks of 2 mm: what the detector blurs stays within them.
    blocks = noise.reshape(20, 10, 20, 10).mean(axis=(1, 3))
    expected = first * float(signal.mean()) * (1 + electronic / float(signal.mean())) / 100
    assert blocks.var() == pytest.approx(expected, rel=0.25)
    assert 0 < electronic < 0.1 * float(signal.mean())


def test_quanta_are_those_of_the_dose():
    # 7 mGy at the breast, Rh/Rh 29 kV: the open field brings 4.4e7 keV per mm2 and mGy (spekpy), 4% pass 5 cm, 21 keV
    # each; three quarters pass the grid, 90% count.
    first, _ = noise_variance(PLAIN, False, 5.0, 0.1)
    behind = float(np.exp(log_signal("RhRh29", slab(5.0))))
    quanta = 4.36e7 * 7 * behind * 0.75 * 0.01 / 21.1 * 0.9
    assert behind / first == pytest.approx(quanta, rel=0.02)
    assert np.sqrt(first / behind) == pytest.approx(0.016, abs=0.001)


def test_noise_grows_with_smaller_pixels_and_thicker_breasts_and_the_noise_factor():
    def relative(thickness, spacing, factor=1.0):
        first, electronic = noise_variance(replace(PLAIN, noise=factor), False, thickness, spacing)
        signal = float(np.exp(log_signal("RhRh29", slab(thickness))))
        return np.sqrt(first * (signal + electronic)) / signal

    assert relative(5, 0.1) == pytest.approx(4 * relative(5, 0.4))
    assert relative(5, 0.1, 2.0) == pytest.approx(2 * relative(5, 0.1))
    assert 1 < relative(7, 0.1) / relative(5, 0.1) < 1.5


@pytest.mark.parametrize(("name", "blurred"), [("RhRh29-RhCu49", True), ("WRh30-WCu49", False)])
def test_noise_power_follows_the_mtf_of_csi_and_is_white_in_selenium(name, blurred):
    spacing, size = 0.1, 256
    technique = replace(PLAIN, pair=PAIRS[name])
    noisy, *_ = slab_exposures(technique, spacing, size=size)
    quiet, *_ = slab_exposures(technique, spacing, size=size, noise=False)
    power = np.abs(np.fft.fft2((noisy.high - quiet.high).astype(np.float64))) ** 2
    frequency = np.hypot(np.fft.fftfreq(size, spacing)[:, None], np.fft.fftfreq(size, spacing)[None, :])

    def band(center):
        return power[np.abs(frequency - center) < 0.25].mean()

    ratio = band(4.0) / band(0.5)
    if blurred:
        # A little more than the squares of the MTF: electronic noise is white.
        mtf = DETECTORS["CsI"].mtf(np.float32([4.0, 0.5]))
        assert (mtf[0] / mtf[1]) ** 2 < ratio < (mtf[0] / mtf[1]) ** 2 + 0.08
    else:
        assert ratio == pytest.approx(1, abs=0.1)


def test_exposures_are_the_same_again_and_the_noise_has_no_offset():
    one, *_ = slab_exposures(PLAIN, 0.4)
    again, *_ = slab_exposures(PLAIN, 0.4)
    quiet, *_ = slab_exposures(PLAIN, 0.4, noise=False)
    for name in ("low", "high", "low_scatter", "high_primary"):
        assert np.array_equal(getattr(one, name), getattr(again, name))
    assert float((one.low - quiet.low).mean()) == pytest.approx(0, abs=1e-5)


def test_low_energy_before_contrast_has_no_iodine_and_the_same_noise():
    iodine = np.zeros((200, 200))
    iodine[60:140, 60:140] = 2.0
    exposures, tissue, cm = slab_exposures(PLAIN, 0.4, iodine=iodine)
    before = before_contrast(PLAIN, tissue, cm, 5.0, 0.4, exposures)
    plain, *_ = slab_exposures(PLAIN, 0.4, iodine=0.0, noise=False)
    quiet, *_ = slab_exposures(PLAIN, 0.4, iodine=iodine, noise=False)
    assert before - plain.low == pytest.approx(exposures.low - quiet.low, abs=1e-6)
    # .018 to .025 ln units per mg/cm2, a little less under scatter.
    change = np.log(before / exposures.low)
    assert change[80:120, 80:120].mean() / 2 == pytest.approx(0.021, abs=0.005)
    assert np.abs(change[:20]).max() < 2e-3


def test_motion_is_smooth_has_the_size_asked_for_and_dies_away_from_the_chest_wall():
    cm = np.full((600, 400), 5.0)
    cm[:, 350:] = 0
    field = displacement(cm, 0.4, 0.7, (0.0, 0.0), random())
    size = np.hypot(*field)
    assert size.max() == pytest.approx(0.7)
    assert size[:, -4:].max() == 0
    assert size[:, :6].mean() > 1.5 * size[:, 28:34].mean()
    # Neighbors 4 mm apart move alike.
    assert np.abs(np.diff(field, axis=1)).max() < 0.25
    shifted = displacement(cm, 0.4, 0.0, (0.3, -0.2), random())
    assert shifted[0] == pytest.approx(0.3)
    assert shifted[1] == pytest.approx(-0.2)


def test_moved_tissue_lies_where_the_field_says():
    image = ndimage.gaussian_filter(random().random((80, 90)), 3).astype(np.float32)
    field = np.zeros((2, 10, 10))
    field[0], field[1] = 1.0, -0.5
    result = moved(image, field, 0.25)  # 4 rows down, 2 columns to the left
    assert result[10:-10, 10:-10] == pytest.approx(image[6:-14, 12:-8], abs=1e-5)


def test_motion_leaves_edges_in_the_high_energy_image_alone():
    technique = replace(PLAIN, motion_mm=0.8)
    iodine = np.zeros((200, 200))
    iodine[50:150:10, :] = 1.0
    still, *_ = slab_exposures(PLAIN, 0.4, iodine=iodine, noise=False)
    moving, *_ = slab_exposures(technique, 0.4, iodine=iodine, noise=False)
    assert np.array_equal(still.low, moving.low)
    assert np.abs(moving.high / still.high - 1).max() > 0.003


def test_drawn_techniques_are_a_distribution():
    drawn = [draw_technique(random(n)) for n in range(600)]
    moved_share = np.mean([t.motion_mm > 0 for t in drawn])
    assert moved_share == pytest.approx(0.15, abs=0.05)
    assert all(0.2 <= t.motion_mm <= 1.0 for t in drawn if t.motion_mm)
    assert {t.pair.name for t in drawn} == set(PAIRS)
    errors = np.array([t.compensation_error for t in drawn])
    coarse = errors >= 0.04
    assert coarse.mean() == pytest.approx(0.5, abs=0.06)
    assert errors[coarse].mean() == pytest.approx(0.095, abs=0.006)
    assert 0 <= errors.min() <= errors[~coarse].mean() < 0.013


@pytest.mark.parametrize(
    "wrong", [{"noise": -1}, {"scatter_left": 2}, {"compensation_error": 1}, {"motion_mm": 50}, {"shift_mm": (0, 99)}]
)
def test_impossible_techniques_are_refused(wrong):
    with pytest.raises(PhantomError, match="must lie"):
        replace(PLAIN, **wrong)


def test_unknown_pairs_and_spacings_are_refused():
    with pytest.raises(PhantomError, match="MoMo28"):
        exposure_pair("MoMo28")
    for spacing in (0.0, 0.01, 5.0):
        with pytest.raises(PhantomError, match="pixel spacing"):
            check_spacing(spacing)
