"""The simulated breast: drawn distributions, texture, tissue that adds up, bad anatomy refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from CEMSynthLib.phantom.anatomy import breast_anatomy
from CEMSynthLib.phantom.body import draw_body
from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.outline import breast_outline, edge_profile
from CEMSynthLib.phantom.patient import POSITIONS, draw_patient
from CEMSynthLib.phantom.physics import Tissue, log_signal
from CEMSynthLib.phantom.random_source import Stream, generator
from CEMSynthLib.phantom.texture import power_law_field
from CEMSynthLib.phantom.view import VIEWS, simulate_view


def texture_exponent(image, inside, spacing_mm, side_mm=51.2):
    """Exponent beta of a power spectrum 1/f^beta at 0.15 to 0.7 cycles per mm, mean of the squares inside.

    Burgess, Med Phys 2001: Hann-tapered squares of the logarithmic image, radial mean, straight line in log-log.
    """
    side = round(side_mm / spacing_mm)
    taper = np.outer(np.hanning(side), np.hanning(side))
    frequency = np.hypot(np.fft.fftfreq(side, spacing_mm)[:, None], np.fft.fftfreq(side, spacing_mm)[None, :])
    width = 1 / side_mm
    starts = np.arange(0.15, 0.7, width)
    rings = [(frequency >= start) & (frequency < start + width) for start in starts]
    slopes = []
    for row in range(0, image.shape[0] - side, side // 2):
        for column in range(0, image.shape[1] - side, side // 2):
            window = (slice(row, row + side), slice(column, column + side))
            if inside[window].all():
                power = np.abs(np.fft.fft2((image[window] - image[window].mean()) * taper)) ** 2
                means = [power[ring].mean() for ring in rings]
                slopes.append(np.polyfit(np.log(starts + width / 2), np.log(means), 1)[0])
    return -float(np.mean(slopes)) if slopes else float("nan")


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


def _anatomy(patient, position, spacing):
    key = (0, POSITIONS.index(position))
    outline = breast_outline(patient, position, generator(patient.seed, patient.number, Stream.OUTLINE, *key), spacing)
    compression = Compression(patient.mlo_angle_deg if position == "MLO" else 0.0, outline.nipple_mm)
    rng = generator(patient.seed, patient.number, Stream.TEXTURE, *key)
    return breast_anatomy(patient, position, outline, draw_body(patient, "L"), compression, rng)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["CC", "MLO"]))
def test_tissues_add_up_to_the_thickness_and_meet_the_glandularity(number, position):
    patient = draw_patient(9, number)
    anatomy = _anatomy(patient, position, 1.2)
    inside = anatomy.outline.mask
    parts = anatomy.skin + anatomy.adipose + anatomy.glandular + anatomy.muscle
    assert parts == pytest.approx(anatomy.thickness, abs=1e-9)
    for part in (anatomy.skin, anatomy.adipose, anatomy.glandular, anatomy.muscle, anatomy.iodine_bpe):
        assert part.min() >= 0
        assert part[~inside].max(initial=0) == 0
    assert ndimage.label(inside)[1] == 1
    share = anatomy.glandular[inside].sum() / (anatomy.glandular + anatomy.adipose + anatomy.muscle)[inside].sum()
    assert share == pytest.approx(patient.glandularity, abs=0.05)
    assert (anatomy.muscle.max() > 0.5) == (position == "MLO")


@pytest.mark.parametrize(("position", "mean", "deviation"), [("CC", 3.17, 0.23), ("MLO", 3.30, 0.24)])
def test_the_texture_has_the_published_exponent(position, mean, deviation):
    # Primary LE without noise, as mammograms are measured; design notes, section 5.
    exponents = []
    for number in range(5):
        anatomy = _anatomy(draw_patient(41, number), position, 0.6)
        tissue = Tissue(anatomy.adipose, anatomy.glandular, anatomy.skin, anatomy.muscle)
        inside = anatomy.outline.skin_distance_mm > 8
        exponents.append(texture_exponent(log_signal("RhRh29", tissue), inside, 0.6))
    assert np.nanmean(exponents) == pytest.approx(mean, abs=deviation)
    assert 0.05 < np.nanstd(exponents) < 2 * deviation


def test_the_exponent_is_measured_right():
    field = power_law_field(np.random.default_rng(2), (512, 512), 0.4, 3.0, 1000.0)
    assert texture_exponent(field, np.ones(field.shape, bool), 0.4) == pytest.approx(3.0, abs=0.1)


def test_the_inside_does_not_depend_on_the_pixel_spacing():
    coarse, fine = (_anatomy(draw_patient(41, 2), "CC", spacing) for spacing in (1.2, 0.6))
    # Two by two pixels of 0.6 mm are one of 1.2 mm; the finest grain differs.
    rows, columns = (2 * (n // 2) for n in fine.glandular.shape)
    pairs = fine.glandular[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    shape = tuple(min(a, b) for a, b in zip(pairs.shape, coarse.glandular.shape, strict=True))
    inside = coarse.outline.skin_distance_mm[: shape[0], : shape[1]] > 5
    pairs, other = pairs[: shape[0], : shape[1]][inside], coarse.glandular[: shape[0], : shape[1]][inside]
    assert np.corrcoef(pairs, other)[0, 1] > 0.9


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"thickness_cc": 0.0}, "thickness cc 0"),
        ({"glandularity": 1.5}, "glandularity 1.5"),
        ({"bpe": "e"}, "BPE 'e'"),
        ({"depth": -3.0}, "depth -3"),
    ],
)
def test_impossible_anatomy_is_refused_by_name(change, named):
    with pytest.raises(PhantomError, match=named):
        replace(draw_patient(1, 1), **change)


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


@pytest.mark.parametrize("spacing", [0.0, 0.01, 5.0])
def test_impossible_spacing_is_refused(spacing):
    with pytest.raises(PhantomError, match="pixel spacing"):
        simulate_view(draw_patient(1, 1), "L", "CC", spacing)
