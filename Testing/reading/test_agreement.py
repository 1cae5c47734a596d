"""Agreement and tests against published worked examples."""

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from CEMSynthLib.reading.analysis.agreement import kappa, resampled_kappa
from CEMSynthLib.reading.analysis.detection import mcnemar_p, mean_area, resampled_areas
from CEMSynthLib.reading.analysis.gwet import gwet_ac2, gwet_ac2_resampled, quadratic_weights, rating_counts
from CEMSynthLib.reading.analysis.reads import Read
from CEMSynthLib.reading.analysis.rows import change_estimate, resampled_estimate

N = None
# Gwet, Handbook of Inter-Rater Reliability, 4th edition 2014, page 120: 12 units, 4 raters, 5 categories
# (cac.raw4raters of the R package irrCAC; the same data as Krippendorff 2011, example C).
FOUR_RATERS = [
    [1, 1, N, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [N, 5, 5, 5],
    [N, N, 1, 1],
    [N, N, 3, N],
]
# irrCAC: cont3x3abstractors (Gwet 2014) and cont4x4diagnosis, two raters.
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
DIAGNOSIS = [[40, 6, 4, 15], [4, 25, 1, 5], [4, 2, 21, 9], [17, 13, 12, 45]]


def pairs_of(table):
    return [(a, b) for a, row in enumerate(table) for b, n in enumerate(row) for _ in range(n)]


def counts_of(ratings):
    return rating_counts([[None if r is None else r - 1 for r in unit] for unit in ratings], 5)


def test_ac1_of_gwets_worked_example():
    assert gwet_ac2(counts_of(FOUR_RATERS), np.eye(5)) == pytest.approx(0.77544, abs=5e-6)


def test_quadratic_ac2_of_gwets_worked_example():
    # irrCAC, weights = "quadratic": pa 0.975, pe 0.714, AC2 0.914
    assert gwet_ac2(counts_of(FOUR_RATERS), quadratic_weights(5)) == pytest.approx(0.914, abs=5e-4)


@pytest.mark.parametrize(("table", "ac1", "ac2"), [(ABSTRACTORS, 0.849, 0.940), (DIAGNOSIS, 0.456, 0.299)])
def test_ac_of_two_raters(table, ac1, ac2):
    counts = rating_counts(pairs_of(table), len(table))
    assert gwet_ac2(counts, np.eye(len(table))) == pytest.approx(ac1, abs=5e-4)
    assert gwet_ac2(counts, quadratic_weights(len(table))) == pytest.approx(ac2, abs=5e-4)


@pytest.mark.parametrize(("table", "expected"), [(ABSTRACTORS, 0.892), (DIAGNOSIS, 0.383)])
def test_quadratic_kappa_of_published_tables(table, expected):
    assert kappa(pairs_of(table), len(table)) == pytest.approx(expected, abs=5e-4)


def test_mcnemar_of_a_published_example():
    # Fay, R Journal 2010 (exact2x2), mcnemar.exact(matrix(c(21, 9, 2, 12), 2, 2)): p = 0.06543
    assert mcnemar_p(9, 2) == pytest.approx(0.06543, abs=5e-6)
    assert mcnemar_p(2, 9) == mcnemar_p(9, 2)
    # By hand: 2 (C(11,0) + C(11,1) + C(11,2)) / 2^11
    assert mcnemar_p(9, 2) == pytest.approx(2 * (1 + 11 + 55) / 2**11, rel=1e-12)
    assert mcnemar_p(0, 0) == 1.0


def test_ac2_of_readers_who_agree_and_of_nobody():
    assert gwet_ac2(rating_counts([[0, 0]] * 5, 4), quadratic_weights(4)) == pytest.approx(1)
    assert np.isnan(gwet_ac2(rating_counts([[0, None]] * 5, 4), quadratic_weights(4)))


def reads_of(seed, count=60):
    rng = np.random.default_rng(seed)
    return [
        Read(
            f"R{i % 3}",
            f"C{i // 3}",
            f"P{i // 6}",
            "arm",
            False,
            bool((i // 3) % 2),
            "",
            {
                "lesion": "yes" if rng.random() < 0.3 + 0.5 * ((i // 3) % 2) else "no",
                "confidence": str(rng.integers(1, 6)),
            },
            1.0,
            0,
        )
        for i in range(count)
    ]


def test_resampled_figures_are_those_of_scikit_learn_on_the_repeated_rows():
    rng = np.random.default_rng(5)
    pairs = [(int(a), int(b)) for a, b in rng.integers(0, 4, (50, 2))]
    reads = reads_of(1)
    for weights in (np.ones(50), rng.integers(0, 4, 50).astype(float)):
        rows = np.repeat(np.arange(50), weights.astype(int))
        a, b = np.array(pairs)[rows].T
        expected = cohen_kappa_score(a, b, labels=[0, 1, 2, 3], weights="quadratic")
        assert resampled_kappa(pairs, 4, weights[None])[0] == pytest.approx(expected, abs=1e-12)
        counts = rating_counts(pairs, 4)
        got = gwet_ac2_resampled(counts, quadratic_weights(4), weights[None])[0]
        assert got == pytest.approx(gwet_ac2(counts[rows], quadratic_weights(4)), abs=1e-12)
    weights = rng.integers(0, 4, len(reads)).astype(float)
    areas = []
    for reader in ("R0", "R1", "R2"):
        own = [i for i, r in enumerate(reads) if r.reader == reader]
        truth, score = [reads[i].positive for i in own], [reads[i].score for i in own]
        areas.append(roc_auc_score(truth, score, sample_weight=weights[own]))
    assert resampled_areas(reads, weights[None])[0] == pytest.approx(np.mean(areas), abs=1e-12)
    assert resampled_areas(reads, np.ones((1, len(reads))))[0] == pytest.approx(mean_area(reads), abs=1e-12)


def test_the_interval_is_that_of_scipys_bootstrap():
    rng = np.random.default_rng(2)
    pairs = [
        (int(a), int(np.clip(a + s, 0, 3)))
        for a, s in zip(rng.integers(0, 4, 60), rng.integers(-1, 2, 60), strict=True)
    ]
    patients = [f"P{i}" for i in range(60)]
    made = resampled_estimate("k", kappa(pairs, 4), lambda w: resampled_kappa(pairs, 4, w), patients, "")

    def statistic(index):
        return kappa([pairs[i] for i in index], 4)

    scipy = bootstrap((np.arange(60),), statistic, vectorized=False, n_resamples=600, method="percentile", rng=3)
    low, high = scipy.confidence_interval
    assert made.interval_95 == pytest.approx((low, high), abs=0.04)


def test_intervals_of_patient_clustered_kappa_cover_the_truth():
    """500 studies of 40 patients, two breasts of one BPE each, read twice: 92-98% of intervals hold the truth."""
    rng = np.random.default_rng(11)
    shares = np.array([0.4, 0.35, 0.15, 0.1])

    def draw(patients):
        bpe = np.repeat(rng.choice(4, patients, p=shares), 2)
        first, second = (np.clip(bpe + rng.choice((-1, 0, 1), len(bpe), p=(0.12, 0.76, 0.12)), 0, 3) for _ in range(2))
        return list(zip(first.tolist(), second.tolist(), strict=True))

    truth = kappa(draw(200_000), 4)
    patients = [f"P{i // 2}" for i in range(80)]
    held = 0
    for _ in range(500):
        pairs = draw(40)
        made = resampled_estimate(
            "k", kappa(pairs, 4), lambda w, p=pairs: resampled_kappa(p, 4, w[:1000]), patients, ""
        )
        held += made.interval_95[0] <= truth <= made.interval_95[1]
    print(f"{held} of 500")
    assert 0.92 <= held / 500 <= 0.98


def test_no_number_without_a_reason():
    assert "one patient" in resampled_estimate("x", 0.5, lambda w: w.mean(axis=1), ["P"] * 3, "").reason
    assert resampled_estimate("x", float("nan"), lambda w: w.mean(axis=1), ["P", "Q"], "why").reason == "why"
    half = resampled_estimate("x", 0.5, lambda w: np.where(w[:, 0] > 0, 0.5, np.nan), ["P", "Q", "R"], "")
    assert half.interval_95 is None
    assert "only one class" in half.reason
    same = change_estimate("d", [0.0, 0.0, 0.0], ["P", "Q", "R"], "")
    assert (same.value, same.interval_95) == (0.0, None)
    assert "no spread between patients" in same.reason
