"""Intervals keep the images of one patient together, agree with SciPy, and cover the truth."""

import warnings

import numpy as np
import pytest
from scipy import stats

from CEMSynthLib.evaluation.comparison import Verdict, agreement, beats, clustered_correlation
from CEMSynthLib.evaluation.errors import EvaluationError


def patients(count, each=1):
    return [f"P{i}" for i in range(count) for _ in range(each)]


def test_a_clear_gain_is_better_and_a_clear_loss_is_worse():
    rng = np.random.default_rng(0)
    baseline = rng.normal(0.1, 0.02, 40)
    model = baseline - 0.02 + rng.normal(0, 0.005, 40)
    ids = patients(20, 2)
    assert beats(model, baseline, ids, higher_is_better=False).verdict is Verdict.BETTER
    assert beats(model, baseline, ids, higher_is_better=True).verdict is Verdict.WORSE
    assert beats(baseline, model, ids, higher_is_better=False).verdict is Verdict.WORSE
    result = beats(model, baseline, ids, higher_is_better=False)
    assert result.difference == pytest.approx(np.mean(model - baseline))
    assert result.interval_95[0] < result.difference < result.interval_95[1] < 0
    assert (result.images, result.patients) == (40, 20)


def test_equal_figures_show_nothing():
    values = np.linspace(0, 1, 30)
    result = beats(values, values, patients(30), higher_is_better=True)
    assert result.verdict is Verdict.NOT_SHOWN
    assert result.interval_95 == (0.0, 0.0)


def test_nineteen_patients_are_too_few_however_clear():
    assert beats([0.0] * 76, [1.0] * 76, patients(19, 4), higher_is_better=False).verdict is Verdict.TOO_FEW
    assert beats([0.0] * 20, [1.0] * 20, patients(20), higher_is_better=False).verdict is Verdict.BETTER


def test_the_interval_is_that_of_scipy_for_one_image_per_patient():
    difference = np.random.default_rng(3).normal(0.3, 1, 40)
    # Expanded percentiles: t with 39 degrees of freedom is 2.0227, times sqrt(40 / 39) is 2.0485 normal deviations.
    level = 2 * stats.norm.cdf(2.0485) - 1
    expected = stats.bootstrap(
        (difference,), np.mean, method="percentile", n_resamples=20000, confidence_level=level, rng=1
    )
    found = beats(difference, np.zeros(40), patients(40), higher_is_better=True).interval_95
    np.testing.assert_allclose(found, expected.confidence_interval, atol=0.03)


def test_many_copies_of_a_patient_do_not_narrow_the_interval():
    difference = np.random.default_rng(3).normal(0.3, 1, 25)
    once = beats(difference, np.zeros(25), patients(25), higher_is_better=True)
    four = beats(np.repeat(difference, 4), np.zeros(100), patients(25, 4), higher_is_better=True)
    np.testing.assert_allclose(once.interval_95, four.interval_95)
    r_once = clustered_correlation(difference, difference**2, patients(25))
    r_four = clustered_correlation(np.repeat(difference, 4), np.repeat(difference, 4) ** 2, patients(25, 4))
    np.testing.assert_allclose(r_once.interval_95, r_four.interval_95)


def test_the_interval_covers_the_truth_about_95_times_in_100():
    """Plain percentiles cover it 92 times in 100 with 20 patients (1000 runs); two images a patient change nothing."""
    rng = np.random.default_rng(5)
    ids = patients(20, 2)
    covered = 0
    for _ in range(300):
        difference = np.repeat(rng.normal(0, 1, 20), 2)
        low, high = beats(difference, np.zeros(40), ids, higher_is_better=True).interval_95
        covered += low <= 0 <= high
    assert 0.92 <= covered / 300 <= 0.98


def test_pearson_is_that_of_scipy():
    rng = np.random.default_rng(7)
    x = rng.normal(size=50)
    y = x + rng.normal(size=50)
    result = clustered_correlation(x, y, patients(25, 2))
    assert result.r == pytest.approx(stats.pearsonr(x, y).statistic)
    assert result.interval_95[0] < result.r < result.interval_95[1]


def test_what_is_not_defined_is_said_in_words():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flat = clustered_correlation([1.0, 1.0, 1.0, 1.0], [1, 2, 3, 4], patients(4))
        few = clustered_correlation([1, 2, 3, 4], [1, 2, 3, 4], patients(2, 2))
    assert flat.r is None
    assert "does not vary" in flat.reason
    assert few.r is None
    assert "2 patients" in few.reason


def test_bad_figures_are_refused():
    with pytest.raises(EvaluationError, match="one each"):
        beats([1.0], [1.0], ["a", "b"], higher_is_better=True)
    with pytest.raises(EvaluationError, match="one each"):
        beats([], [], [], higher_is_better=True)
    with pytest.raises(EvaluationError, match="not a number"):
        beats([float("nan")], [1.0], ["a"], higher_is_better=True)
    with pytest.raises(EvaluationError, match="2 images"):
        agreement([1], [1])


def test_bland_altman_by_hand():
    result = agreement([0, 0, 0], [1, 2, 3])
    assert result.bias == 2
    assert result.limits == pytest.approx((2 - 1.96, 2 + 1.96))
