"""What is shown: scales and windows like those of a real system, thickness evened out, raw values linear."""

import numpy as np
import pytest
from scipy import ndimage

from CEMSynthLib.phantom.outline import edge_profile
from CEMSynthLib.phantom.physics import PAIRS, Tissue, signal_image
from CEMSynthLib.phantom.presentation import (
    BASELINE,
    LOW_ENERGY_WINDOW,
    RAW_MAXIMUM,
    RECOMBINED_WINDOW,
    UNITS_PER_MG,
    present_low_energy,
    present_recombined,
    raw_values,
)
from CEMSynthLib.phantom.recombination import fat_attenuation
from CEMSynthLib.study.model import VOIWindow

PAIR = PAIRS["RhRh29-RhCu49"]
SPACING = 0.5


def breast(gland_cm=0.0, spacing=SPACING):
    """Signal, expected attenuation, mask and distance to the skin of a half disc of fat with a disc of gland in it."""
    n = round(160 / spacing)
    y, x = ((np.arange(m) + 0.5) * spacing for m in (n, n))
    radius = np.hypot(y[:, None] - 80, x[None, :])
    distance = np.clip(75 - radius, 0, None)
    mask = distance > 0
    cm = 5.0 * edge_profile(distance, 22.0)
    skin = np.minimum(cm, 0.3)
    gland = np.where(np.hypot(y[:, None] - 80, x[None, :] - 30) < 6, gland_cm, 0.0)
    tissue = Tissue(adipose=cm - skin - gland, glandular=gland, skin=skin)
    signal = signal_image(PAIR.low_energy, tissue)
    return signal, fat_attenuation(PAIR, cm), mask, distance


def test_windows_and_units_are_those_of_real_systems():
    # Design notes: baseline 2000-2100, useful window 2020-2280 (2105/380, 2085/265), 30-43 units per mg/cm2.
    assert 2000 <= BASELINE <= 2100
    assert 30 <= UNITS_PER_MG <= 43
    window = VOIWindow(*RECOMBINED_WINDOW)
    assert window.low < 2020
    assert 2215 <= window.high <= 2300
    assert 265 <= window.width <= 380


def test_recombined_values_are_the_baseline_and_units_for_each_mg():
    equivalents = np.full((40, 40), 3.0, dtype=np.float32)
    equivalents[10:20, 10:20] += 2
    equivalents[30, 30] = np.nan
    mask = np.ones(equivalents.shape, dtype=bool)
    mask[30:, 30:] = False
    shown = present_recombined(equivalents, mask, mask)
    assert shown.dtype == np.uint16
    assert shown[0, 0] == BASELINE
    assert shown[15, 15] == BASELINE + 2 * UNITS_PER_MG
    assert (shown[~mask] == 0).all()
    extreme = present_recombined(np.array([[-1e4, 0.0, 1e4]]), np.ones((1, 3), bool), np.array([[False, True, False]]))
    assert extreme.tolist() == [[1, BASELINE, 4095]]


def test_the_thickness_of_the_edge_is_evened_out():
    signal, expected, mask, distance = breast()
    shown = present_low_energy(signal, expected, mask, SPACING).astype(float)
    gray = 255 * VOIWindow(*LOW_ENERGY_WINDOW).apply(shown)
    inner = float(np.median(gray[distance > 40]))
    raw = -np.log(signal)
    # From 40 mm to 4 mm behind the skin half of the attenuation is lost, but little of the gray.
    assert np.median(raw[(distance > 3) & (distance < 5)]) < 0.65 * np.median(raw[distance > 40])
    for depth in (4, 8, 15, 25):
        assert abs(float(np.median(gray[np.abs(distance - depth) < 1])) - inner) < 45
    assert (shown[~mask] == 0).all()
    assert (shown[mask] >= 1).all()
    assert shown.max() < 4096


@pytest.mark.parametrize("gland_cm", [0.3, 1.0, 3.0])
def test_gland_is_brighter_than_fat_and_more_gland_brighter_still(gland_cm):
    def contrast(cm):
        signal, expected, mask, _ = breast(cm)
        shown = present_low_energy(signal, expected, mask, SPACING).astype(float)
        return shown[155:165, 55:65].mean() - np.median(shown[100:110, 55:65])

    assert contrast(gland_cm) > 50
    assert contrast(gland_cm) > contrast(gland_cm / 2)


def test_little_detail_is_raised_more_than_much_of_it():
    signal, expected, mask, distance = breast()
    wave = np.cos(2 * np.pi * np.arange(signal.shape[1]) * SPACING / 5)[None, :] * np.ones_like(signal)
    inner = distance > 40

    def shown(amplitude):
        changed = signal * np.exp(amplitude * wave).astype(np.float32)
        return present_low_energy(changed, expected, mask, SPACING)[inner].astype(float).std() / amplitude

    assert shown(0.03) > 1.4 * shown(0.2)


def test_low_energy_looks_alike_at_any_pixel_spacing():
    fine, coarse = (present_low_energy(*breast(1.0, s)[:3], s).astype(float) for s in (0.25, 0.5))
    mask = ndimage.binary_erosion(breast(1.0)[2], iterations=8)
    halved = fine.reshape(320, 2, 320, 2).mean(axis=(1, 3))
    assert np.abs(halved - coarse)[mask].mean() < 15


def test_raw_values_are_linear_and_saturate_in_air():
    signal = np.array([0.0, 0.01, 0.02, 0.5, 1.0, 1.3], dtype=np.float32)
    raw = raw_values(signal)
    assert raw.dtype == np.uint16
    assert raw.tolist() == [0, 164, 328, 8192, RAW_MAXIMUM, RAW_MAXIMUM]
    assert RAW_MAXIMUM == 2**14 - 1
