"""Breast pair: low-energy and recombined image on one grid, the breast in them, and where they can be compared."""

from dataclasses import dataclass

from CEMSynthLib.study.mask import BreastMask, breast_mask
from CEMSynthLib.study.model import Acquisition, FloatImage, Mask
from CEMSynthLib.study.registration import on_low_energy_grid
from CEMSynthLib.study.resampling import AxisTransform


@dataclass(frozen=True, eq=False)
class BreastPair:
    """One acquisition ready to be measured, shape (rows, columns) of the low-energy image.

    Parameters
    ----------
    low_energy, recombined
        Modality units; ``recombined`` is ``None`` where there is none.
    breast
        Found in the low-energy image.
    measured
        The breast as far as the recombined image reaches.
    note
        What was done to bring the two together; empty where nothing was.
    transform
        From pixels of the low-energy image to pixels of the recombined file; ``None`` where they are the same.
    """

    low_energy: FloatImage
    recombined: FloatImage | None
    breast: BreastMask
    measured: Mask
    note: str
    transform: AxisTransform | None = None


def read_breast_pair(acquisition: Acquisition) -> BreastPair:
    """Read the images of an acquisition, bring them to one grid and find the breast.

    Raises
    ------
    UnreadableImageError
        Pixels cannot be read.
    BreastNotFoundError
        The low-energy image shows none.
    ValueError
        The acquisition has no low-energy image.
    """
    aligned = on_low_energy_grid(acquisition)
    spacing = acquisition.low_energy.grid.spacing_mm if acquisition.low_energy else None
    breast = breast_mask(aligned.low_energy, spacing)
    measured = breast.mask if aligned.covered is None else breast.mask & aligned.covered
    return BreastPair(aligned.low_energy, aligned.recombined, breast, measured, aligned.note, aligned.transform)
