"""Gwet's AC1 and AC2: agreement of two or more readers beyond chance, with missing readings.

Gwet, Handbook of Inter-Rater Reliability, 4th edition 2014, chapters 3 and 5; Br J Math Stat Psychol 2008, 61, 29-48:
AC2 = (pa - pe) / (1 - pe), pa the weighted agreement over units with two ratings or more, pe = T / (q (q - 1)) times
the sum of p_k (1 - p_k), T the sum of all weights, q categories. AC1 is AC2 with identity weights.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def quadratic_weights(categories: int) -> FloatArray:
    """1 - (k - l)^2 / (q - 1)^2, shape (q, q)."""
    k = np.arange(categories)
    return np.asarray(1 - (k[:, None] - k) ** 2 / (categories - 1) ** 2)


def rating_counts(ratings: Sequence[Sequence[int | None]], categories: int) -> FloatArray:
    """How many readers put each unit into each category, shape (units, categories).

    Parameters
    ----------
    ratings
        For each unit the readers' categories, 0 to ``categories`` - 1, ``None`` where one has not read it.
    categories
        All that there are to choose, used or not.
    """
    counts = np.zeros((len(ratings), categories))
    for unit, given in enumerate(ratings):
        for category in given:
            if category is not None:
                counts[unit, category] += 1
    return counts


def gwet_ac2(counts: FloatArray, agreement_weights: FloatArray) -> float:
    """Gwet's coefficient.

    Parameters
    ----------
    counts
        See `rating_counts`; units that nobody rated are left out.
    agreement_weights
        Shape (q, q), 1 on the diagonal: identity for AC1, `quadratic_weights` for ordinal categories.

    Returns
    -------
    float
        At most 1; NaN where no unit has two ratings.
    """
    if not (counts.sum(axis=1) >= 2).any():
        return float("nan")
    return float(gwet_ac2_resampled(counts, agreement_weights, np.ones((1, len(counts))))[0])


def gwet_ac2_resampled(counts: FloatArray, agreement_weights: FloatArray, unit_weights: FloatArray) -> FloatArray:
    """`gwet_ac2` under each row of ``unit_weights``, shape (resamples, units); NaN where it is not defined."""
    raters = counts.sum(axis=1)
    rated, several = raters >= 1, raters >= 2
    c, r = counts[several], raters[several]
    agreeing = (c * (c @ agreement_weights - 1)).sum(axis=1) / (r * (r - 1))
    observed = unit_weights[:, several] @ agreeing / unit_weights[:, several].sum(axis=1)
    shares = unit_weights[:, rated] @ (counts[rated] / raters[rated, None])
    shares /= unit_weights[:, rated].sum(axis=1, keepdims=True)
    q = counts.shape[1]
    chance = agreement_weights.sum() / (q * (q - 1)) * (shares * (1 - shares)).sum(axis=1)
    return np.asarray((observed - chance) / (1 - chance))
