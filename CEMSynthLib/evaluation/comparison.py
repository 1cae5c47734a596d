"""Comparison: paired differences and correlations with intervals that keep the images of one patient together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from CEMSynthLib.evaluation.errors import EvaluationError

#: Fewer unseen patients than this show nothing: percentile intervals of fewer clusters are too narrow.
MINIMUM_PATIENTS = 20
RESAMPLES = 4000

FloatArray = NDArray[np.float64]


class Verdict(Enum):
    """What a paired comparison shows."""

    BETTER = "better"
    WORSE = "worse"
    NOT_SHOWN = "no difference shown"
    TOO_FEW = "too few patients"


@dataclass(frozen=True)
class PairedComparison:
    """A model against one baseline.

    Parameters
    ----------
    difference
        Mean over images of model - baseline.
    interval_95
        Expanded percentile bootstrap over patients.
    images, patients
        How many.
    verdict
        Better or worse where the interval excludes 0 and there are at least 20 patients.
    """

    difference: float
    interval_95: tuple[float, float]
    images: int
    patients: int
    verdict: Verdict


@dataclass(frozen=True)
class Correlation:
    """Pearson r over images with a patient-clustered 95% interval; ``None`` and a reason where it is not defined."""

    r: float | None
    interval_95: tuple[float, float] | None
    images: int
    patients: int
    reason: str = ""


@dataclass(frozen=True)
class Agreement:
    """Bland-Altman: mean of the differences, and mean -+ 1.96 standard deviations (ddof = 1)."""

    bias: float
    limits: tuple[float, float]


def beats(
    model: Sequence[float],
    baseline: Sequence[float],
    patient_ids: Sequence[str],
    *,
    higher_is_better: bool,
    seed: int = 0,
) -> PairedComparison:
    """Tell whether a model is better than a baseline on the same images.

    Parameters
    ----------
    model, baseline
        One figure per image (MAE, SSIM, ...), paired.
    patient_ids
        The patient of each image.
    higher_is_better
        True for SSIM and PSNR, false for errors.
    seed
        Of the bootstrap.

    Returns
    -------
    PairedComparison

    Raises
    ------
    EvaluationError
        The lists differ in length, are empty, or hold what is not a number.

    Notes
    -----
    Cluster bootstrap (Davison and Hinkley 1997, section 3.8): whole patients are drawn with replacement, as many as
    there are, and the mean over all their images is taken, 4000 times. The interval is the expanded percentile
    interval (Hesterberg, The American Statistician 2015, doi 10.1080/00031305.2015.1089789), since the plain one is
    too narrow for few patients: with 20 it holds the truth in 92 of 100 cases, the expanded one in 94.
    """
    difference = _numbers(model, patient_ids) - _numbers(baseline, patient_ids)
    weights = resampled_weights(patient_ids, seed)
    means = weights @ difference / weights.sum(axis=1)
    low, high = percentile_interval(means, patient_ids)
    patients = len(set(patient_ids))
    gain_low, gain_high = (low, high) if higher_is_better else (-high, -low)
    if patients < MINIMUM_PATIENTS:
        verdict = Verdict.TOO_FEW
    elif gain_low > 0:
        verdict = Verdict.BETTER
    else:
        verdict = Verdict.WORSE if gain_high < 0 else Verdict.NOT_SHOWN
    return PairedComparison(float(difference.mean()), (low, high), len(difference), patients, verdict)


def clustered_correlation(
    first: Sequence[float], second: Sequence[float], patient_ids: Sequence[str], *, seed: int = 0
) -> Correlation:
    """Pearson r over images, with the interval of a bootstrap over patients.

    Parameters
    ----------
    first, second
        One number per image, paired.
    patient_ids
        The patient of each image.
    seed
        Of the bootstrap.

    Returns
    -------
    Correlation
        Without a number below 3 patients, or where one of the two does not vary.

    Raises
    ------
    EvaluationError
        As `beats`.
    """
    x, y = _numbers(first, patient_ids), _numbers(second, patient_ids)
    patients = len(set(patient_ids))
    if patients < 3:
        return Correlation(None, None, len(x), patients, f"{patients} patients are too few for a correlation")
    if np.ptp(x) < 1e-12 or np.ptp(y) < 1e-12:
        return Correlation(None, None, len(x), patients, "one of the two does not vary from image to image")
    value = float(_pearson(x, y, np.ones((1, len(x))))[0])
    drawn = _pearson(x, y, resampled_weights(patient_ids, seed))
    return Correlation(value, percentile_interval(drawn, patient_ids), len(x), patients)


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Bland-Altman bias and limits of ``second`` - ``first`` (Bland and Altman, Lancet 1986).

    Parameters
    ----------
    first, second
        One number per image, paired, at least 2.

    Returns
    -------
    Agreement

    Raises
    ------
    EvaluationError
        There are fewer than 2 images.
    """
    difference = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    if len(difference) < 2:
        raise EvaluationError("Limits of agreement need at least 2 images.")
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    return Agreement(bias, (bias - 1.96 * sd, bias + 1.96 * sd))


def _numbers(values: Sequence[float], patient_ids: Sequence[str]) -> FloatArray:
    numbers = np.asarray(values, dtype=np.float64)
    if len(numbers) != len(patient_ids) or not len(numbers):
        raise EvaluationError(f"There are {len(numbers)} figures for {len(patient_ids)} images; one each is needed.")
    if not np.isfinite(numbers).all():
        raise EvaluationError("A figure is not a number, so nothing can be compared.")
    return numbers


def percentile_interval(figures: FloatArray, patient_ids: Sequence[str]) -> tuple[float, float]:
    """Expanded percentile interval of resampled figures (see `beats`); draws without a figure (NaN) do not count."""
    low, high = np.nanpercentile(figures, _tails(patient_ids))
    return float(low), float(high)


def _tails(patient_ids: Sequence[str]) -> tuple[float, float]:
    """Percentiles of a 95% interval, moved outward as Student's t is wider than the normal distribution."""
    count = len(set(patient_ids))
    if count < 2:
        return 0.0, 100.0
    tail = 100 * float(stats.norm.cdf(-math.sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1)))
    return tail, 100 - tail


def resampled_weights(patient_ids: Sequence[str], seed: int) -> FloatArray:
    """How often each image is drawn in each resample of whole patients, shape (resamples, images)."""
    _, patient = np.unique(np.asarray(patient_ids), return_inverse=True)
    count = int(patient.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return np.asarray(drawn[:, patient], dtype=np.float64)


def _pearson(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    """Pearson r under each row of weights; NaN where x or y does not vary under them."""
    total = weights.sum(axis=1, keepdims=True)
    dx = x - weights @ x[:, None] / total
    dy = y - weights @ y[:, None] / total
    xx, yy, xy = ((weights * a * b).sum(axis=1) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    product = np.sqrt(xx * yy)
    small = 1e-12 * np.ptp(x) * np.ptp(y)
    return np.asarray(np.divide(xy, product, out=np.full_like(product, np.nan), where=product > small))
