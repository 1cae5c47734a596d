"""From detector values to what a radiologist is shown: For Presentation values of 12 bits with their VOI windows."""

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.coarse import blur_inside

BITS = 12
BASELINE = 2050.0
UNITS_PER_MG = 42.0  # design notes: 30-43 units per mg iodine per cm2
RECOMBINED_WINDOW = (2120.0, 320.0)  # center, width; between the published 2105/380, 2085/265 and the useful 2020-2280
LOW_ENERGY_WINDOW = (2250.0, 3500.0)
MAXIMUM = 2**BITS - 1
# Low energy: share of the thickness that is evened out; widths of what counts as slow, as local contrast and as fine;
# standard deviation in ln units that detail is brought to; gains of fine detail and of slow changes.
EQUALIZED = 0.88
SLOW_MM, LOCAL_MM, FINE_MM = 9.0, 16.0, 0.8
DETAIL_CONTRAST, FINE, SLOW_KEPT = 0.10, 0.6, 0.5
LEVEL, RANGE, KNEE, LOWER = 1400.0, 1900.0, 0.45, 0.4
EDGE, EDGE_MM = 0.8, 1.5
RAW_BITS = 14
RAW_MAXIMUM = 2**RAW_BITS - 1


def present_low_energy(
    signal: NDArray[np.floating], expected: NDArray[np.floating], mask: NDArray[np.bool_], spacing_mm: float
) -> NDArray[np.uint16]:
    """LE For Presentation: peripheral equalization, detail and local contrast enhancement; 0 in air.

    What a breast of fat with the assumed thickness would take away is taken out of the logarithm (for the most part),
    which leaves dense tissue and skin on an even ground up to the edge. Slow changes are then compressed, and detail is
    raised where there is little of it, as vendors do to show fatty and dense breasts alike.

    Parameters
    ----------
    signal
        Relative to the open field, shape (rows, columns).
    expected
        Attenuation (minus the logarithm of the signal) of fat of the assumed thickness, same shape.
    mask
        Breast.
    spacing_mm
        Pixel spacing.

    Returns
    -------
    ndarray of uint16
        12 bits.
    """
    even = -np.log(np.maximum(signal, np.float32(1e-5)))
    even -= np.float32(EQUALIZED) * expected
    # Toward the edge, where the rays run along the skin, what is left of it is evened out as well.
    middle = np.float32(np.median(even[mask]))
    edge = np.float32(1) - expected / np.float32(expected[mask].max())
    even -= np.float32(EDGE) * edge * (blur_inside(even, mask, EDGE_MM, spacing_mm) - middle)
    slow = blur_inside(even, mask, SLOW_MM, spacing_mm)
    detail = even - slow
    contrast = np.sqrt(blur_inside(detail**2, mask, LOCAL_MM, spacing_mm))
    gain = (np.float32(DETAIL_CONTRAST) / np.maximum(contrast, np.float32(DETAIL_CONTRAST / 6))) ** np.float32(0.6)
    detail += np.float32(FINE) * (even - blur_inside(even, mask, FINE_MM, spacing_mm))
    slow -= np.float32(np.median(slow[mask]))
    shown = gain * detail + np.float32(SLOW_KEPT) * slow
    # Thin parts are raised less, or the skin would outshine the breast.
    shown *= expected / np.float32(expected.max())
    # A soft knee at both ends, the lower one tighter: fat stays gray, the densest parts do not burn out.
    share = np.where(shown < 0, np.float32(LOWER), np.float32(1))
    shown = LEVEL + RANGE * share * np.arctan(shown / (np.float32(KNEE) * share))
    return np.where(mask, np.clip(np.round(shown), 1, MAXIMUM), 0).astype(np.uint16)


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
