"""The 3-D breast: one body for both views, gland where it belongs, tubes with the cross-section they should have."""

from dataclasses import replace

import numpy as np
import pytest

from CEMSynthLib.phantom.anatomy import gland_share
from CEMSynthLib.phantom.body import VOXEL_MM, convergence, draw_body
from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.outline import breast_outline
from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.random_source import Stream, generator
from CEMSynthLib.phantom.tubes import Tube, chords
from CEMSynthLib.phantom.view import VIEWS, simulate_view

PATIENT = draw_patient(9, 3)


def _view(position, spacing=1.0):
    outline = breast_outline(PATIENT, position, generator(9, 3, Stream.OUTLINE, 0), spacing)
    return outline, Compression(PATIENT.mlo_angle_deg if position == "MLO" else 0.0, outline.nipple_mm)


def test_the_body_is_the_same_however_often_it_is_drawn():
    again = draw_body.__wrapped__(PATIENT, "L")
    assert np.array_equal(again.gland, draw_body.__wrapped__(PATIENT, "L").gland)
    assert not np.array_equal(again.gland, draw_body.__wrapped__(PATIENT, "R").gland)


def test_left_and_right_resemble_each_other_in_the_large():
    def coarse(laterality):
        gland = draw_body(PATIENT, laterality).gland
        n = [length // 12 * 12 for length in gland.shape]
        blocks = gland[: n[0], : n[1], : n[2]].reshape(n[0] // 12, 12, n[1] // 12, 12, n[2] // 12, 12)
        return blocks.mean(axis=(1, 3, 5)).ravel()

    assert np.corrcoef(coarse("L"), coarse("R"))[0, 1] > 0.6


def test_a_spot_of_gland_is_seen_at_its_projected_place_in_both_views():
    body = draw_body(PATIENT, "L")
    place = np.array([[55.0, 12.0, 14.0]])
    gland = np.zeros_like(body.gland)
    spot = replace(body, gland=gland)
    # The grid is narrower toward the nipple: find the voxel through what `sample` reads.
    grid = np.stack(np.meshgrid(*[np.arange(-6, 6.1, 1.5)] * 3, indexing="ij")).reshape(3, -1) + place.T
    middle = (gland.shape[1] - 1) / 2
    scale = 1 / (convergence(grid[0]) * VOXEL_MM)
    index = np.round(np.stack([grid[0] / VOXEL_MM, grid[1] * scale + middle, grid[2] * scale + middle])).astype(int)
    gland[tuple(index)] = 1.0
    for position in ("CC", "MLO"):
        outline, compression = _view(position)
        share = gland_share(spot, compression, outline)
        y, x = outline.coordinates()
        weights = share / share.sum()
        center = float((weights * y).sum()), float((weights * x).sum())
        assert center == pytest.approx(tuple(compression.project(place)[0]), abs=2.5)


def test_the_chord_of_the_body_is_that_of_a_half_ellipsoid():
    body = draw_body(PATIENT, "L")
    assert float(body.half_chord(np.array(body.depth_mm), np.array(0.0))) == pytest.approx(body.radius_mm)
    assert float(body.half_chord(np.array(body.depth_mm), np.array(0.6 * body.radius_mm))) == pytest.approx(
        0.8 * body.radius_mm
    )


@pytest.mark.parametrize("spacing", [0.2, 0.8, 1.5])
def test_a_tube_has_the_volume_of_its_radius(spacing):
    outline, compression = _view("CC", spacing)
    radius, length_mm = 1.3, float(np.hypot(40, 15))
    way = np.column_stack([np.linspace(30, 70, 40), np.linspace(0, 15, 40), np.zeros(40)])
    chord_cm = chords((Tube(way, np.full(40, radius)),), compression, outline)
    volume_mm3 = chord_cm.sum() * 10 * spacing**2
    with_caps = np.pi * radius**2 * length_mm + 4 / 3 * np.pi * radius**3
    assert volume_mm3 == pytest.approx(with_caps, rel=0.06)
    if spacing < 0.5:
        assert chord_cm.max() == pytest.approx(2 * radius / 10, rel=0.02)


def test_tubes_that_leave_the_detector_are_cut_not_wrapped():
    outline, compression = _view("CC")
    tube = Tube(np.column_stack([np.linspace(80, 400, 50), np.zeros(50), np.zeros(50)]), np.full(50, 2.0))
    length = chords((tube,), compression, outline)
    x = outline.coordinates()[1]
    assert length[:, (x > outline.nipple_mm[1] - 75).ravel()].max() == 0


def test_no_two_things_share_a_random_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """SeedSequence pads its numbers with zeros: (3, 1, 3) and (3, 1, 3, 0) would draw the same."""
    real, used = np.random.SeedSequence, set()

    def recorded(entropy: list[int]) -> np.random.SeedSequence:
        used.add(tuple(entropy))
        return real(entropy)

    monkeypatch.setattr(np.random, "SeedSequence", recorded)
    patient = draw_patient(3, 1)
    for side, position in VIEWS:
        simulate_view(patient, side, position, 1.6)
    monkeypatch.undo()
    padded = {key + (0,) * (8 - len(key)) for key in used}
    assert len(used) > 15
    assert len(padded) == len(used)
