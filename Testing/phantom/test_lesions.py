"""Lesions in a view: known projections, one shape for both views and all spacings, truth that surrounds them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.findings import add_findings
from CEMSynthLib.phantom.lesion_body import Body
from CEMSynthLib.phantom.lesion_plan import Distribution, LesionKind, LesionPlan, Margin, MassShape, Pattern
from CEMSynthLib.phantom.lesions import LesionShape, draw_shape, project
from CEMSynthLib.phantom.window import Window

PLACE = (55.0, 15.0, 5.0)
ROUND = LesionPlan("L", PLACE, 6.0, 0.9, 0.8, pattern=Pattern.HOMOGENEOUS)
SPICULATED = replace(ROUND, shape=MassShape.IRREGULAR, margin=Margin.SPICULATED, radius_mm=7.0)
NON_MASS = LesionPlan(
    "L", PLACE, 14.0, 0.6, 0.3, LesionKind.NON_MASS, True, None, None, False, Pattern.CLUMPED, Distribution.SEGMENTAL
)
EVERY_KIND = {
    "round": ROUND,
    "lobulated": replace(ROUND, shape=MassShape.OVAL, lobulated=True, pattern=Pattern.HETEROGENEOUS),
    "irregular": replace(ROUND, shape=MassShape.IRREGULAR, margin=Margin.IRREGULAR, pattern=Pattern.RIM),
    "spiculated": SPICULATED,
    "hidden": replace(ROUND, density=0.0),
    "cyst": replace(ROUND, kind=LesionKind.CYST, iodine=0.0, pattern=None),
    "scar": replace(SPICULATED, kind=LesionKind.SCAR, iodine=0.0, pattern=None),
    "segmental": NON_MASS,
    "linear": replace(NON_MASS, distribution=Distribution.LINEAR),
    "focal": replace(NON_MASS, distribution=Distribution.FOCAL, radius_mm=8.0, density=0.0),
    "regional": replace(NON_MASS, distribution=Distribution.REGIONAL, pattern=Pattern.HOMOGENEOUS),
}


def _lay(slab_breast, plan, position="CC", spacing=0.5):
    patient = replace(slab_breast.patient, lesions=(plan,))
    anatomy, compression = slab_breast.anatomy(patient, position, spacing)
    return add_findings(anatomy, compression, patient, "L"), anatomy


def _window(slab_breast, spacing=0.2, half=30.0):
    anatomy, compression = slab_breast.anatomy(slab_breast.patient, "CC", spacing)
    center = (150.0, 60.0)
    return Window.around(anatomy.outline, center, half), compression, center


def test_a_round_mass_casts_the_chord_of_a_ball(slab_breast):
    window, compression, center = _window(slab_breast)
    plan = replace(ROUND, radius_mm=8.0)
    seen = project(draw_shape(np.random.default_rng(2), plan), plan, compression, window, center)
    away = np.hypot(window.y_mm[:, None] - center[0], window.x_mm[None, :] - center[1])
    chord = 2 * np.sqrt(np.clip(8.0**2 - away**2, 0, None))
    # The mass is round within some percent of its radius.
    assert seen.tissue_mm[away < 6] == pytest.approx(chord[away < 6], abs=1.3)
    assert seen.tissue_mm.sum() == pytest.approx(chord.sum(), rel=0.03)
    assert seen.iodine[away < 1].mean() == pytest.approx(plan.iodine, rel=0.08)


@pytest.mark.parametrize("angle", [0.0, 45.0, 60.0])
def test_a_body_is_turned_as_the_beam_turns(slab_breast, angle):
    window, _, center = _window(slab_breast)
    voxel, offset = 0.8, np.array([4.8, 6.4, -8.0])
    tissue = np.zeros((48, 48, 48), dtype=np.float32)
    index = offset / voxel + 23.5
    low = np.floor(index).astype(int)
    tissue[tuple(slice(i, i + 2) for i in low)] = 1
    shape = LesionShape(body=Body(voxel, tissue, tissue))
    seen = project(shape, ROUND, Compression(angle, (0.0, 0.0)), window, center).tissue_mm
    rows, columns = (
        np.average(axis, weights=seen.sum(axis=1 - i)) for i, axis in enumerate((window.y_mm, window.x_mm))
    )
    up = np.cos(np.radians(angle)) * offset[1] + np.sin(np.radians(angle)) * offset[2]
    assert rows == pytest.approx(center[0] - up, abs=0.15)
    assert columns == pytest.approx(center[1] - offset[0], abs=0.15)


@pytest.mark.parametrize("name", EVERY_KIND)
def test_both_views_see_one_shape(slab_breast, name):
    plan = EVERY_KIND[name]
    window, _, center = _window(slab_breast, 0.25, 45.0)
    shape = draw_shape(np.random.default_rng(4), plan)
    tissue, iodine = [], []
    for angle in (0.0, 50.0):
        seen = project(shape, plan, Compression(angle, (0.0, 0.0)), window, center)
        tissue.append(seen.body_mm.sum())
        iodine.append(seen.iodine.sum())
    assert tissue[0] == pytest.approx(tissue[1], rel=0.03)
    assert iodine[0] == pytest.approx(iodine[1], rel=0.05)


@pytest.mark.parametrize("name", ["round", "spiculated", "segmental"])
@pytest.mark.parametrize("spacing", [0.2, 1.0, 2.0])
def test_iodine_and_tissue_do_not_depend_on_the_pixels(slab_breast, name, spacing):
    def amounts(pixel_mm):
        findings, anatomy = _lay(slab_breast, EVERY_KIND[name], spacing=pixel_mm)
        area = pixel_mm**2
        return findings.iodine.sum() * area, (findings.anatomy.glandular - anatomy.glandular).sum() * area

    for here, fine in zip(amounts(spacing), amounts(0.4), strict=True):
        assert here == pytest.approx(fine, rel=0.05)


@pytest.mark.parametrize("name", EVERY_KIND)
@pytest.mark.parametrize("position", ["CC", "MLO"])
def test_the_truth_surrounds_the_lesion(slab_breast, name, position):
    findings, anatomy = _lay(slab_breast, EVERY_KIND[name], position)
    (lesion,) = findings.lesions
    spacing = anatomy.outline.spacing_mm
    full = np.zeros(anatomy.outline.shape, dtype=bool)
    part = tuple(slice(c, c + n) for c, n in zip(lesion.corner, lesion.mask.shape, strict=True))
    full[part] = lesion.mask
    y, x = (axis.ravel() for axis in anatomy.outline.coordinates())
    whole = Window(slice(0, y.size), slice(0, x.size), y, x, spacing)
    inside = whole.inside(lesion.outline_mm)
    outside_mm = ndimage.distance_transform_edt(~inside) * spacing
    assert outside_mm[full].max() <= 1.0
    if lesion.plan.kind is not LesionKind.NON_MASS:
        # Nor does the curve leave a mass by more than that.
        assert (ndimage.distance_transform_edt(~full) * spacing)[inside].max() <= 1.0 + spacing
    assert findings.iodine[inside].mean() == pytest.approx(lesion.iodine, abs=1e-9)
    assert findings.iodine.max() == pytest.approx(lesion.peak_iodine, abs=1e-9)
    if lesion.plan.enhances:
        # Most of the iodine, and its strongest place, lie where the truth says; the rest is faint.
        assert findings.iodine[full].sum() >= 0.7 * findings.iodine.sum()
        assert full[np.unravel_index(findings.iodine.argmax(), full.shape)]
        assert findings.iodine[~ndimage.binary_dilation(full, iterations=2)].max() < 0.35 * findings.iodine.max()


@pytest.mark.parametrize("name", EVERY_KIND)
@pytest.mark.parametrize("position", ["CC", "MLO"])
def test_tissue_adds_up(slab_breast, name, position):
    findings, before = _lay(slab_breast, EVERY_KIND[name], position, 0.8)
    after = findings.anatomy
    parts = after.skin + after.adipose + after.glandular + after.muscle
    assert parts == pytest.approx(before.thickness, abs=1e-9)
    assert min(after.adipose.min(), after.glandular.min(), findings.iodine.min()) >= 0
    assert findings.iodine[~before.outline.mask].max() == 0
    assert (after.iodine_bpe <= before.iodine_bpe + 1e-12).all()
    added = (after.glandular - before.glandular).max()
    assert (added > 0.1) if EVERY_KIND[name].seen_on_low_energy else (added == 0)
    assert (findings.iodine.max() > 0.2) == EVERY_KIND[name].enhances


def test_what_it_lays_over_is_not_changed(slab_breast):
    patient = replace(slab_breast.patient, lesions=(ROUND,))
    anatomy, compression = slab_breast.anatomy(patient, "CC", 0.8)
    kept = anatomy.adipose.copy()
    first = add_findings(anatomy, compression, patient, "L")
    assert np.array_equal(anatomy.adipose, kept)
    again = add_findings(anatomy, compression, patient, "L")
    assert np.array_equal(first.iodine, again.iodine)
    assert np.array_equal(first.anatomy.glandular, again.anatomy.glandular)
    assert np.array_equal(first.lesions[0].outline_mm, again.lesions[0].outline_mm)
    assert not add_findings(anatomy, compression, patient, "R").lesions


def test_a_cyst_is_smooth_and_holds_no_iodine_not_even_of_the_background(slab_breast):
    findings, anatomy = _lay(slab_breast, replace(EVERY_KIND["cyst"], radius_mm=10.0), spacing=0.3)
    (lesion,) = findings.lesions
    assert findings.iodine.max() == 0
    row, column = (int(c / 0.3) for c in lesion.center_mm)
    # 20 mm of 47 mm of tissue hold none.
    share = findings.anatomy.iodine_bpe[row, column] / anatomy.iodine_bpe[row, column]
    assert share == pytest.approx(1 - 20 / (10 * slab_breast.inner), abs=0.06)


def test_spicules_leave_the_mass_and_end_in_the_breast(slab_breast):
    smooth, _ = _lay(slab_breast, replace(SPICULATED, margin=Margin.IRREGULAR), spacing=0.2)
    rough, anatomy = _lay(slab_breast, SPICULATED, spacing=0.2)
    (lesion,) = rough.lesions
    y, x = anatomy.outline.coordinates()
    away = np.hypot(y - lesion.center_mm[0], x - lesion.center_mm[1]) / lesion.plan.radius_mm
    ring = (away > 1.55) & (away < 1.75)

    def gained(findings):
        return (findings.anatomy.glandular - anatomy.glandular)[ring]

    assert gained(smooth).max() < 0.005
    # Single strands: much where they cross the ring, nothing between.
    assert gained(rough).max() > 0.04
    assert np.median(gained(rough)) < 0.3 * gained(rough).max()
    assert (rough.anatomy.glandular - anatomy.glandular)[away > 5].max() == 0


def test_rim_uptake_is_weaker_in_the_middle(slab_breast):
    ring, _ = _lay(slab_breast, replace(ROUND, radius_mm=9.0, pattern=Pattern.RIM), spacing=0.3)
    (lesion,) = ring.lesions
    row, column = (int(c / 0.3) for c in lesion.center_mm)
    assert ring.iodine[row - 3 : row + 4, column - 3 : column + 4].mean() < 0.75 * ring.iodine.max()
    assert lesion.iodine == pytest.approx(2 / 3 * lesion.plan.iodine, rel=0.15)  # the mean chord of a ball


def test_non_mass_enhancement_holds_the_iodine_of_its_plan(slab_breast):
    for distribution in Distribution:
        plan = replace(NON_MASS, distribution=distribution, iodine=0.5)
        window, compression, center = _window(slab_breast, 0.25, 45.0)
        iodine = project(draw_shape(np.random.default_rng(1), plan), plan, compression, window, center).iodine
        assert (iodine**2).sum() / iodine.sum() == pytest.approx(0.5, rel=0.02)


def test_a_segment_points_to_the_nipple_and_widens_away_from_it(slab_breast):
    plan = replace(NON_MASS, center_mm=(60.0, 40.0, 0.0), radius_mm=18.0)
    widths = []
    for seed in range(6):
        clumps = draw_shape(np.random.default_rng(seed), plan).clumps
        toward = np.array(plan.center_mm) / np.linalg.norm(plan.center_mm)
        along = clumps.places_mm @ toward
        across = np.linalg.norm(clumps.places_mm - along[:, None] * toward, axis=1)
        assert along.std() > 1.2 * across.std()
        widths.append((across[along < 0].mean(), across[along > 0].mean()))
    assert np.mean([far - near for near, far in widths]) > 1.0


def test_clumps_are_patchier_than_homogeneous_uptake(slab_breast):
    def patchiness(pattern):
        findings, _ = _lay(slab_breast, replace(NON_MASS, distribution=Distribution.REGIONAL, pattern=pattern))
        (lesion,) = findings.lesions
        part = tuple(slice(c, c + n) for c, n in zip(lesion.corner, lesion.mask.shape, strict=True))
        values = findings.iodine[part]
        fine = values - ndimage.gaussian_filter(values, 4)
        return fine[lesion.mask].std() / values[lesion.mask].mean()

    assert patchiness(Pattern.CLUMPED) > 1.5 * patchiness(Pattern.HOMOGENEOUS)
