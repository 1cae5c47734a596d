"""Motion: how far the tissue has moved when the high-energy exposure is taken, seconds after the low-energy one.

Where the two exposures do not match, edges stay in the recombined image: the ripple artifact.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatImage = NDArray[np.float32]

COARSE_MM = 4.0
SMOOTH_MM = 20.0  # a compressed breast moves as a whole or in large parts
#: Breathing and the heart beat move what lies at the chest wall; this far from it (1/e) the paddles hold the breast.
REACH_MM = 80.0


def displacement(
    thickness: NDArray[np.floating],
    spacing_mm: float,
    motion_mm: float,
    shift_mm: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw a smooth field of displacements that dies away from the chest wall toward the free edge.

    Parameters
    ----------
    thickness
        Of the breast, shape (rows, columns), chest wall at the left border; the displacement falls with it to 0.
    spacing_mm
        Pixel spacing.
    motion_mm
        The largest displacement by motion.
    shift_mm
        (y, x) added everywhere.

    Returns
    -------
    ndarray of float64
        (2, rows, columns) on a grid of about `COARSE_MM` with the same corners, in mm (y, x).
    """
    coarse = [int(np.ceil(n * spacing_mm / COARSE_MM)) + 1 for n in thickness.shape]
    field = np.stack([ndimage.gaussian_filter(rng.standard_normal(coarse), SMOOTH_MM / COARSE_MM) for _ in range(2)])
    rows, columns = (np.linspace(0, n - 1, m).round().astype(int) for n, m in zip(thickness.shape, coarse, strict=True))
    field *= thickness[np.ix_(rows, columns)] * np.exp(-columns * spacing_mm / REACH_MM)
    largest = float(np.hypot(field[0], field[1]).max())
    return np.asarray(field * (motion_mm / max(largest, 1e-12)) + np.reshape(shift_mm, (2, 1, 1)))


def moved(image: FloatImage, field_mm: NDArray[np.float64], spacing_mm: float) -> FloatImage:
    """The image of tissue that has moved by ``field_mm`` (see `displacement`), by cubic interpolation.

    Parameters
    ----------
    image
        Shape (rows, columns); goes on evenly beyond its borders.

    Returns
    -------
    ndarray of float32
        Same shape.
    """
    rows, columns = image.shape
    result = np.empty_like(image)
    prepared = ndimage.spline_filter(image, order=3, output=np.float32, mode="nearest")
    x = np.linspace(0, field_mm.shape[2] - 1, columns)
    band = max(1, (1 << 18) // columns)  # rows at a time, so that the coordinates take little room
    for start in range(0, rows, band):
        here = np.arange(start, min(start + band, rows))
        y = here * (field_mm.shape[1] - 1) / max(rows - 1, 1)
        coarse = np.meshgrid(y, x, indexing="ij")
        dy, dx = (ndimage.map_coordinates(part, coarse, order=1, mode="nearest") for part in field_mm / spacing_mm)
        places = np.stack([here[:, None] - dy, np.arange(columns)[None, :] - dx])
        result[start : start + len(here)] = ndimage.map_coordinates(
            prepared, places, order=3, mode="nearest", prefilter=False
        )
    return result
