"""Slow things on a coarse grid: block means, linear interpolation back, and a blur inside a mask."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatImage = NDArray[np.float32]


def block_means(image: NDArray[np.floating] | NDArray[np.bool_], step: int) -> NDArray[np.float64]:
    """Means over blocks of ``step`` x ``step`` pixels; the last row and column of blocks may be smaller."""
    rows, columns = (np.arange(0, n, step) for n in image.shape)
    sums = np.add.reduceat(np.add.reduceat(image, columns, axis=1, dtype=np.float32), rows, axis=0, dtype=np.float64)
    sizes = [np.diff(np.append(starts, n)) for starts, n in zip((rows, columns), image.shape, strict=True)]
    return np.asarray(sums / (sizes[0][:, None] * sizes[1][None, :]))


def enlarge_linear(coarse: NDArray[np.floating], step: int, shape: tuple[int, int]) -> FloatImage:
    """Linear interpolation between the middles of blocks, one axis after the other; level beyond the outer middles."""
    image = coarse.astype(np.float32)
    for axis, size in enumerate(shape):
        place = np.clip((np.arange(size) + 0.5) / step - 0.5, 0, image.shape[axis] - 1)
        low = np.minimum(place.astype(np.intp), max(image.shape[axis] - 2, 0))
        share = (place - low).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        before = np.take(image, low, axis=axis)
        before += share * (np.take(image, np.minimum(low + 1, image.shape[axis] - 1), axis=axis) - before)
        image = before
    return image


def blur_inside(image: NDArray[np.floating], mask: NDArray[np.bool_], width_mm: float, spacing_mm: float) -> FloatImage:
    """Gaussian blur of what lies inside a mask, as if nothing were outside.

    Found on a grid of a quarter of the width: the Gaussian's spectrum has died away there, and 3 million pixels with
    a width of 60 pixels take 0.15 s where the blur at full size takes 5 s.

    Parameters
    ----------
    image, mask
        Shape (rows, columns).
    width_mm
        Standard deviation.
    spacing_mm
        Pixel spacing.

    Returns
    -------
    ndarray of float32
        Same shape.
    """
    step = max(1, int(width_mm / spacing_mm / 4))
    width = width_mm / (spacing_mm * step)
    share = ndimage.gaussian_filter(block_means(mask, step), width, truncate=3.0)
    inside = ndimage.gaussian_filter(block_means(np.where(mask, image, 0), step), width, truncate=3.0)
    blurred = inside / np.maximum(share, 1e-6)
    return enlarge_linear(blurred, step, (image.shape[0], image.shape[1])) if step > 1 else blurred.astype(np.float32)
