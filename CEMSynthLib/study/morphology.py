"""Morphology on masks of millimeters: an opening by a disk of a real radius."""

import numpy as np
from scipy import ndimage

from CEMSynthLib.study.model import Mask


def opened(mask: Mask, radius: float, sampling: tuple[float, float]) -> Mask:
    """Open a mask by a disk; image borders count as more of the same, so that corners at the border stay.

    Parameters
    ----------
    mask
        Shape (rows, columns).
    radius
        In units of ``sampling``.
    sampling
        Distance of rows and of columns.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        The mask itself where nothing is as wide as the disk.
    """
    margin = [int(np.ceil(radius / s)) + 2 for s in sampling]
    padded = np.pad(mask, [(m, m) for m in margin], mode="edge")
    core = ndimage.distance_transform_edt(padded, sampling=sampling) > radius
    if not core.any():
        return mask
    found = ndimage.distance_transform_edt(~core, sampling=sampling) <= radius
    return np.asarray(mask & found[margin[0] : -margin[0], margin[1] : -margin[1]])
