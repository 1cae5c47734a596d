"""Scatter: a thickness-dependent convolution of the primary that loses signal at the edge of the breast."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.phantom.coarse import block_means, enlarge_linear

FloatImage = NDArray[np.float32]

COARSE_MM = 3.0
#: Standard deviation in mm of the point spread behind the grid, for breasts of these thicknesses in cm: scatter from
#: a thicker breast comes from farther away (Boone & Cooper, Med Phys 2000: the radius grows with thickness).
KERNELS = ((2.0, 12.0), (5.0, 18.0), (8.0, 24.0))


def scatter_to_primary(high_energy: bool, thickness_cm: float) -> float:
    """Scatter-to-primary ratio behind the grid in the middle of a breast.

    .33-.42 (LE) and .26-.30 (HE) from 3 to 8 cm (design notes; for 49 kVp behind a grid .06-.31 from 2 to 8 cm and
    glare of .10-.11 were measured, Chen et al., Med Phys 2009).
    """
    share = np.clip((thickness_cm - 3) / 5, -0.2, 1.3)
    return float(0.26 + 0.04 * share) if high_energy else float(0.33 + 0.09 * share)


def scatter_signal(
    primary: NDArray[np.floating],
    thickness: NDArray[np.floating],
    flat_cm: float,
    high_energy: bool,
    spacing_mm: float,
) -> FloatImage:
    """Scatter that the breast throws on the detector; less near the skin, where there is less breast around.

    The breast's primary times a ratio that grows with the local thickness, spread by a Gaussian that widens with the
    local thickness. Beyond the chest wall (the left border) the body goes on, beyond the other borders there is air.

    Parameters
    ----------
    primary
        Signal relative to air, shape (rows, columns).
    thickness
        Outer thickness in cm, same shape; 0 in air, which scatters nothing.
    flat_cm
        Thickness of the flat part.
    high_energy, spacing_mm
        Which exposure; pixel spacing.

    Returns
    -------
    ndarray of float32
        Scatter relative to the open field's primary, same shape.
    """
    step = max(1, round(COARSE_MM / spacing_mm))
    cm = block_means(thickness, step)
    source = block_means(np.where(thickness > 0, primary, 0), step) * (
        scatter_to_primary(high_energy, flat_cm) * cm / flat_cm
    )
    pad = int(3 * KERNELS[-1][1] / (spacing_mm * step))
    total = np.zeros(cm.shape)
    centers = [center for center, _ in KERNELS]
    for index, (_, width_mm) in enumerate(KERNELS):
        share = np.interp(cm, centers, np.eye(len(KERNELS))[index])
        padded = np.pad(source * share, pad)
        padded[:, :pad] = padded[:, pad : pad + 1]
        spread = ndimage.gaussian_filter(padded, width_mm / (spacing_mm * step), mode="constant", truncate=3.0)
        total += spread[pad : pad + cm.shape[0], pad : pad + cm.shape[1]]
    return enlarge_linear(total, step, (primary.shape[0], primary.shape[1]))
