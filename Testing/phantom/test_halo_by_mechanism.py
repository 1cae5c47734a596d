"""The breast-in-breast artifact comes and goes with its causes, and iodine comes out as iodine."""

from dataclasses import replace

import numpy as np
import pytest

from CEMSynthLib.measurement.halo import HaloVerdict, measure_halo
from CEMSynthLib.phantom.anatomy import breast_anatomy
from CEMSynthLib.phantom.imaging import NOISE_HIGH, NOISE_LOW, expose, scatter_to_primary
from CEMSynthLib.phantom.outline import breast_outline
from CEMSynthLib.phantom.patient import draw_patient, patient_generator
from CEMSynthLib.phantom.physics import PAIRS, Tissue, iodine_sensitivity, weight
from CEMSynthLib.phantom.presentation import RECOMBINED_WINDOW, UNITS_PER_MG
from CEMSynthLib.phantom.recombination import recombine
from CEMSynthLib.study.mask import skin_edge
from CEMSynthLib.study.model import Side

SPACING = 0.8
PLAIN = replace(
    draw_patient(5, 1), compensation_error=0.0, tilt=0.0, scatter_left=0.0, bpe="a", glandularity=0.08, thickness_cc=5.0
)


def _recombined(patient, *, noise=False, iodine=None):
    rng = patient_generator(patient.seed, patient.number, 2)
    outline = breast_outline(patient, "CC", rng, SPACING)
    anatomy = breast_anatomy(patient, "CC", outline, rng)
    added = np.zeros(outline.shape) if iodine is None else iodine * outline.mask
    tissue = Tissue(anatomy.adipose, anatomy.glandular, anatomy.skin, anatomy.muscle, 0.0, added)
    exposures = expose(patient, tissue, anatomy.thickness, patient.thickness_cc, SPACING, rng, noise=noise)
    return recombine(patient, exposures, outline, patient.thickness_cc), outline


def _halo(patient):
    equivalents, outline = _recombined(patient)
    image = np.where(outline.mask, UNITS_PER_MG * np.nan_to_num(equivalents), 0.0)
    skin = skin_edge(outline.mask, Side.LEFT)
    return measure_halo(image, outline.mask, skin, "left", (SPACING, SPACING), RECOMBINED_WINDOW[1])


def test_without_its_causes_there_is_no_halo():
    assert _halo(PLAIN).verdict is HaloVerdict.ABSENT


@pytest.mark.parametrize("cause", [{"compensation_error": 0.12}, {"scatter_left": -0.25}])
def test_each_cause_alone_makes_a_halo(cause):
    # A free edge rounder than assumed, or more scatter taken away than there was.
    halo = _halo(replace(PLAIN, **cause))
    assert halo.verdict is HaloVerdict.PRESENT
    assert halo.step > 3 * abs(_halo(PLAIN).step)


def test_scatter_left_in_brightens_toward_the_skin():
    # Scatter looks like less attenuation: where there is less of it, near the skin, the recombined image is brighter.
    equivalents, outline = _recombined(replace(PLAIN, scatter_left=0.25))
    d = outline.skin_distance_mm
    assert np.median(equivalents[(d > 12) & (d < 18)]) > np.median(equivalents[d > 45]) + 0.3


def test_the_step_grows_with_the_compensation_error():
    steps = [_halo(replace(PLAIN, compensation_error=e)).step for e in (0.05, 0.10, 0.15)]
    assert steps[0] < steps[1] < steps[2]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("iodine", [0.5, 1.0])
def test_iodine_comes_out_in_mg_per_cm2_within_10_percent(name, iodine):
    # Even iodine, so that blur does not matter; scatter, known here, is taken away whole.
    patient = replace(PLAIN, pair=PAIRS[name])
    without, outline = _recombined(patient)
    with_iodine, _ = _recombined(patient, iodine=iodine)
    middle = outline.skin_distance_mm > 40
    assert float(np.median((with_iodine - without)[middle])) == pytest.approx(iodine, rel=0.10)


def test_noise_has_the_stated_size():
    quiet, outline = _recombined(PLAIN)
    noisy, _ = _recombined(PLAIN, noise=True)
    middle = outline.skin_distance_mm > 40
    spread = float(np.std((noisy - quiet)[middle]))
    # 0.1 mm pixels: .022 (LE, times w) and .028 (HE) ln units over .0167 per mg/cm2, scaled to 0.8 mm; taking the
    # scatter away leaves its noise on a smaller signal.
    low = weight(PLAIN.pair, 5.0) * NOISE_LOW * (1 + scatter_to_primary(False, 5.0))
    high = NOISE_HIGH * (1 + scatter_to_primary(True, 5.0))
    expected = np.hypot(low, high) / iodine_sensitivity(PLAIN.pair, 5.0) * 0.1 / SPACING * PLAIN.noise
    assert spread == pytest.approx(expected, rel=0.1)
