"""The halo of an acquisition is measured without pectoral muscle and nipple."""

from pathlib import Path

import numpy as np

from CEMSynthLib.evaluation.acquisition import measure_acquisition
from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.view import simulate_view
from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, Laterality, PixelGrid, ViewPosition, VOIWindow
from CEMSynthLib.study.nipple import nipple_position, nipple_region
from CEMSynthLib.study.pectoral import pectoral_mask

SPACING = (0.8, 0.8)


def image(pixels, kind):
    return CEMImage(
        path=Path(f"/x/{kind.value}.dcm"), kind=kind, grid=PixelGrid(*pixels.shape, SPACING),
        window=VOIWindow(2100, 380), chest_wall=None, bits_stored=12,
        sop_instance_uid=f"1.{len(kind.value)}", load=lambda: pixels,
    )  # fmt: skip


def halo(low, recombined, view):
    acquisition = Acquisition(
        Laterality.LEFT, view, image(low, ImageKind.LOW_ENERGY), recombined=image(recombined, ImageKind.RECOMBINED)
    )
    return measure_acquisition(acquisition, None).halo_clinical


def test_muscle_and_nipple_do_not_count():
    simulated = simulate_view(draw_patient(41, 1), "L", "MLO", SPACING[0])
    low, recombined = simulated.low_energy.astype(np.float32), simulated.recombined.astype(np.float32)
    breast = breast_mask(low, SPACING)
    muscle = pectoral_mask(low, breast.mask, breast.chest_wall, ViewPosition.MLO)
    nipple = nipple_position(breast.mask, breast.chest_wall, SPACING, muscle)
    assert muscle is not None
    assert nipple.in_profile
    changed = recombined.copy()
    changed[muscle | (nipple_region(nipple, breast.mask, SPACING) & breast.mask)] += 500
    before, after = halo(low, recombined, ViewPosition.MLO), halo(low, changed, ViewPosition.MLO)
    assert after.step == before.step
    assert after.interval_95 == before.interval_95
    np.testing.assert_array_equal(after.profile.median, before.profile.median)
    # In a craniocaudal view the same place is breast: there it counts.
    assert not np.array_equal(
        halo(low, changed, ViewPosition.CC).profile.median, halo(low, recombined, ViewPosition.CC).profile.median
    )
