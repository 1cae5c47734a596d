"""Halo retained: how much of the clinical image's halo step is left in the synthetic image."""

from dataclasses import dataclass

from CEMSynthLib.measurement.errors import MeasurementError
from CEMSynthLib.measurement.halo import HaloResult


@dataclass(frozen=True)
class HaloRetained:
    """step_synthetic / step_clinical, both in the same image units.

    Parameters
    ----------
    ratio
        0 = halo gone, 1 = as in the clinical image; ``None`` with a ``reason`` where it means nothing.
    difference
        step_synthetic - step_clinical, image units; ``None`` where one of them is not measurable.
    reason
        Why there is no ratio.
    formula
        The name that exported numbers carry.
    """

    ratio: float | None
    difference: float | None
    reason: str | None
    formula: str = "halo_step_synthetic_over_clinical"


def halo_retained(synthetic: HaloResult, clinical: HaloResult) -> HaloRetained:
    """Compare the halo of a synthetic image with that of the clinical one.

    Parameters
    ----------
    synthetic, clinical
        Measured with the same masks, spacing and window width. Never compared by step / noise: a synthetic image
        has far less noise.

    Returns
    -------
    HaloRetained
        Without a ratio where the clinical step is not above 2% of the window width.

    Raises
    ------
    MeasurementError
        The two were measured with different window widths or depth units.
    """
    if synthetic.threshold != clinical.threshold or synthetic.depth_unit != clinical.depth_unit:
        raise MeasurementError(
            "The halo of the two images was measured with different windows or spacings; measure both alike."
        )
    if synthetic.step is None:
        return HaloRetained(None, None, f"the halo of the synthetic image is not measurable: {synthetic.reason}")
    if clinical.step is None:
        return HaloRetained(None, None, f"the halo of the clinical image is not measurable: {clinical.reason}")
    difference = synthetic.step - clinical.step
    if clinical.step <= clinical.threshold:
        reason = (
            f"the clinical step of {clinical.step:.3g} is not above 2% of the window width ({clinical.threshold:.3g})"
        )
        return HaloRetained(None, difference, reason)
    return HaloRetained(synthetic.step / clinical.step, difference, None)
