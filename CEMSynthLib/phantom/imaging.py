"""From tissue to detector: primary, scatter, blur and noise of the low-energy and the high-energy exposure."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.detector import DETECTORS, Detector, blur
from CEMSynthLib.phantom.motion import displacement, moved
from CEMSynthLib.phantom.physics import Tissue, log_signal, mean_energy, signal_image, slab
from CEMSynthLib.phantom.scatter import scatter_signal
from CEMSynthLib.phantom.spectra import absorbed_kev_per_mm2_mgy
from CEMSynthLib.phantom.technique import Technique

FloatImage = NDArray[np.float32]

# Air kerma in mGy where the beam enters a breast of 5 cm, about 1.6 and 0.7 mGy mean glandular dose: Gennaro et al.,
# Cancers 2022, give 2.3-2.5 mGy a view, 23-36% of it from HE.
LOW_KERMA_MGY, HIGH_KERMA_MGY = 7.0, 1.0
#: Automatic exposure lets the signal behind the breast fall with this power of its thickness.
EXPOSURE_POWER = -1.5
GRID_TRANSMISSION = 0.75  # of primary; chosen, .81-.84 at 49 kVp (Chen et al., Med Phys 2009), less at low energy
DISTANCES_CM = (60.0, 65.0)  # focus to the upper face of a breast of 5 cm, to the detector
FLOOR = 1e-6


@dataclass(frozen=True, eq=False)
class Exposures:
    """Detector signals relative to the open field, and what is in them; float32, shape (rows, columns).

    Parameters
    ----------
    low, high
        LE and HE: primary and scatter, blurred, with noise.
    low_primary, high_primary
        The primary alone, blurred, without noise.
    low_scatter, high_scatter
        The scatter alone.
    """

    low: FloatImage
    high: FloatImage
    low_primary: FloatImage
    high_primary: FloatImage
    low_scatter: FloatImage
    high_scatter: FloatImage


def noise_variance(technique: Technique, high_energy: bool, flat_cm: float, spacing_mm: float) -> tuple[float, float]:
    """Variance of a pixel for a signal of 1, and the signal at which electronic noise equals quantum noise.

    A pixel of signal I has the variance ``first * (I + second)`` before the detector blurs it.

    Parameters
    ----------
    technique
        Exposure pair and noise factor.
    high_energy
        HE, else LE.
    flat_cm
        Thickness of the flat part, for which the automatic exposure chooses the dose.
    spacing_mm
        Pixel spacing.
    """
    exposure = technique.pair.high_energy if high_energy else technique.pair.low_energy
    detector = DETECTORS[technique.pair.detector]
    behind, behind_5 = (float(np.exp(log_signal(exposure, slab(t)))) for t in (flat_cm, 5.0))
    kerma = (HIGH_KERMA_MGY if high_energy else LOW_KERMA_MGY) * behind_5 / behind * (flat_cm / 5.0) ** EXPOSURE_POWER
    absorbed_kev = absorbed_kev_per_mm2_mgy(exposure) * kerma * GRID_TRANSMISSION * spacing_mm**2
    swank = detector.swank_high if high_energy else detector.swank_low
    variance = technique.noise**2 * mean_energy(exposure, slab(flat_cm)) / (absorbed_kev * swank)
    at_detector_ugy = 1000 * kerma * (DISTANCES_CM[0] / DISTANCES_CM[1]) ** 2 * GRID_TRANSMISSION
    return variance, detector.electronic_ugy / at_detector_ugy


def _noise(
    signal: FloatImage, variance: tuple[float, float], detector: Detector, spacing_mm: float, rng: np.random.Generator
) -> FloatImage:
    scale, electronic = np.float32(variance[0]), np.float32(variance[1])
    drawn = rng.standard_normal(signal.shape, dtype=np.float32)
    if not detector.noise_is_blurred:
        return np.asarray(drawn * np.sqrt(scale * (signal + electronic)), dtype=np.float32)
    drawn *= np.sqrt(scale * signal)
    drawn = blur(drawn, detector, spacing_mm)
    drawn += np.sqrt(scale * electronic) * rng.standard_normal(signal.shape, dtype=np.float32)
    return drawn


def expose(
    technique: Technique,
    tissue: Tissue,
    thickness: NDArray[np.floating],
    flat_cm: float,
    spacing_mm: float,
    rng: np.random.Generator,
    motion_rng: np.random.Generator,
    *,
    noise: bool = True,
) -> Exposures:
    """Take the LE and the HE exposure of one compression.

    Parameters
    ----------
    technique
        How.
    tissue
        Path lengths and iodine on the detector grid, or a part of it that holds the whole breast with the chest
        wall at the left border.
    thickness
        Outer thickness in cm, for the scatter; 0 in air.
    flat_cm
        Thickness of the flat part.
    spacing_mm
        Pixel spacing.
    rng, motion_rng
        Sources of the noise and of the motion.
    noise
        Switch off for the truth.

    Returns
    -------
    Exposures
        Of the shape of ``thickness``.
    """
    detector = DETECTORS[technique.pair.detector]
    parts: list[tuple[FloatImage, FloatImage, FloatImage]] = []
    for high in (False, True):
        primary = signal_image(technique.pair.high_energy if high else technique.pair.low_energy, tissue)
        if high and (technique.motion_mm or any(technique.shift_mm)):
            field = displacement(thickness, spacing_mm, technique.motion_mm, technique.shift_mm, motion_rng)
            primary = np.clip(moved(primary, field, spacing_mm), FLOOR, 1, dtype=np.float32)
        scatter = scatter_signal(primary, thickness, flat_cm, high, spacing_mm)
        primary = np.maximum(blur(primary, detector, spacing_mm), np.float32(FLOOR))
        total = primary + scatter
        if noise:
            variance = noise_variance(technique, high, flat_cm, spacing_mm)
            total += _noise(total, variance, detector, spacing_mm, rng)
            np.maximum(total, np.float32(FLOOR), out=total)
        parts.append((total, primary, scatter))
    (low, low_primary, low_scatter), (high_, high_primary, high_scatter) = parts
    return Exposures(low, high_, low_primary, high_primary, low_scatter, high_scatter)


def before_contrast(
    technique: Technique,
    tissue: Tissue,
    thickness: NDArray[np.floating],
    flat_cm: float,
    spacing_mm: float,
    exposures: Exposures,
) -> FloatImage:
    """The LE signal had there been no iodine, with the same noise.

    Parameters
    ----------
    technique, tissue, thickness, flat_cm, spacing_mm, exposures
        As given to `expose`, and what it returned.

    Returns
    -------
    ndarray of float32
    """
    plain = replace(tissue, iodine=0.0)
    primary = np.broadcast_to(signal_image(technique.pair.low_energy, plain), thickness.shape)
    scatter = scatter_signal(primary, thickness, flat_cm, False, spacing_mm)
    change = np.maximum(blur(primary, DETECTORS[technique.pair.detector], spacing_mm), np.float32(FLOOR))
    change -= exposures.low_primary
    change += scatter - exposures.low_scatter
    return np.maximum(exposures.low + change, np.float32(FLOOR))
