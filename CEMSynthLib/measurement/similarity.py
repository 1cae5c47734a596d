"""Similarity: MAE, RMSE, PSNR and SSIM of two images mapped to [0, 1], inside a mask or on the whole frame.

MAE = mean |a - b|; RMSE = sqrt(mean (a - b)^2); PSNR = 20 log10(1 / RMSE) dB, data range 1; SSIM after Wang et al.,
IEEE Trans Image Process 2004;13:600-612, doi 10.1109/TIP.2003.819861: Gaussian window 11 x 11, sigma 1.5, K1 = 0.01,
K2 = 0.03, population covariance.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from CEMSynthLib.measurement.errors import PixelValueError

#: Side of the SSIM window: scikit-image cuts the Gaussian of sigma 1.5 at 3.5 sigma, 5 pixels to each side.
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
#: float32 arithmetic of a window may overshoot 0 or 1 by this much.
_SLACK = 1e-6


@dataclass(frozen=True)
class Similarity:
    """How alike two images are, on [0, 1].

    Parameters
    ----------
    mae, rmse
        In units of the window width.
    psnr_db
        In dB; ``None`` where it is not finite, with the reason in ``psnr_reason``.
    ssim
        Mean of the SSIM map over the pixels.
    pixels
        How many pixels were compared.
    """

    mae: float
    rmse: float
    psnr_db: float | None
    psnr_reason: str | None
    ssim: float
    pixels: int


def ssim_map(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """The SSIM of every pixel's 11 x 11 neighborhood.

    Parameters
    ----------
    first, second
        Floats in [0, 1], shape (rows, columns), at least 11 x 11.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
        In [-1, 1]. Within 5 pixels of the frame's border the images are continued by reflection (scikit-image's
        full map; its mean leaves these pixels out, this project's means keep them).

    Raises
    ------
    PixelValueError
        As `compare_images`.
    """
    a, b = _checked(first, second)
    return _ssim(a, b)


def compare_images(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    mask: NDArray[np.bool_] | None = None,
) -> Similarity:
    """Compare two images that a stated window has mapped to [0, 1].

    Parameters
    ----------
    first, second
        Floats in [0, 1], shape (rows, columns), at least 11 x 11.
    mask
        The pixels that count; ``None`` for the whole frame. The SSIM window of a pixel near the mask's edge still
        looks beyond it.

    Returns
    -------
    Similarity

    Raises
    ------
    PixelValueError
        Integer arrays (their differences wrap around: uint8 gave 30.5 dB where 23.1 dB is right), values outside
        [0, 1] or not numbers, two shapes, an image smaller than the window, or an empty mask.
    """
    a, b = _checked(first, second)
    if mask is None:
        chosen = np.ones(a.shape, dtype=bool)
    elif mask.shape != a.shape:
        raise PixelValueError("The mask has another size than the images; make it for these images.")
    else:
        chosen = np.asarray(mask, dtype=bool)
    pixels = int(np.count_nonzero(chosen))
    if pixels == 0:
        raise PixelValueError("The mask holds no pixel, so there is nothing to compare.")
    difference = a[chosen] - b[chosen]
    rmse = math.sqrt(float(np.mean(difference**2)))
    return Similarity(
        mae=float(np.mean(np.abs(difference))),
        rmse=rmse,
        psnr_db=-20 * math.log10(rmse) if rmse > 0 else None,
        psnr_reason=None if rmse > 0 else "the images are identical, so PSNR has no finite value",
        ssim=float(np.mean(_ssim(a, b)[chosen])),
        pixels=pixels,
    )


def _ssim(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    _, full = structural_similarity(  # type: ignore[no-untyped-call]
        a,
        b,
        data_range=1.0,
        gaussian_weights=True,
        sigma=SSIM_SIGMA,
        use_sample_covariance=False,
        K1=0.01,
        K2=0.03,
        full=True,
    )
    return np.asarray(full, dtype=np.float64)


def _checked(
    first: NDArray[np.floating], second: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    checked = []
    for image in (first, second):
        if not np.issubdtype(image.dtype, np.floating):
            raise PixelValueError(
                f"An image has pixels of type {image.dtype}; map it to [0, 1] by its window first, as float."
            )
        values = np.asarray(image, dtype=np.float64)
        if not np.isfinite(values).all() or values.min(initial=0.0) < -_SLACK or values.max(initial=1.0) > 1 + _SLACK:
            raise PixelValueError("An image has values outside [0, 1]; map it to [0, 1] by its window first.")
        checked.append(values)
    if checked[0].shape != checked[1].shape or checked[0].ndim != 2:
        raise PixelValueError("The two images differ in size; bring them to one pixel grid first.")
    if min(checked[0].shape) < SSIM_WINDOW:
        raise PixelValueError(f"The images are smaller than the SSIM window of {SSIM_WINDOW} x {SSIM_WINDOW} pixels.")
    return checked[0], checked[1]
