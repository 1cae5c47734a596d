"""From detector values to what a radiologist is shown: For Presentation values of 12 bits with their VOI windows."""

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.coarse import blur_inside

BITS = 12
BASELINE = 2050.0
UNITS_PER_MG = 36.0  # design notes: 30-43 units per mg iodine per cm2
RECOMBINED_WINDOW = (2120.0, 320.0)  # center, width; between the published 2105/380, 2085/265 and the useful 2020-2280
LOW_ENERGY_WINDOW = (2250.0, 3500.0)
MAXIMUM = 2**BITS - 1
RAW_BITS = 14
RAW_MAXIMUM = 2**RAW_BITS - 1


def present_low_energy(signal: NDArray[np.floating], mask: NDArray[np.bool_], spacing_mm: float) -> NDArray[np.uint16]:
    """LE For Presentation: logarithm, peripheral equalization, detail enhancement.

    The slow fall-off toward the skin is evened out by raising the low-pass where it lies below the breast's own
    level; fine detail is raised; 0 in air.
    """
    log = -np.log(np.clip(signal, 1e-5, None))
    slow = blur_inside(log, mask, 6.0, spacing_mm)
    level = float(np.quantile(slow[mask], 0.55))
    even = log + 0.88 * np.clip(level - slow, 0, None)
    even = even + 0.7 * (even - blur_inside(even, mask, 2.0, spacing_mm))
    low, high = np.quantile(even[mask], [0.05, 0.995])
    share = np.clip((even - low) / max(high - low, 0.3) + 0.22, 0, 1.4) / 1.22
    grey = 400 + 3000 * share**1.35
    return np.where(mask, np.clip(np.round(grey), 1, MAXIMUM), 0).astype(np.uint16)


def present_recombined(
    equivalents: NDArray[np.floating], mask: NDArray[np.bool_], interior: NDArray[np.bool_]
) -> NDArray[np.uint16]:
    """Recombined For Presentation: the interior's median at `BASELINE`, `UNITS_PER_MG` units per mg/cm2, 0 in air."""
    middle = float(np.median(equivalents[interior]))
    units = BASELINE + UNITS_PER_MG * (np.where(mask, equivalents, middle) - middle)
    return np.where(mask, np.clip(np.round(units), 1, MAXIMUM), 0).astype(np.uint16)


def raw_values(signal: NDArray[np.floating]) -> NDArray[np.uint16]:
    """For Processing: linear detector values of 14 bits, the open field at `RAW_MAXIMUM`.

    Parameters
    ----------
    signal
        Relative to the open field; what is above 1 saturates.

    Returns
    -------
    ndarray of uint16
        Same shape; darker where less arrives. A breast of 9 cm leaves about 120 in LE, with a noise of some counts.
    """
    return np.clip(np.round(signal * np.float32(RAW_MAXIMUM)), 0, RAW_MAXIMUM).astype(np.uint16)
