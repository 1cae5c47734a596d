import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from CEMSynthLib.study.fine_structure import FineStructure
from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, PixelGrid, Side, VOIWindow
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.study.registration import on_low_energy_grid, outline_candidates, overlap
from CEMSynthLib.study.resampling import AxisTransform, covered, mask_iou, plain_resize, resample
from CEMSynthLib.study.residual import RegistrationResidual, outline_residual


def outline(rows, columns, scale=(1.0, 1.0), shift=(0.0, 0.0)):
    """A breast that is not symmetrical, seen through ``position = scale * pixel + shift``."""
    row = np.arange(rows)[:, None] * scale[0] + shift[0]
    column = np.arange(columns)[None, :] * scale[1] + shift[1]
    return ((row - 120) / np.where(row < 120, 110, 90)) ** 2 + (column / 130) ** 2 <= 1


def image_of(array, kind, uid=None):
    array = np.asarray(array, dtype=np.float32)
    return CEMImage(
        path=Path(f"/x/{kind.value}.png"), kind=kind, grid=PixelGrid(*array.shape, None),
        window=VOIWindow(0, 1), chest_wall=None, bits_stored=8, sop_instance_uid=uid, load=lambda: array,
    )  # fmt: skip


def pair(low, recombined, uid=None):
    return Acquisition(
        None, None, image_of(low, ImageKind.LOW_ENERGY, uid and uid + ".1"),
        recombined=image_of(recombined, ImageKind.RECOMBINED, uid and uid + ".2"),
    )  # fmt: skip


CROPS = [((1.08, 1.0), (-20.0, 0.0)), ((0.97, 0.96), (6.0, 0.0)), ((1.0, 1.0), (4.0, 0.0))]


def distance(transform, scale, shift, shape):
    """Largest error of a found transform within the image, in moving pixels, per axis.

    Fixed pixel f shows position f, moving pixel m shows scale * m + shift; so m = (f - shift) / scale.
    """
    errors = []
    for axis, size in enumerate(shape):
        ends = np.array([0.1 * size, 0.8 * size])
        expected = (ends - shift[axis]) / scale[axis]
        errors.append(np.abs(transform.scale[axis] * ends + transform.shift[axis] - expected).max())
    return errors


@pytest.mark.parametrize(("scale", "shift"), CROPS)
def test_a_known_crop_is_found_again_by_the_outline(scale, shift):
    fixed, moving = outline(256, 160), outline(256, 160, scale, shift)
    plain = plain_resize(moving.shape, fixed.shape)
    best = max(outline_candidates(fixed, moving), key=lambda c: overlap(fixed, moving, c))
    assert overlap(fixed, moving, best) > 0.995
    assert overlap(fixed, moving, best) > overlap(fixed, moving, plain)
    assert max(distance(best, scale, shift, fixed.shape)) < 1.5


def texture(rows, columns, scale, shift):
    """The same random tissue seen through ``position = scale * pixel + shift``."""
    noise = np.fft.rfft2(np.random.default_rng(3).standard_normal((400, 300)))
    frequency = np.hypot(np.fft.fftfreq(400)[:, None], np.fft.rfftfreq(300)[None, :])
    # Power 1/f^3, as in mammograms (Burgess 2001).
    pattern = np.fft.irfft2(noise / np.maximum(frequency, 1 / 400) ** 1.5, s=(400, 300))
    row = np.arange(rows) * scale[0] + shift[0] + 60
    column = np.arange(columns) * scale[1] + shift[1] + 60
    return ndimage.map_coordinates(pattern / pattern.std(), np.meshgrid(row, column, indexing="ij"), order=1)


@pytest.mark.parametrize(("scale", "shift"), [CROPS[0], ((1.03, 1.04), (0.0, 5.0))])
def test_a_known_crop_is_found_again_by_the_fine_structure(scale, shift):
    fixed, moving = outline(256, 160), outline(256, 160, scale, shift)
    rng = np.random.default_rng(5)
    low = np.where(fixed, 100 + 30 * texture(256, 160, (1, 1), (0, 0)), 0).astype(np.float32)
    # The recombined image: mostly noise, a little of the tissue, and another skin line (3 pixels further in).
    inner = ndimage.binary_erosion(moving, iterations=3)
    hidden = 60 + 12 * texture(256, 160, scale, shift) + 8 * rng.standard_normal(moving.shape)
    recombined = np.where(inner, hidden, 0).astype(np.float32)
    assert "by its fine structure" in on_low_energy_grid(pair(low, recombined)).note
    structure = FineStructure(low, recombined, fixed, inner)
    truth = AxisTransform((1 / scale[0], 1 / scale[1]), (-shift[0] / scale[0], -shift[1] / scale[1]))
    found = structure.refined([*outline_candidates(fixed, inner), plain_resize(inner.shape, fixed.shape)])
    # The outlines are 2.5 to 7 pixels off here; noise leaves about one (the truth itself correlates no better).
    assert max(distance(found, scale, shift, fixed.shape)) < 1.0
    assert structure.correlation(found) > structure.correlation(truth) - 0.005


def test_noise_alone_is_no_fine_structure():
    fixed = outline(256, 160)
    rng = np.random.default_rng(6)
    images = [np.where(fixed, 100 + 20 * rng.standard_normal(fixed.shape), 0).astype(np.float32) for _ in range(2)]
    structure = FineStructure(*images, fixed, fixed)
    start = plain_resize(fixed.shape, fixed.shape)
    assert abs(structure.correlation(start)) < 0.05
    assert structure.correlation(structure.refined([start])) < 0.15
    flat = fixed.astype(np.float32)
    assert FineStructure(flat, flat, fixed, fixed).correlation(start) == 0.0


def test_transforms_compose_and_invert():
    first, second = AxisTransform((1.2, 0.8), (3.0, -2.0)), AxisTransform((0.5, 2.0), (1.0, 4.0))
    both = second.after(first)
    assert both.scale == pytest.approx((0.6, 1.6))
    assert both.shift == pytest.approx((2.5, 0.0))
    same = first.inverse().after(first)
    assert (*same.scale, *same.shift) == pytest.approx((1, 1, 0, 0))


def test_another_matrix_is_brought_to_the_low_energy_grid_and_twice_alike():
    fixed = outline(256, 160)
    moving = outline(230, 150, (1.06, 1.02), (5.0, 0.0))
    acquisition = pair(fixed * 90.0, moving * 50.0)
    first, second = on_low_energy_grid(acquisition), on_low_energy_grid(acquisition)
    assert first.recombined.shape == (256, 160)
    assert first.resampled
    assert first.mask_iou > 0.98
    assert mask_iou(first.recombined > 25, fixed) > 0.97
    assert np.array_equal(first.recombined, second.recombined)
    assert "registered" in first.note


def test_dicom_pairs_on_one_grid_are_never_resampled():
    low, recombined = outline(64, 40, (4, 4)) * 900.0, outline(64, 40, (3.8, 3.9)) * 2000.0
    aligned = on_low_energy_grid(pair(low, recombined, uid="1.2"))
    assert not aligned.resampled
    assert np.array_equal(aligned.recombined, recombined)
    assert aligned.mask_iou is None
    assert aligned.covered is None


def test_a_pair_that_fits_is_left_as_it_is():
    low = outline(128, 80, (2, 2))
    aligned = on_low_energy_grid(pair(low * 90.0, low * 40.0))
    assert not aligned.resampled
    assert aligned.mask_iou == 1.0
    assert np.array_equal(aligned.recombined, low * 40.0)


def test_a_recombined_image_cropped_more_tightly_says_what_it_does_not_reach():
    fixed = outline(256, 160)
    crop = outline(236, 160, (1.0, 1.0), (20.0, 0.0))
    aligned = on_low_energy_grid(pair(fixed * 90.0, crop * 50.0))
    assert aligned.resampled
    assert not aligned.covered[:15].any()
    assert aligned.covered[25:].all()
    assert "cropped more tightly" in aligned.note
    assert (aligned.recombined[~aligned.covered] == 0).all()


def test_no_recombined_and_no_low_energy_image():
    low = image_of(outline(64, 40, (4, 4)), ImageKind.LOW_ENERGY)
    assert on_low_energy_grid(Acquisition(None, None, low)).recombined is None
    with pytest.raises(ValueError, match="no low-energy"):
        on_low_energy_grid(Acquisition(None, None, None))


def test_no_breast_is_no_reason_to_stop():
    aligned = on_low_energy_grid(pair(np.zeros((20, 10)), np.ones((10, 10))))
    assert aligned.recombined.shape == (20, 10)
    assert "No breast" in aligned.note


def test_resample_is_exact_on_a_ramp():
    ramp = np.add.outer(10.0 * np.arange(30), np.arange(20)).astype(np.float32)
    moved = resample(ramp, AxisTransform((0.5, 1.25), (3.0, 1.0)), (20, 12))
    expected = np.add.outer(10 * (0.5 * np.arange(20) + 3), 1.25 * np.arange(12) + 1)
    np.testing.assert_allclose(moved, expected, rtol=1e-5)
    same = plain_resize((30, 20), (30, 20))
    assert np.array_equal(resample(ramp, same, (30, 20)), ramp)
    assert covered(same, (30, 20), (30, 20)).all()
    assert not covered(AxisTransform((1, 1), (2, 0)), (30, 20), (30, 20))[28:].any()


@pytest.mark.parametrize("stem", ["P10_L_{}_MLO.png", "P12_L_{}_CC.png"])
def test_real_pairs_lie_on_each_other(real_pairs, tmp_path, stem):
    for token in ("DM", "CM"):
        shutil.copy(real_pairs / stem.format(token), tmp_path)
    aligned = on_low_energy_grid(read_folder(tmp_path).studies[0].acquisitions[0])
    assert aligned.mask_iou > 0.98
    assert aligned.residual.outline_share < 0.005
    assert aligned.residual.confirmed
    assert aligned.recombined.shape == aligned.low_energy.shape
    # Not only the outline: what both images show inside lies on each other (0.38 and 0.41; 0.17 and -0.03 as they are).
    masks = [breast_mask(i).mask for i in (aligned.low_energy, aligned.recombined)]
    fine = FineStructure(aligned.low_energy, aligned.recombined, *masks)
    assert fine.correlation(plain_resize((512, 256), (512, 256))) > 0.33


def half_disc(rows, columns, radius, center=None):
    row, column = np.mgrid[:rows, :columns]
    return (row - (center or rows / 2)) ** 2 + column**2 <= radius**2


def test_the_residual_is_the_distance_of_two_circles():
    first, second = half_disc(400, 300, 150), half_disc(400, 300, 156)
    everywhere = np.ones(first.shape, dtype=bool)
    residual = outline_residual(first, second, Side.LEFT, everywhere, 0.3)
    assert residual.outline_pixels == pytest.approx(6, abs=0.3)
    assert residual.outline_share == pytest.approx(6 / 300, abs=0.001)
    same = outline_residual(first, first, Side.LEFT, everywhere, 0.3)
    assert (same.outline_pixels, same.acceptable) == (0, True)
    nothing = outline_residual(first, np.zeros_like(first), Side.LEFT, everywhere, 0.3)
    assert not nothing.acceptable


@pytest.mark.parametrize(("share", "correlation", "acceptable"), [
    (0.019, 0.2, True), (0.021, 0.2, False), (0.005, 0.0, True), (0.006, 0.0, False), (0.006, None, False),
])  # fmt: skip
def test_the_content_decides_how_much_residual_is_accepted(share, correlation, acceptable):
    assert RegistrationResidual(100 * share, share, correlation).acceptable is acceptable


def test_the_border_of_a_tight_crop_is_no_skin():
    whole, cut = half_disc(400, 300, 150), half_disc(400, 300, 150)
    cut[:120] = False
    reach = np.ones(whole.shape, dtype=bool)
    reach[:120] = False
    assert outline_residual(whole, cut, Side.LEFT, reach, None).outline_pixels == 0
    assert outline_residual(whole, cut, Side.LEFT, np.ones_like(reach), None).outline_pixels > 5


def test_a_pair_of_two_breasts_is_refused_with_the_reason():
    wide = half_disc(256, 200, 100)
    row, column = np.mgrid[:256, :200]
    other = (np.abs(row - 128) / 100 + column / 150 <= 1) | ((np.abs(row - 60) < 40) & (column < 60))
    aligned = on_low_energy_grid(pair(wide * 90.0, other * 50.0))
    assert aligned.refused
    assert aligned.recombined is None
    assert not aligned.residual.acceptable
    assert "does not fit" in aligned.note
    assert "of the breast's height" in aligned.note


@pytest.mark.parametrize("wrong", [pytest.param("P10_L_CM_CC", marks=pytest.mark.slow), "P12_L_CM_CC"])
def test_real_images_of_another_view_or_patient_are_refused(real_pairs, wrong):
    read = lambda stem: np.asarray(Image.open(real_pairs / f"{stem}.png"))  # noqa: E731
    right = "P10_L_DM_MLO" if wrong.startswith("P10") else "P10_L_DM_CC"
    aligned = on_low_energy_grid(pair(read(right), read(wrong)))
    assert aligned.refused


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "shift", "limit"), [((1.0, 1.0), (6.0, 0.0), 2.0), ((1.04, 1.02), (-3.0, 2.0), 3.5)])
def test_known_crops_of_simulated_pairs_are_found_again(scale, shift, limit):
    """Target registration error inside the breast, in pixels of 0.8 mm; 0 to 1.2 and 0.4 to 2.3 on six views.

    What is left of the anatomy in a recombined image need not lie where the low-energy image shows it, and near the
    chest wall no outline holds the scale.
    """
    view = pytest.importorskip("CEMSynthLib.phantom.view")
    patient = pytest.importorskip("CEMSynthLib.phantom.patient")
    simulated = view.simulate_view(patient.draw_patient(5, 1), "L", "MLO", 0.8)
    low, recombined = simulated.low_energy.astype(np.float32), simulated.recombined.astype(np.float32)
    crop = resample(recombined, AxisTransform(scale, shift), low.shape)
    aligned = on_low_energy_grid(pair(low, crop))
    truth = AxisTransform(scale, shift).inverse()
    row, column = np.nonzero(simulated.mask)
    found = aligned.transform
    error = np.hypot(
        (found.scale[0] - truth.scale[0]) * row + found.shift[0] - truth.shift[0],
        (found.scale[1] - truth.scale[1]) * column + found.shift[1] - truth.shift[1],
    )
    assert error.mean() < limit
    assert aligned.residual.acceptable
