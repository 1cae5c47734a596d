"""Estimate: a mean or a rate with a 95% interval that keeps images of one patient together, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from CEMSynthLib.evaluation.comparison import percentile_interval, resampled_weights

BOOTSTRAP = "patient-clustered bootstrap, expanded percentiles"
EXACT = "Clopper-Pearson, patients as units"


@dataclass(frozen=True)
class Estimate:
    """One number of a cohort.

    Parameters
    ----------
    formula
        The name that the number carries.
    value
        The number; ``None`` with a ``reason``.
    interval_95
        ``None`` where one patient gives none (``reason`` says so).
    method
        How the interval was made.
    sd
        Standard deviation over the units (ddof = 1), for means.
    count, patients
        Units (images, lesions, breasts) and patients.
    reason
        Why a number is missing.
    """

    formula: str
    value: float | None = None
    interval_95: tuple[float, float] | None = None
    method: str = ""
    sd: float | None = None
    count: int = 0
    patients: int = 0
    reason: str = ""


def missing(formula: str, reason: str) -> Estimate:
    """An estimate that could not be made."""
    return Estimate(formula, reason=reason)


def mean_estimate(formula: str, values: Sequence[float], patient_ids: Sequence[str], seed: int = 0) -> Estimate:
    """Mean over units with a bootstrap over patients (see `CEMSynthLib.evaluation.comparison.beats`).

    Parameters
    ----------
    formula
        Its name.
    values, patient_ids
        One of each for every unit.
    seed
        Of the bootstrap.
    """
    if not values:
        return missing(formula, "there is nothing to average")
    numbers = np.asarray(values, dtype=np.float64)
    patients = len(set(patient_ids))
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else None
    if patients < 2:
        return Estimate(
            formula, float(numbers.mean()), None, "", sd, len(numbers), patients, "one patient gives no interval"
        )
    weights = resampled_weights(patient_ids, seed)
    interval = percentile_interval(weights @ numbers / weights.sum(axis=1), patient_ids)
    if interval[1] - interval[0] <= 1e-12 * max(1.0, abs(interval[0])):
        why = "no interval, since the patients do not differ"
        return Estimate(formula, float(numbers.mean()), None, "", sd, len(numbers), patients, why)
    return Estimate(formula, float(numbers.mean()), interval, BOOTSTRAP, sd, len(numbers), patients)


def ratio_estimate(
    formula: str,
    upper: Sequence[float],
    lower: Sequence[float],
    patient_ids: Sequence[str],
    seed: int = 0,
) -> Estimate:
    """Sum of one figure over the sum of another, both of the same units, with a bootstrap over patients.

    Parameters
    ----------
    formula
        Its name.
    upper, lower, patient_ids
        One of each for every unit; the sum of ``lower`` must be above 0.
    seed
        Of the bootstrap.
    """
    if not upper:
        return missing(formula, "there is nothing to compare")
    above, below = np.asarray(upper, dtype=np.float64), np.asarray(lower, dtype=np.float64)
    patients = len(set(patient_ids))
    if below.sum() <= 0:
        return missing(formula, "the sum of what it is compared with is not above 0")
    value = float(above.sum() / below.sum())
    if patients < 2:
        return Estimate(formula, value, None, "", None, len(above), patients, "one patient gives no interval")
    weights = resampled_weights(patient_ids, seed)
    sums = weights @ below
    interval = percentile_interval((weights @ above)[sums > 0] / sums[sums > 0], patient_ids)
    return Estimate(formula, value, interval, BOOTSTRAP, None, len(above), patients)


def rate_estimate(formula: str, hits: Sequence[bool], patient_ids: Sequence[str], seed: int = 0) -> Estimate:
    """Part of the units that are hits.

    Where all or none are, resampling gives no width: the interval is then the exact binomial one (Clopper and Pearson
    1934, SciPy) with as many trials as there are patients.

    Parameters
    ----------
    formula
        Its name.
    hits, patient_ids
        One of each for every unit.
    seed
        Of the bootstrap.
    """
    if not hits:
        return missing(formula, "there is nothing to count")
    patients = len(set(patient_ids))
    if 0 < sum(hits) < len(hits) and patients > 1:
        return replace(mean_estimate(formula, [float(hit) for hit in hits], patient_ids, seed), sd=None)
    if 0 < sum(hits) < len(hits):
        return Estimate(
            formula, float(np.mean(hits)), None, "", None, len(hits), patients, "one patient gives no interval"
        )
    exact = stats.binomtest(patients if hits[0] else 0, patients).proportion_ci(0.95, "exact")
    return Estimate(formula, float(hits[0]), (float(exact.low), float(exact.high)), EXACT, None, len(hits), patients)
