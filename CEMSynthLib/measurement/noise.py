"""Noise: 1.4826 MAD of what a Gaussian high-pass leaves of an image."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

#: Standard deviation of the Gaussian, pixels: anatomy is smoother, quantum noise is not.
HIGH_PASS_PIXELS = 2.0


def image_noise(image: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """Robust standard deviation of the high-pass residual inside a mask.

    Parameters
    ----------
    image
        Image units, shape (rows, columns).
    mask
        Pixels that count, same shape, at least one.

    Returns
    -------
    float
        1.4826 times the median absolute deviation of ``image - Gaussian(image)``, image units; the Gaussian (2 pixels)
        is normalized inside the mask, so that the breast's edge makes no noise. White noise of standard deviation s
        gives 0.97 s.
    """
    weights = mask.astype(np.float64)
    values = np.where(mask, image, 0.0).astype(np.float64)
    total = gaussian_filter(weights, HIGH_PASS_PIXELS)
    smooth = gaussian_filter(values, HIGH_PASS_PIXELS)[mask] / total[mask]
    residual = values[mask] - smooth
    return 1.4826 * float(np.median(np.abs(residual - np.median(residual))))
