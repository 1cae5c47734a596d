"""The breast-in-breast artifact comes and goes with its causes and is told by the truth; LE before contrast."""

from dataclasses import replace

import numpy as np
import pytest

from CEMSynthLib.measurement.halo import HaloVerdict, measure_halo
from CEMSynthLib.phantom.halo_truth import halo_step
from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.physics import PAIRS
from CEMSynthLib.phantom.presentation import RECOMBINED_WINDOW, UNITS_PER_MG
from CEMSynthLib.phantom.technique import Technique
from CEMSynthLib.phantom.view import simulate_view
from CEMSynthLib.study.mask import skin_edge
from CEMSynthLib.study.model import Side

SPACING = 0.8
PERFECT = Technique(PAIRS["RhRh29-RhCu49"], compensation_error=0.0, scatter_left=0.0, noise=0.0)
PLAIN = replace(
    draw_patient(5, 1), tilt=0.0, bpe="a", glandularity=0.08, thickness_cc=5.0, half_height=9.8, depth=10.2,
    roll_off=0.8, lesions=(), technique=PERFECT,
)  # fmt: skip


def view(patient=PLAIN, position="CC", **errors):
    changed = replace(patient, technique=replace(patient.technique, **errors))
    return simulate_view(changed, "L", position, SPACING)


def measured(image, seen, window_width=RECOMBINED_WINDOW[1]):
    skin = skin_edge(seen.mask, Side.LEFT)
    return measure_halo(
        image.astype(np.float32), seen.mask, skin, "left", (SPACING, SPACING), window_width, excluded=seen.pectoral
    )


def test_without_its_causes_there_is_no_halo():
    seen = view()
    assert measured(seen.recombined, seen).verdict is HaloVerdict.ABSENT
    assert seen.halo_step_mg_cm2 == 0
    assert np.abs(seen.halo_mg_cm2).max() < 1e-4
    assert np.array_equal(seen.recombined, seen.without_artifact)


@pytest.mark.parametrize("cause", [{"compensation_error": 0.10}, {"scatter_left": -0.35}])
def test_each_cause_alone_makes_a_halo(cause):
    # A free edge rounder than assumed, or more scatter taken away than there was.
    seen = view(**cause)
    assert measured(seen.recombined, seen).verdict is HaloVerdict.PRESENT
    assert seen.halo_step_mg_cm2 > 0.3
    # The same exposures, recombined without the error, show none.
    assert measured(seen.without_artifact, seen).verdict is not HaloVerdict.PRESENT


def test_scatter_left_in_brightens_toward_the_skin():
    # Scatter looks like less attenuation: where there is less of it, near the skin, the recombined image is brighter.
    halo, mask = view(scatter_left=0.25).halo_mg_cm2, view().mask
    rows = np.flatnonzero(mask.any(axis=1))
    middle = halo[(rows[0] + rows[-1]) // 2]
    last = int(np.flatnonzero(mask[(rows[0] + rows[-1]) // 2])[-1])
    assert middle[last - 25] > middle[20] + 0.3


def test_the_step_grows_with_the_compensation_error():
    steps = [view(compensation_error=e).halo_step_mg_cm2 for e in (0.03, 0.06, 0.12)]
    assert steps[0] > 0.2
    assert steps[1] / steps[0] == pytest.approx(2, rel=0.2)
    assert steps[2] / steps[1] == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize("number", range(4))
def test_the_true_step_is_what_measurement_finds_in_the_noise_free_map(number):
    patient = replace(draw_patient(12, number), lesions=())
    seen = view(patient, "CC" if number % 2 else "MLO", compensation_error=0.05 + 0.02 * number, scatter_left=0.1)
    found = measured(seen.halo_mg_cm2, seen, window_width=8.0)
    assert found.step == pytest.approx(seen.halo_step_mg_cm2, abs=0.1)
    assert found.step > 0.3


def test_the_map_is_what_the_errors_change_in_the_image():
    seen = view(compensation_error=0.1, scatter_left=0.1)
    change = (seen.recombined.astype(float) - seen.without_artifact) / UNITS_PER_MG
    inside = seen.mask & (seen.recombined > 1) & (seen.without_artifact > 1)
    difference = (change - seen.halo_mg_cm2)[inside]
    # Each image has its own baseline; a step of gray levels is 0.025 mg/cm2.
    assert np.percentile(np.abs(difference - np.median(difference)), 95) < 0.06


def test_the_true_step_of_a_known_profile():
    d = np.arange(0, 100, 0.5)[None, :] * np.ones((300, 1)) + 0.25
    band = np.where(d < 2, 0.5, np.where(d < 15, -1.0, np.where(d < 30, 0.6, 0.2)))
    mask = np.ones(d.shape, dtype=bool)
    assert halo_step(band[:, ::-1], d[:, ::-1], mask, None, 0.5) == pytest.approx(1.6, abs=0.02)
    assert halo_step(np.zeros_like(d), d[:, ::-1], mask, None, 0.5) == 0
    assert halo_step(np.where(d < 15, 1.0, 0.0)[:, ::-1], d[:, ::-1], mask, None, 0.5) == pytest.approx(0, abs=1e-6)
    assert halo_step(band[:, ::-1], d[:, ::-1], np.zeros_like(mask), None, 0.5) == 0


def test_pre_contrast_changes_nothing_but_the_low_energy_image():
    patient = replace(draw_patient(5, 1), bpe="d", glandularity=0.3)
    after = simulate_view(patient, "L", "CC", SPACING)
    before = simulate_view(patient, "L", "CC", SPACING, pre_contrast=True)
    for name in ("recombined", "without_artifact", "halo_mg_cm2", "iodine", "high_energy_raw", "mask"):
        assert np.array_equal(getattr(after, name), getattr(before, name))
    brighter = before.low_energy_raw.astype(float) - after.low_energy_raw
    assert (brighter[after.mask] >= -1).all()
    enhancing = (after.iodine > 0.5) & (after.low_energy_raw < 5000)
    ratio = np.log(before.low_energy_raw[enhancing] / after.low_energy_raw[enhancing]) / after.iodine[enhancing]
    assert np.median(ratio) == pytest.approx(0.018, abs=0.006)


@pytest.mark.slow
def test_half_of_the_images_show_a_halo():
    verdicts = []
    for number in range(60):
        seen = simulate_view(draw_patient(2, number), "L", ("CC", "MLO")[number % 2], SPACING)
        verdicts.append(measured(seen.recombined, seen).verdict)
    present = np.mean([verdict is HaloVerdict.PRESENT for verdict in verdicts])
    print(f"present {present:.2f}, absent {np.mean([v is HaloVerdict.ABSENT for v in verdicts]):.2f}")
    assert 0.4 <= present <= 0.6
