"""The simulated breast: drawn distributions, texture, tissue that adds up, lesions where the truth says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from CEMSynthLib.phantom.anatomy import breast_anatomy
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.lesions import add_lesions
from CEMSynthLib.phantom.outline import breast_outline, edge_profile
from CEMSynthLib.phantom.patient import LesionPlan, draw_patient, patient_generator
from CEMSynthLib.phantom.texture import power_law_field
from CEMSynthLib.phantom.view import VIEWS, simulate_view


def test_patients_follow_the_published_distributions():
    patients = [draw_patient(3, n) for n in range(400)]
    thickness = np.array([p.thickness_cc for p in patients])
    glandularity = np.array([p.glandularity for p in patients])
    assert thickness.mean() == pytest.approx(5.9, abs=0.25)
    assert thickness.std() == pytest.approx(1.6, abs=0.25)
    assert glandularity.mean() == pytest.approx(0.193, abs=0.02)
    assert (glandularity <= 0.45).mean() >= 0.95
    assert np.mean([p.bpe in "ab" for p in patients]) == pytest.approx(0.78, abs=0.07)


def test_a_patient_depends_on_seed_and_number_alone():
    again, other = draw_patient(1, 7), draw_patient(2, 7)
    assert draw_patient(1, 7) == again
    assert other.thickness_cc != again.thickness_cc
    with pytest.raises(PhantomError, match="negative"):
        draw_patient(-1, 0)


@pytest.mark.parametrize("beta", [2.8, 3.17, 3.3])
def test_power_law_field_has_the_exponent_asked_for(beta):
    field = power_law_field(np.random.default_rng(1), (512, 512), 0.4, beta, 1000.0)
    power = np.abs(np.fft.fft2(field)) ** 2
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.fftfreq(512)[None, :])
    used = (frequency > 0.02) & (frequency < 0.3)
    # Radial means first: the logarithm of single periodogram bins is biased, alike at all frequencies.
    slope = np.polyfit(np.log(frequency[used]), np.log(power[used]), 1)[0]
    assert -slope == pytest.approx(beta, abs=0.05)


@given(st.floats(1.0, 60.0), st.floats(0.0, 100.0))
def test_the_edge_is_a_quarter_circle(radius, distance):
    height = float(edge_profile(np.array(distance), radius))
    assert 0 <= height <= 1
    if distance < radius:
        assert (1 - distance / radius) ** 2 + height**2 == pytest.approx(1.0)
    else:
        assert height == 1.0


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["CC", "MLO"]))
def test_tissues_add_up_to_the_thickness_and_meet_the_glandularity(number, view):
    patient, rng = draw_patient(9, number), patient_generator(9, number, 1)
    outline = breast_outline(patient, view, rng, 1.2)
    anatomy = breast_anatomy(patient, view, outline, rng)
    parts = anatomy.skin + anatomy.adipose + anatomy.glandular + anatomy.muscle
    assert parts == pytest.approx(anatomy.thickness, abs=1e-9)
    for part in (anatomy.skin, anatomy.adipose, anatomy.glandular, anatomy.muscle, anatomy.iodine_bpe):
        assert part.min() >= 0
        assert part[~outline.mask].max(initial=0) == 0
    assert ndimage.label(outline.mask)[1] == 1
    inside = outline.mask
    share = anatomy.glandular[inside].sum() / (anatomy.glandular + anatomy.adipose + anatomy.muscle)[inside].sum()
    assert share == pytest.approx(patient.glandularity, abs=0.10)


def test_views_hang_with_the_chest_wall_outside():
    patient = draw_patient(4, 1)
    for side, view in VIEWS:
        image = simulate_view(patient, side, view, 1.2)
        columns = np.flatnonzero(image.mask.any(axis=0))
        touches_left, touches_right = columns[0] == 0, columns[-1] == image.mask.shape[1] - 1
        assert (touches_left, touches_right) == ((True, False) if side == "L" else (False, True))
        assert (image.low_energy[~image.mask] == 0).all()
        assert (image.recombined[~image.mask] == 0).all()
        assert image.low_energy.max() < 4096


def test_the_truth_holds_the_iodine_of_the_lesions():
    checked = 0
    for number in range(8):
        patient = draw_patient(21, number)
        for side, view in VIEWS[:2]:
            if not any(plan.laterality == side and plan.iodine > 0.5 for plan in patient.lesions):
                continue
            image = simulate_view(patient, side, view, 1.0)
            for lesion in image.lesions:
                x, y = image.xy_mm(np.array([lesion.center_mm]))[0]
                around = image.iodine[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
                if lesion.plan.iodine > 0.5 and not lesion.plan.rim:
                    assert around.mean() >= 0.75 * lesion.plan.iodine
                    checked += 1
    assert checked >= 2


def test_no_lesion_holds_iodine_that_the_truth_does_not_tell():
    placed = 0
    for number in range(30):
        patient, rng = draw_patient(17, number), patient_generator(17, number, 1)
        plans = tuple(plan for plan in patient.lesions if plan.iodine > 0)
        if not plans:
            continue
        anatomy = breast_anatomy(patient, "CC", breast_outline(patient, "CC", rng, 1.5), rng)
        _, iodine, lesions = add_lesions(anatomy, plans, rng)
        y, x = anatomy.outline.coordinates()
        for lesion in lesions:
            reach = 2 * lesion.plan.radius_mm + 3
            iodine[np.hypot(y - lesion.center_mm[0], x - lesion.center_mm[1]) < reach] = 0
        assert iodine.max() < 0.01
        placed += len(lesions)
    assert placed >= 10


def test_a_lesion_that_leaves_no_room_for_a_background_is_told_all_the_same():
    patient = replace(draw_patient(17, 0), half_height=4.6, depth=6.0, thickness_cc=4.0)
    plan = LesionPlan("L", 14.0, 0.45, 0.0, iodine=1.0, density=0.5, rim=False, spiculation=0.0)
    rng = patient_generator(17, 0, 1)
    anatomy = breast_anatomy(patient, "CC", breast_outline(patient, "CC", rng, 1.5), rng)
    _, iodine, lesions = add_lesions(anatomy, (plan,), rng)
    assert iodine.max() > 0.5
    assert [lesion.background_center_mm for lesion in lesions] == [None]


@pytest.mark.parametrize("spacing", [0.0, 0.01, 5.0])
def test_impossible_spacing_is_refused(spacing):
    with pytest.raises(PhantomError, match="pixel spacing"):
        simulate_view(draw_patient(1, 1), "L", "CC", spacing)
