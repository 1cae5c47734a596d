"""Rates and means keep patients together, agree with SciPy, cover the truth, and say why a number is missing."""

import numpy as np
import pytest
from scipy import stats

from CEMSynthLib.evaluation.estimate import EXACT, mean_estimate, missing, rate_estimate, ratio_estimate


def test_a_mean_is_the_mean_and_keeps_copies_of_a_patient_together():
    values = np.random.default_rng(1).normal(2, 1, 30)
    once = mean_estimate("x", values.tolist(), [f"P{i}" for i in range(30)])
    twice = mean_estimate("x", np.repeat(values, 2).tolist(), [f"P{i}" for i in range(30) for _ in range(2)])
    assert once.value == pytest.approx(values.mean())
    assert once.sd == pytest.approx(values.std(ddof=1))
    assert once.interval_95 == pytest.approx(twice.interval_95)
    assert (twice.count, twice.patients) == (60, 30)


def test_all_hits_have_the_exact_interval_of_scipy():
    made = rate_estimate("r", [True] * 24, [f"P{i // 2}" for i in range(24)])
    exact = stats.binomtest(12, 12).proportion_ci(0.95, "exact")
    assert (made.value, made.method) == (1.0, EXACT)
    assert made.interval_95 == pytest.approx((exact.low, exact.high))
    # Published: the "rule of three" of 0 of n is close to the exact upper limit (Hanley and Lippman-Hand 1983).
    none = rate_estimate("r", [False] * 100, [f"P{i}" for i in range(100)])
    assert none.interval_95[1] == pytest.approx(0.0362, abs=1e-4)


def test_what_cannot_be_said_is_said():
    assert mean_estimate("x", [], []).reason
    assert rate_estimate("x", [], []).reason
    one = rate_estimate("x", [True, False], ["A", "A"])
    assert one.value == 0.5
    assert one.interval_95 is None
    assert one.reason == "one patient gives no interval"
    assert mean_estimate("x", [1.0, 2.0], ["A", "A"]).reason == "one patient gives no interval"
    alike = rate_estimate("x", [True, False] * 3, ["A", "A", "B", "B", "C", "C"])
    assert (alike.value, alike.interval_95) == (0.5, None)
    assert "do not differ" in alike.reason
    assert missing("x", "why").value is None


def test_the_interval_of_a_rate_covers_the_truth_about_95_times_in_100():
    """500 draws of 40 patients with two breasts each; patients differ in how hard they are (beta distribution)."""
    rng = np.random.default_rng(3)
    ids = [f"P{i}" for i in range(40) for _ in range(2)]
    covered = 0
    for _ in range(500):
        p = np.repeat(rng.beta(4, 2, 40), 2)
        low, high = rate_estimate("r", (rng.uniform(size=80) < p).tolist(), ids).interval_95
        covered += low <= 4 / 6 <= high
    assert 0.92 <= covered / 500 <= 0.98


def test_a_ratio_of_sums_is_not_the_mean_of_ratios():
    made = ratio_estimate("kept", [1.0, 9.0, 2.0, 8.0], [2.0, 10.0, 4.0, 24.0], ["a", "a", "b", "c"])
    assert made.value == pytest.approx(20 / 40)
    assert made.interval_95[0] <= 0.5 <= made.interval_95[1]
    assert (made.count, made.patients) == (4, 3)


def test_a_ratio_to_nothing_has_a_reason():
    assert ratio_estimate("kept", [], [], []).reason
    assert "not above 0" in ratio_estimate("kept", [1.0], [-1.0], ["a"]).reason
    assert "one patient" in ratio_estimate("kept", [1.0], [2.0], ["a"]).reason
