from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, PixelGrid, VOIWindow
from CEMSynthLib.study.reader import read_folder
from CEMSynthLib.study.registration import on_low_energy_grid, register
from CEMSynthLib.study.resampling import AxisTransform, covered, mask_iou, plain_resize, resample


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


@pytest.mark.parametrize(
    ("scale", "shift"), [((1.08, 1.0), (-20.0, 0.0)), ((0.97, 0.96), (6.0, 0.0)), ((1.0, 1.0), (4.0, 0.0))]
)
def test_a_known_crop_is_found_again(scale, shift):
    fixed, moving = outline(256, 160), outline(256, 160, scale, shift)
    transform, before, after = register(fixed, moving)
    assert after > 0.99
    assert after > before
    # fixed pixel f shows position f; moving pixel m shows scale * m + shift; so m = (f - shift) / scale.
    for axis, size in enumerate(fixed.shape):
        ends = np.array([0.2 * size, 0.7 * size])
        expected = (ends - shift[axis]) / scale[axis]
        found = transform.scale[axis] * ends + transform.shift[axis]
        np.testing.assert_allclose(found, expected, atol=1.5)


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


def test_the_real_pairs_lie_on_each_other(real_pairs):
    for study in read_folder(real_pairs).studies:
        for acquisition in study.acquisitions:
            aligned = on_low_energy_grid(acquisition)
            assert aligned.mask_iou > 0.985
            assert aligned.recombined.shape == aligned.low_energy.shape
            # Not only the outline: the edges inside agree better than without (masks alone cannot tell that).
            if acquisition.name == "L CC":
                inside = ndimage.binary_erosion(aligned.low_energy > 0, iterations=20)
                before = _edge_agreement(aligned.low_energy, acquisition.recombined.pixels(), inside)
                assert _edge_agreement(aligned.low_energy, aligned.recombined, inside) > before


def _edge_agreement(first, second, inside):
    edges = [ndimage.gaussian_gradient_magnitude(i, 2.0)[inside] for i in (first, second)]
    return np.corrcoef(*edges)[0, 1]
