"""From tissue to detector: primary, scatter, blur, quantum noise of the low-energy and the high-energy exposure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from CEMSynthLib.phantom.physics import Tissue, log_signal
from CEMSynthLib.phantom.technique import Technique

FloatArray = NDArray[np.float64]

# Detector MTF .85 / .59 / .24 at 1 / 2 / 4 lp/mm (design notes), met within .02 by 1 / (1 + (f / 2.35)^2.1).
MTF_HALF, MTF_POWER = 2.35, 2.1
# Noise of one 0.1 mm pixel behind a breast of 5 cm, in ln units.
NOISE_LOW, NOISE_HIGH = 0.022, 0.028
ELECTRONIC = 0.15  # of the quantum noise variance behind 5 cm
SCATTER_MM = 18.0  # standard deviation of the broad part of the scatter point spread


@dataclass(frozen=True)
class Exposures:
    """Detector signals relative to the open field, LE and HE, with what is known about them.

    ``low``, ``high``: with blur and noise, scatter included. ``low_scatter``, ``high_scatter``: the scatter in them.
    """

    low: FloatArray
    high: FloatArray
    low_scatter: FloatArray
    high_scatter: FloatArray


def scatter_to_primary(high_energy: bool, thickness_cm: float) -> float:
    """Scatter-to-primary ratio in the middle of the breast: .33-.42 (LE) and .26-.30 (HE) from 3 to 8 cm."""
    share = np.clip((thickness_cm - 3) / 5, -0.2, 1.3)
    return float(0.26 + 0.04 * share) if high_energy else float(0.33 + 0.09 * share)


def scatter_signal(
    primary: FloatArray, thickness: FloatArray, flat_cm: float, high_energy: bool, spacing_mm: float
) -> FloatArray:
    """Scatter that the breast throws on the detector; less near the skin, where there is less breast around.

    The breast's primary times a ratio that grows with the local thickness, spread by a Gaussian. Beyond the
    chest wall the body goes on.
    """
    ratio = scatter_to_primary(high_energy, flat_cm) * thickness / flat_cm
    step = max(1, round(3.0 / spacing_mm))
    coarse = (primary * ratio)[::step, ::step]
    sigma = SCATTER_MM / (spacing_mm * step)
    pad = int(3 * sigma)
    padded = np.pad(coarse, ((pad, pad), (pad, pad)))
    padded[:, :pad] = padded[:, pad : pad + 1]
    spread = ndimage.gaussian_filter(padded, sigma, mode="constant")[
        pad : pad + coarse.shape[0], pad : pad + coarse.shape[1]
    ]
    zoomed = ndimage.zoom(spread, step, order=1, mode="nearest", grid_mode=True)
    missing = [(0, max(0, primary.shape[axis] - zoomed.shape[axis])) for axis in (0, 1)]
    return np.asarray(np.pad(zoomed, missing, mode="edge")[: primary.shape[0], : primary.shape[1]])


def blur(image: FloatArray, spacing_mm: float) -> FloatArray:
    """The detector's MTF."""
    pad = 8  # so that the chest wall does not meet the air of the opposite border
    wide = np.pad(image, pad, mode="edge")
    f = np.hypot(fft.fftfreq(wide.shape[0], spacing_mm)[:, None], fft.rfftfreq(wide.shape[1], spacing_mm)[None, :])
    return np.asarray(fft.irfft2(fft.rfft2(wide) / (1 + (f / MTF_HALF) ** MTF_POWER), s=wide.shape)[pad:-pad, pad:-pad])


def _noisy(
    log_image: FloatArray, reference: float, noise: float, spacing_mm: float, rng: np.random.Generator
) -> FloatArray:
    """Add quantum noise (variance of the logarithm ~ 1 / signal) and electronic noise, blurred by the detector."""
    sigma = noise * 0.1 / spacing_mm
    relative = np.exp(np.clip(reference - log_image, -8, 3))
    amplitude = sigma * np.sqrt(relative * (1 - ELECTRONIC) + ELECTRONIC * relative**2)
    return np.asarray(log_image + amplitude * blur(rng.standard_normal(log_image.shape), spacing_mm))


def expose(
    technique: Technique,
    tissue: Tissue,
    thickness: FloatArray,
    flat_cm: float,
    spacing_mm: float,
    rng: np.random.Generator,
    *,
    noise: bool = True,
) -> Exposures:
    """Take the LE and the HE exposure of one compression.

    Parameters
    ----------
    tissue
        Path lengths and iodine on the detector grid.
    thickness
        Outer thickness in cm, for the scatter.
    flat_cm
        Thickness of the flat part.
    noise
        Switch off for the truth.
    """
    signals, scatters = [], []
    for high in (False, True):
        primary_log = log_signal(technique.pair.high_energy if high else technique.pair.low_energy, tissue)
        primary = np.exp(primary_log)
        scatter = scatter_signal(np.where(thickness > 0, primary, 0.0), thickness, flat_cm, high, spacing_mm)
        total = blur(primary, spacing_mm) + scatter
        log_total = np.log(np.clip(total, 1e-6, None))
        if noise:
            middle = (
                float(np.median(log_total[thickness > 0.8 * flat_cm]))
                if (thickness > 0.8 * flat_cm).any()
                else float(log_total.min())
            )
            # Automatic exposure: a thick breast gets more, not quite enough.
            amount = (NOISE_HIGH if high else NOISE_LOW) * technique.noise * (flat_cm / 5.0) ** 0.25
            log_total = _noisy(log_total, middle, amount, spacing_mm, rng)
        signals.append(np.exp(log_total))
        scatters.append(scatter)
    return Exposures(low=signals[0], high=signals[1], low_scatter=scatters[0], high_scatter=scatters[1])
