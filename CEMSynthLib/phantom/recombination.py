"""The vendor's part: scatter correction, thickness compensation and weighted subtraction, none of them perfect.

Nothing is painted here. The breast-in-breast artifact is what is left where the assumed rounding of the free edge,
the even thickness and the scatter correction differ from the truth.
"""

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.imaging import Exposures
from CEMSynthLib.phantom.outline import Outline, edge_profile
from CEMSynthLib.phantom.patient import Patient
from CEMSynthLib.phantom.physics import iodine_sensitivity, log_signal, slab, weight

FloatArray = NDArray[np.float64]

CALIBRATION_CM = np.linspace(0.35, 11.0, 48)


def recombine(patient: Patient, exposures: Exposures, outline: Outline, flat_cm: float) -> FloatArray:
    """The recombined image in mg/cm2 iodine equivalents: about 0 in breast without iodine, bright where it is.

    ``w ln(I_LE) - ln(I_HE)`` (definitions section 5) after part of the scatter is taken away, less what the same
    machine's calibration gives for a breast of 20% glandularity and the *assumed* thickness.

    Returns
    -------
    ndarray of float64
        On the detector grid; NaN outside the breast.
    """
    technique = patient.technique
    pair = technique.pair
    w, sensitivity = weight(pair, flat_cm), iodine_sensitivity(pair, flat_cm)
    left = technique.scatter_left
    low = exposures.low - (1 - left) * exposures.low_scatter
    high = exposures.high - (1 - left) * exposures.high_scatter
    floor = 1e-5
    raw = w * np.log(np.clip(low, floor, None)) - np.log(np.clip(high, floor, None))
    reference = [slab(float(t)) for t in CALIBRATION_CM]
    calibration = np.array([w * log_signal(pair.low_energy, s) - log_signal(pair.high_energy, s) for s in reference])
    true_radius = patient.roll_off * flat_cm * 10 / 2
    assumed_radius = true_radius * (1 - technique.compensation_error)
    assumed = flat_cm * edge_profile(outline.skin_distance_mm, assumed_radius)
    expected = np.interp(assumed, CALIBRATION_CM, calibration)
    return np.where(outline.mask, (raw - expected) / sensitivity, np.nan)
