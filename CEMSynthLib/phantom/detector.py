"""Detectors: how sharp their image is, and what their noise is made of.

The noise follows from the absorbed quanta: a signal I (1 in air) collects ``I a`` keV in a pixel, in quanta of the
mean energy e, so that its variance is ``I e / (a s)``; s is the Swank factor. Electronic noise is told by the
detector air kerma at which it equals the quantum noise. Light that spreads in a scintillator blurs the quantum noise
with the image; in a photoconductor charges do not spread, and the noise is white.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from CEMSynthLib.phantom.errors import PhantomError

FloatImage = NDArray[np.float32]
PAD = 8  # pixels, so that the chest wall does not meet the air of the opposite border


@dataclass(frozen=True)
class Detector:
    """One kind of detector.

    Parameters
    ----------
    name
        Of the material.
    mtf
        Modulation transfer function of the frequency in line pairs per mm.
    noise_is_blurred
        Whether quantum noise follows the MTF.
    swank_low, swank_high
        Share of the absorbed quanta that counts, for the LE and the HE spectrum.
    electronic_ugy
        Detector air kerma at which electronic noise equals quantum noise.
    """

    name: str
    mtf: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    noise_is_blurred: bool
    swank_low: float
    swank_high: float
    electronic_ugy: float


def _csi_mtf(frequency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Meet .85 / .59 / .24 at 1 / 2 / 4 lp/mm (Ghetti et al., Med Phys 2008, Senographe Essential) within .02."""
    return np.asarray(1 / (1 + (frequency / 2.35) ** 2.1), dtype=np.float32)


def _selenium_mtf(frequency: NDArray[np.float32]) -> NDArray[np.float32]:
    """Aperture of 70 um times a little blur; .45 at 7.1 lp/mm (Hoheisel et al., IEEE NSS 2004: well above .40)."""
    return np.asarray(np.abs(np.sinc(0.07 * frequency)) * np.exp(-((frequency / 12.1) ** 2)), dtype=np.float32)


# Electronic noise of CsI: the DQE falls from 55 to 40% at an exposure of 1.3 mR, 11.4 uGy (Vedantham et al., Med Phys
# 2000), so it equals the quantum noise at 4.3 uGy. Swank factors and the electronic noise of a-Se are chosen; above
# the K edges of Cs and I (33-36 keV) escaping fluorescence widens the pulse heights.
# White noise for a-Se: its power at the Nyquist frequency is 89% of that at 0 (Zhao et al., Med Phys 2003).
DETECTORS = {
    "CsI": Detector("CsI", _csi_mtf, True, 0.90, 0.75, 4.3),
    "a-Se": Detector("a-Se", _selenium_mtf, False, 0.95, 0.90, 6.0),
}


def check_spacing(spacing_mm: float) -> None:
    """Refuse a pixel spacing for which nothing can be simulated.

    Raises
    ------
    PhantomError
        It is not within 0.05 to 2 mm.
    """
    if not 0.05 <= spacing_mm <= 2.0:
        raise PhantomError(f"a pixel spacing of {spacing_mm:g} mm cannot be simulated: choose 0.05 to 2 mm")


def blur(image: NDArray[np.floating], detector: Detector, spacing_mm: float) -> FloatImage:
    """Blur an image by the detector's MTF.

    Parameters
    ----------
    image
        Shape (rows, columns); goes on evenly beyond its borders.
    spacing_mm
        Pixel spacing; frequencies above its Nyquist frequency are not there.

    Returns
    -------
    ndarray of float32
        Of the same shape and mean.
    """
    shape = tuple(fft.next_fast_len(n + 2 * PAD, real=True) for n in image.shape)
    after = [(PAD, size - n - PAD) for size, n in zip(shape, image.shape, strict=True)]
    wide = np.pad(np.asarray(image, dtype=np.float32), after, mode="edge")
    fy = fft.fftfreq(shape[0], spacing_mm).astype(np.float32)[:, None]
    fx = fft.rfftfreq(shape[1], spacing_mm).astype(np.float32)[None, :]
    waves = fft.rfft2(wide, overwrite_x=True)
    waves *= detector.mtf(np.sqrt(fy**2 + fx**2))
    sharp = fft.irfft2(waves, s=shape, overwrite_x=True)
    return np.asarray(sharp[PAD : PAD + image.shape[0], PAD : PAD + image.shape[1]], dtype=np.float32)
