"""Halo measurement: masks, halo of clinical and synthetic image, and what can be drawn of it; on plain arrays only."""

from dataclasses import dataclass

import numpy as np

from CEMSynthLib.measurement.halo import HaloResult, measure_halo
from CEMSynthLib.measurement.halo_retained import HaloRetained, halo_retained
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.scene.halo.input import HaloInput
from CEMSynthLib.scene.halo.lines import DepthLine, depth_lines
from CEMSynthLib.study.mask import BreastMask, breast_mask, skin_edge
from CEMSynthLib.study.model import FloatImage, Mask
from CEMSynthLib.study.nipple import nipple_position, nipple_region
from CEMSynthLib.study.pectoral import pectoral_mask

STEPS = 5


@dataclass(frozen=True, eq=False)
class HaloMeasurement:
    """The halo of one acquisition.

    Parameters
    ----------
    input
        What was measured.
    breast
        As found in the low-energy image, or as the user drew it.
    clinical, synthetic
        ``None`` where there is no such image.
    retained
        ``None`` unless both are there.
    lines
        Lines of equal distance to the skin.
    """

    input: HaloInput
    breast: BreastMask
    clinical: HaloResult | None
    synthetic: HaloResult | None
    retained: HaloRetained | None
    lines: tuple[DepthLine, ...]


def measure(given: HaloInput, progress: Progress = silent) -> HaloMeasurement:
    """Measure the halo as `cemsynth measure` does, in any thread.

    Parameters
    ----------
    given
        The images.
    progress
        Called after each step, in the same thread; it may raise to stop the work.

    Returns
    -------
    HaloMeasurement

    Raises
    ------
    CEMSynthLib.errors.CEMSynthError
        No breast is found, the corrected edge encloses nothing, or pixels are not numbers.
    """
    spacing = given.spacing_mm
    breast = given.curve.breast() if given.curve is not None else breast_mask(given.low_energy, spacing)
    progress(1, STEPS, "skin edge")
    skin = skin_edge(breast.mask, breast.chest_wall)
    excluded = _excluded(given, breast)
    progress(2, STEPS, "nipple and pectoral muscle")
    clinical = _halo(given.clinical, given, breast, skin, excluded)
    progress(3, STEPS, "clinical image")
    synthetic = _halo(given.synthetic, given, breast, skin, excluded)
    progress(4, STEPS, "synthetic image")
    retained = halo_retained(synthetic, clinical) if clinical is not None and synthetic is not None else None
    lines = depth_lines(breast, skin, spacing)
    progress(5, STEPS, "distance lines")
    return HaloMeasurement(given, breast, clinical, synthetic, retained, lines)


def _excluded(given: HaloInput, breast: BreastMask) -> Mask:
    """Pixels of the breast in which no halo is measured: no clinical image, pectoral muscle, nipple."""
    excluded: Mask = np.zeros(breast.mask.shape, dtype=bool)
    if given.reach is not None:
        top, bottom, left, right = given.reach
        excluded = breast.mask.copy()
        excluded[top:bottom, left:right] = False
    muscle = pectoral_mask(given.low_energy, breast.mask, breast.chest_wall, given.view)
    if muscle is not None:
        excluded = excluded | muscle
    nipple = nipple_position(breast.mask, breast.chest_wall, given.spacing_mm, muscle)
    if nipple is not None and nipple.in_profile:
        excluded = excluded | (breast.mask & nipple_region(nipple, breast.mask, given.spacing_mm))
    return excluded


def _halo(
    image: FloatImage | None, given: HaloInput, breast: BreastMask, skin: Mask, excluded: Mask
) -> HaloResult | None:
    if image is None:
        return None
    return measure_halo(
        image,
        breast.mask,
        skin,
        breast.chest_wall.value,
        given.spacing_mm,
        given.window_width,
        excluded=excluded,
    )
