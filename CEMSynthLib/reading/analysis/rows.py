"""Rows: every number of the analysis with its name, its interval and, where it is missing, the reason."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.evaluation.comparison import percentile_interval, resampled_weights
from CEMSynthLib.evaluation.estimate import BOOTSTRAP, Estimate, mean_estimate, missing

ALL_READERS = "all readers"
NO_WIDTH = "no spread between patients, so no interval"
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class ResultRow:
    """One number.

    Parameters
    ----------
    section
        Key of the part of the report.
    quantity
        What, in words.
    reader
        Code, or `ALL_READERS`.
    image_types
        Name of the arm; ``a - b`` or ``a against b`` for comparisons.
    estimate
        Number, interval, formula, how many it rests on, or the reason why there is none.
    unit
        ``1`` for parts, correlations and p values.
    """

    section: str
    quantity: str
    reader: str
    image_types: str
    estimate: Estimate
    unit: str = "1"

    def __post_init__(self) -> None:
        numbers = [self.estimate.value, *(self.estimate.interval_95 or ())]
        if any(v is not None and not math.isfinite(v) for v in numbers):
            raise ValueError(f"{self.quantity}: not a finite number; give a reason instead")
        if self.estimate.value is None and not self.estimate.reason:
            raise ValueError(f"{self.quantity}: no number and no reason")


def resampled_estimate(
    formula: str,
    value: float,
    statistic: Callable[[Weights], Weights],
    patient_ids: Sequence[str],
    reason: str,
    seed: int = 0,
) -> Estimate:
    """A statistic of reads with an interval by resampling whole patients, all readers of a patient with her.

    Parameters
    ----------
    formula
        Its name.
    value
        On all rows; NaN where it is not defined.
    statistic
        The same of weights, shape (resamples, rows), that tell how often each row is drawn: one number a resample,
        NaN where it is not defined.
    patient_ids
        One per row.
    reason
        Why there is no number where ``value`` is NaN.
    seed
        Of the bootstrap.

    Returns
    -------
    Estimate
        Without an interval for one patient, or where more than a twentieth of the resamples give no number.
    """
    if not patient_ids:
        return missing(formula, "no readings")
    count, patients = len(patient_ids), len(set(patient_ids))
    if not math.isfinite(value):
        return Estimate(formula, count=count, patients=patients, reason=reason)
    if patients < 2:
        return Estimate(formula, value, count=count, patients=patients, reason="one patient gives no interval")
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = statistic(resampled_weights(patient_ids, seed))
    if np.isnan(drawn).mean() > 0.05:
        why = "too few patients for an interval: many resamples hold only one class"
        return Estimate(formula, value, count=count, patients=patients, reason=why)
    if np.nanmax(drawn) - np.nanmin(drawn) < 1e-12:
        return Estimate(formula, value, count=count, patients=patients, reason=NO_WIDTH)
    return Estimate(formula, value, percentile_interval(drawn, patient_ids), BOOTSTRAP, None, count, patients)


def change_estimate(formula: str, changes: Sequence[float], patient_ids: Sequence[str], reason: str) -> Estimate:
    """Mean of values or of paired differences; without an interval where all are the same; ``reason``: why none is."""
    if not changes:
        return missing(formula, reason)
    patients = len(set(patient_ids))
    if patients > 1 and len(set(changes)) == 1:
        return Estimate(formula, changes[0], count=len(changes), patients=patients, reason=NO_WIDTH)
    return mean_estimate(formula, changes, patient_ids)
