"""Calcifications, clips, lymph nodes and the window they are laid into: sizes, volumes, the same in both views."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from CEMSynthLib.phantom.background_region import background_disc
from CEMSynthLib.phantom.calcifications import Calcification, draw_calcifications
from CEMSynthLib.phantom.clip import SHAPES, WIRE_MM, draw_clip, titanium_mm
from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.findings import add_findings
from CEMSynthLib.phantom.inserts import InsertKind, draw_inserts
from CEMSynthLib.phantom.lesion_place import Room
from CEMSynthLib.phantom.lesion_plan import LesionKind, LesionPlan, Pattern
from CEMSynthLib.phantom.lymph_node import draw_node
from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.random_source import Stream, generator
from CEMSynthLib.phantom.window import Window

CENTER = (150.0, 60.0)
CC, MLO = Compression(0.0, (0.0, 0.0)), Compression(45.0, (0.0, 0.0))


def _window(spacing, half=30.0):
    steps = (np.arange(int(2 * half / spacing)) + 0.5) * spacing - half
    sides = (slice(0, steps.size), slice(0, steps.size))
    return Window(*sides, CENTER[0] + steps, CENTER[1] + steps, spacing)


@pytest.mark.parametrize("spacing", [0.05, 0.1, 0.4, 1.0])
def test_balls_keep_their_volume(spacing):
    window = _window(spacing, 4.0)
    radii = np.array([0.05, 0.15, 0.6, 1.5])
    points = np.array(CENTER) + np.array([[0.01, 0.02], [-1.03, 0.5], [0.37, -0.6], [1.01, 1.23]])
    path = window.balls(points, radii)
    assert path.sum() * spacing**2 == pytest.approx((4 / 3 * np.pi * radii**3).sum(), rel=1e-6)
    if spacing <= 0.1:
        assert path.max() == pytest.approx(3.0, rel=0.2)


def test_balls_lie_where_they_are_put_and_none_outside():
    window = _window(0.2, 5.0)
    for radius in (0.05, 0.8):
        path = window.balls(np.array([[CENTER[0] + 1.3, CENTER[1] - 2.1]]), np.array([radius]))
        y = np.average(window.y_mm, weights=path.sum(axis=1))
        x = np.average(window.x_mm, weights=path.sum(axis=0))
        assert (y, x) == pytest.approx((CENTER[0] + 1.3, CENTER[1] - 2.1), abs=0.03)
        assert window.balls(np.array([[CENTER[0] + 40, CENTER[1]]]), np.array([radius])).max() == 0


def test_a_polygon_holds_the_pixels_inside():
    window = _window(0.5, 12.0)
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    circle = np.array(CENTER) + 9.0 * np.column_stack([np.sin(angle), np.cos(angle)])
    away = np.hypot(window.y_mm[:, None] - CENTER[0], window.x_mm[None, :] - CENTER[1])
    inside = window.inside(circle)
    assert inside[away < 8.97].all()
    assert not inside[away > 9.0].any()


def test_a_window_beyond_the_detector_is_empty(slab_breast):
    anatomy, _ = slab_breast.anatomy(slab_breast.patient, "CC", 1.0)
    assert Window.around(anatomy.outline, (-80.0, 20.0), 10.0).empty
    assert not Window.around(anatomy.outline, (-8.0, 20.0), 10.0).empty


def test_fine_calcifications_have_published_sizes_and_form_a_group():
    for seed in range(20):
        places, radii = draw_calcifications(np.random.default_rng(seed), Calcification.PUNCTATE, 5.0)
        assert 6 <= len(radii) <= 30
        assert 0.13 <= 2 * radii.mean() <= 0.26
        assert np.median(np.linalg.norm(places, axis=1)) < 5.0
    grains = [draw_calcifications(np.random.default_rng(s), Calcification.FINE_PLEOMORPHIC, 5.0)[1] for s in range(20)]
    punctate = [draw_calcifications(np.random.default_rng(s), Calcification.PUNCTATE, 5.0)[1] for s in range(20)]
    spread = [np.log(np.concatenate(x)).std() for x in (grains, punctate)]
    assert spread[0] > 1.2 * spread[1], "pleomorphic ones differ in size"
    assert max(map(np.max, grains)) <= 0.35


def test_vascular_calcifications_run_on_two_sides_of_a_vessel():
    places, _ = draw_calcifications(np.random.default_rng(3), Calcification.VASCULAR, 18.0)
    assert np.ptp(places[:, 0]) > 25
    # Take the winding away (it is slow along the vessel): two walls are left, 1.5 to 2.5 mm apart.
    order = np.argsort(places[:, 0])
    along, across = places[order, 0], places[order, 1]
    middle = np.array([across[np.abs(along - a) < 2.5].mean() for a in along])
    sides = across - middle
    assert 1.2 < sides[sides > 0.3].mean() - sides[sides < -0.3].mean() < 2.8


@pytest.mark.parametrize("shape", SHAPES)
def test_a_clip_is_two_to_three_millimeters_of_wire(shape):
    for seed in range(6):
        wire = draw_clip(np.random.default_rng(seed), shape)
        size = np.linalg.norm(wire[:, None] - wire[None], axis=2).max() + 2 * WIRE_MM
        assert 1.9 <= size <= 3.6
    window = _window(0.1, 4.0)
    volumes = [titanium_mm(wire, view, window, CENTER).sum() * 0.01 for view in (CC, MLO)]
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-3)


def test_a_lymph_node_has_fat_in_its_hilum_and_is_one_bean():
    for seed in range(6):
        node = draw_node(np.random.default_rng(seed), 6.0)
        whole = node.cortex.tissue + node.hilum
        assert whole.max() <= 1 + 1e-6
        assert ndimage.label(whole > 0.5)[1] == 1
        assert 0.08 < node.hilum.sum() / whole.sum() < 0.5


def test_inserts_of_a_breast_are_the_same_in_both_views_but_for_the_axilla():
    kinds, both = set(), 0
    for number in range(60):
        patient = draw_patient(2, number)
        room = Room(10 * patient.depth, 10 * patient.half_height, patient.mlo_angle_deg)
        lesions = tuple((n, p) for n, p in enumerate(patient.lesions, 1) if p.laterality == "L")
        plans = draw_inserts(generator(2, number, Stream.INSERTS, 1, 0), room, lesions)
        assert plans == draw_inserts(generator(2, number, Stream.INSERTS, 1, 0), room, lesions)
        for plan in plans:
            kinds.add((plan.kind, plan.description))
            assert plan.mlo_only == (plan.description == "axillary")
            if plan.lesion is not None:
                assert plan.center_mm == dict(lesions)[plan.lesion].center_mm
            elif not plan.mlo_only:
                seen = room.seen(np.array(plan.center_mm))
                assert abs(np.hypot(*seen[0]) - np.hypot(*seen[1])) <= 8.0
                both += 1
    assert both >= 5
    assert {kind for kind, _ in kinds} == set(InsertKind)


def _with(slab_breast, position, wanted, lesions):
    """The findings of the first patient whose left breast holds an insert of this kind and description."""
    for number in range(400):
        patient = replace(slab_breast.patient, number=number, lesions=lesions)
        anatomy, compression = slab_breast.anatomy(patient, position, 0.4)
        findings = add_findings(anatomy, compression, patient, "L")
        for insert in findings.inserts:
            if (insert.plan.kind, insert.plan.description) == wanted or (
                wanted[1] is None and insert.plan.kind is wanted[0]
            ):
                return findings, anatomy, insert
    raise AssertionError(f"no patient has {wanted}")


MASS = LesionPlan("L", (55.0, 15.0, 5.0), 7.0, 1.0, 0.9, malignant=True, pattern=Pattern.HOMOGENEOUS)


def test_calcifications_and_clips_reach_the_physics_where_the_truth_says(slab_breast):
    for wanted, name in (
        ((InsertKind.CALCIFICATIONS, Calcification.FINE_PLEOMORPHIC), "calcification"),
        ((InsertKind.CLIP, None), "titanium"),
    ):
        findings, anatomy, insert = _with(slab_breast, "MLO", wanted, (MASS,))
        path = getattr(findings, name)
        y, x = anatomy.outline.coordinates()
        assert path.max() > 0.001
        told = [i.positions_mm for i in findings.inserts if i.plan.kind is insert.plan.kind]
        near = np.zeros(path.shape, dtype=bool)
        for py, px in np.concatenate(told):
            near |= np.hypot(y - py, x - px) < 2.5
        assert path[~near].max() == 0
        lesion = next(x for x in findings.lesions if x.number == insert.plan.lesion)
        assert np.hypot(*np.subtract(insert.center_mm, lesion.center_mm)) < 12


def test_a_breast_without_calcifications_costs_no_array(slab_breast):
    anatomy, compression = slab_breast.anatomy(slab_breast.patient, "CC", 0.8)
    findings = add_findings(anatomy, compression, slab_breast.patient, "L")
    assert findings.inserts == ()
    assert (findings.calcification, findings.titanium) == (0.0, 0.0)


def test_an_axillary_node_is_seen_in_mlo_only_and_keeps_the_thickness(slab_breast):
    findings, before, node = _with(slab_breast, "MLO", (InsertKind.LYMPH_NODE, "axillary"), ())
    after = findings.anatomy
    assert after.adipose + after.glandular == pytest.approx(before.adipose + before.glandular, abs=1e-9)
    assert min(after.adipose.min(), after.glandular.min()) >= 0
    assert node.center_mm[0] < before.outline.nipple_mm[0] - 40, "above the nipple"
    changed = np.abs(after.glandular - before.glandular)
    y, x = before.outline.coordinates()
    own = np.hypot(y - node.center_mm[0], x - node.center_mm[1]) < 1.7 * node.plan.size_mm
    assert changed[own].max() > 0.2


def test_the_background_lies_free_at_the_same_distance_to_the_skin(slab_breast):
    anatomy, _ = slab_breast.anatomy(slab_breast.patient, "CC", 0.8)
    outline = anatomy.outline
    taken = [(*CENTER, 8.0), (CENTER[0] + 25, CENTER[1], 6.0)]
    found = background_disc(CENTER, 6.0, 8.0, outline, taken)
    assert found is not None
    for y, x, radius in taken:
        assert np.hypot(found[0] - y, found[1] - x) >= 6.0 + radius

    def skin(point):
        return outline.skin_distance_mm[int(point[0] / 0.8), int(point[1] / 0.8)]

    assert abs(skin(found) - skin(CENTER)) < 6
    assert skin(found) >= 12
    assert background_disc(CENTER, 6.0, 8.0, outline, [(*CENTER, 300.0)]) is None


def test_a_lesion_that_leaves_no_room_for_a_background_is_told_all_the_same(slab_breast):
    small = replace(slab_breast.patient, half_height=4.0, depth=4.5)
    plan = LesionPlan("L", (20.0, 0.0, 0.0), 12.0, 1.0, 0.8, LesionKind.MASS, pattern=Pattern.HOMOGENEOUS)
    patient = replace(small, lesions=(plan,))
    anatomy, compression = slab_breast.anatomy(patient, "CC", 1.0)
    findings = add_findings(anatomy, compression, patient, "L")
    assert findings.iodine.max() > 0.5
    assert [lesion.background_center_mm for lesion in findings.lesions] == [None]
