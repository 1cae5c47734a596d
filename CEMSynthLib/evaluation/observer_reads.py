"""Model observers read a simulated cohort: decisions for each breast with stated internal noise, and their rates."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats

from CEMSynthLib.evaluation.estimate import Estimate, mean_estimate, missing, rate_estimate
from CEMSynthLib.evaluation.image_measures import CLINICAL, SYNTHETIC
from CEMSynthLib.evaluation.image_record import ImageRecord
from CEMSynthLib.evaluation.observer import Observation
from CEMSynthLib.evaluation.study_table import Readings

#: Standard deviation of each observer's internal noise, in standard deviations of the scores of the breasts read
#: (people: about 0.75 of the external noise; Burgess and Colborne, J Opt Soc Am A 1988, doi 10.1364/JOSAA.5.000617).
INTERNAL_NOISE = (0.5, 0.75, 1.0)
#: A detection counts as at the lesion within this distance of its outline.
NEAR_MM = 5.0
DENSE = ("c", "d")


@dataclass(frozen=True)
class _Breast:
    """One breast on one image type."""

    patient_id: str
    laterality: str
    positive: bool
    much_bpe: bool
    score: float
    bpe_score: float
    views: tuple[tuple[ImageRecord, Observation], ...]


def observer_readings(records: Sequence[ImageRecord], seed: int = 0) -> Readings | None:
    """Let three model observers read every breast of a simulated cohort.

    A breast is called positive where its strongest response (both views), with internal noise added, is above a
    threshold. The threshold is chosen for each patient and image type on the other patients only: for detection the
    one with the largest sensitivity + specificity (Youden 1950), for BPE c-d that with the largest accuracy.

    Parameters
    ----------
    records
        Of the images, in a fixed order.
    seed
        Of the bootstrap.

    Returns
    -------
    Readings or None
        ``None`` where not every image is simulated and observed.
    """
    if not records or any(r.truth is None or len(r.observed) < 2 for r in records):
        return None
    figures: dict[str, dict[str, Estimate]] = {}
    calls: dict[str, list[list[bool]]] = {}
    for image in (CLINICAL, SYNTHETIC):
        figures[image], calls[image] = _read(_breasts(records, image), image, seed)
    truth = [b.positive for b in _breasts(records, CLINICAL)]
    for number, (one, other) in enumerate(zip(calls[CLINICAL], calls[SYNTHETIC], strict=True), start=1):
        right = [(a == t, b == t) for a, b, t in zip(one, other, truth, strict=True)]
        first, second = right.count((True, False)), right.count((False, True))
        name = f"mcnemar_exact_p observer {number}"
        figures[SYNTHETIC][name] = (
            Estimate(name, float(stats.binomtest(first, first + second).pvalue), count=len(truth))
            if first + second
            else missing(name, "clinical and synthetic reads are equally right in every breast")
        )
    noise = ", ".join(f"{k:g}" for k in INTERNAL_NOISE)
    return Readings(
        "Model observers, not people: a center-surround matched filter (2.5, 4, 6 mm) over the breast, halo taken off; "
        "three "
        f"observers with internal noise of {noise} standard deviations of the scores; thresholds chosen on the other "
        "patients (leave one patient out). Truth: the breast holds a malignant lesion that enhances; BPE c-d as "
        "simulated. A benign lesion that enhances is a false positive to them.",
        figures,
    )


def _breasts(records: Sequence[ImageRecord], image: str) -> list[_Breast]:
    grouped: dict[tuple[str, str], list[tuple[ImageRecord, Observation]]] = {}
    for record in records:
        seen = next(o for o in record.observed if o.image == image)
        grouped.setdefault((record.patient_id, record.laterality), []).append((record, seen))
    return [
        _Breast(
            patient,
            side,
            any(r.truth is not None and r.truth.positive for r, _ in views),
            any(r.truth is not None and r.truth.bpe in DENSE for r, _ in views),
            max(o.candidates[0].score for _, o in views),
            float(np.mean([o.bpe_score for _, o in views])),
            tuple(views),
        )
        for (patient, side), views in grouped.items()
    ]


def _read(breasts: Sequence[_Breast], image: str, seed: int) -> tuple[dict[str, Estimate], list[list[bool]]]:
    truth, dense = [b.positive for b in breasts], [b.much_bpe for b in breasts]
    patients = [b.patient_id for b in breasts]
    found: dict[str, Estimate] = {}
    calls, dense_calls, places = [], [], []
    for number, noise in enumerate(INTERNAL_NOISE, start=1):
        scores = _noisy([b.score for b in breasts], breasts, f"{image}|detection|{number}", noise)
        called, thresholds = _decide(scores, truth, patients, _youden)
        calls.append(called)
        places.append([_at_lesion(b, t) for b, t in zip(breasts, thresholds, strict=True)])
        scores = _noisy([b.bpe_score for b in breasts], breasts, f"{image}|bpe|{number}", noise)
        dense_calls.append(_decide(scores, dense, patients, _accuracy)[0])
    times = len(INTERNAL_NOISE)
    right = [[c == t for c, t in zip(called, truth, strict=True)] for called in calls]
    for label, rows in (("", right), *((f" observer {i + 1}", [r]) for i, r in enumerate(right))):
        for name, chosen in (("accuracy", None), ("sensitivity", True), ("specificity", False)):
            units = [
                (r, p) for row in rows for r, t, p in zip(row, truth, patients, strict=True) if chosen in (None, t)
            ]
            formula = f"{name}{label or ' pooled over observers'}"
            found[name + label] = (
                rate_estimate(formula, [u[0] for u in units], [u[1] for u in units], seed)
                if units
                else missing(formula, f"no breast is {'positive' if chosen else 'negative'}")
            )
    near = [n for row in places for n, t in zip(row, truth, strict=True) if t]
    ids = [p for p, t in zip(patients, truth, strict=True) if t] * times
    name = "sensitivity, response at the lesion"
    found[name] = rate_estimate(name, near, ids, seed) if near else missing(name, "no breast is positive")
    found["auc"] = _auc([b.score for b in breasts], truth, len(set(patients)))
    found["detections"] = _false_detections(breasts, truth, patients, seed)
    hits = [c == d for called in dense_calls for c, d in zip(called, dense, strict=True)]
    found["bpe_accuracy"] = rate_estimate("bpe_accuracy a-b vs c-d", hits, patients * times, seed)
    most = max(dense.count(True), dense.count(False))
    found["bpe_majority"] = Estimate("bpe_accuracy of always the more frequent", most / len(dense), count=len(dense),
                                     patients=len(set(patients)))  # fmt: skip
    found["bpe_balanced_accuracy"] = _balanced(hits, dense * times, len(set(patients)))
    return found, calls


def _noisy(scores: Sequence[float], breasts: Sequence[_Breast], name: str, noise: float) -> list[float]:
    """Scores with internal noise that depends on breast, image type and observer alone."""
    spread = float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0
    return [
        score
        + noise
        * spread
        * float(np.random.default_rng(zlib.crc32(f"{b.patient_id}|{b.laterality}|{name}".encode())).standard_normal())
        for score, b in zip(scores, breasts, strict=True)
    ]


def _decide(
    scores: Sequence[float],
    truth: Sequence[bool],
    patients: Sequence[str],
    merit: Callable[[Sequence[bool], Sequence[bool]], float],
) -> tuple[list[bool], list[float]]:
    """Calls and thresholds, each threshold chosen on the other patients."""
    thresholds: Mapping[str, float] = {
        patient: _threshold([(s, t) for s, t, p in zip(scores, truth, patients, strict=True) if p != patient], merit)
        for patient in dict.fromkeys(patients)
    }
    chosen = [thresholds[p] for p in patients]
    return [s > t for s, t in zip(scores, chosen, strict=True)], chosen


def _threshold(known: Sequence[tuple[float, bool]], merit: Callable[[Sequence[bool], Sequence[bool]], float]) -> float:
    """The middle of the best thresholds; without other patients nothing is called positive."""
    if not known:
        return float("inf")
    values = sorted({score for score, _ in known})
    steps = [values[0] - 1.0, *((a + b) / 2 for a, b in pairwise(values)), values[-1] + 1.0]
    truth = [t for _, t in known]
    merits = [merit([score > step for score, _ in known], truth) for step in steps]
    best = [step for step, m in zip(steps, merits, strict=True) if m == max(merits)]
    return best[len(best) // 2]


def _accuracy(called: Sequence[bool], truth: Sequence[bool]) -> float:
    return float(np.mean([c == t for c, t in zip(called, truth, strict=True)]))


def _youden(called: Sequence[bool], truth: Sequence[bool]) -> float:
    rates = [
        float(np.mean([c == t for c, t in zip(called, truth, strict=True) if t is wanted]))
        for wanted in (True, False)
        if wanted in truth
    ]
    return sum(rates)


def _at_lesion(breast: _Breast, threshold: float) -> bool:
    """Whether a response above the threshold lies at a malignant lesion that enhances."""
    return any(
        np.hypot(c.x_mm - lesion.center_mm[0], c.y_mm - lesion.center_mm[1]) <= lesion.radius_mm + NEAR_MM
        for record, seen in breast.views
        for c in seen.candidates
        if c.score > threshold and record.truth is not None
        for lesion in record.truth.lesions
        if lesion.malignant and lesion.enhances
    )


def _false_detections(
    breasts: Sequence[_Breast], truth: Sequence[bool], patients: Sequence[str], seed: int
) -> Estimate:
    """Responses above the noise-free observer's threshold for each image of breasts without any lesion."""
    name = "detections_per_image_of_lesion_free_breasts"
    _, thresholds = _decide([b.score for b in breasts], truth, patients, _youden)
    counts = [
        (float(sum(c.score > threshold for c in seen.candidates)), b.patient_id)
        for b, threshold in zip(breasts, thresholds, strict=True)
        if not any(r.truth is not None and r.truth.lesions for r, _ in b.views)
        for _, seen in b.views
    ]
    if not counts:
        return missing(name, "every breast holds a lesion")
    return mean_estimate(name, [c for c, _ in counts], [p for _, p in counts], seed)


def _auc(scores: Sequence[float], truth: Sequence[bool], patients: int) -> Estimate:
    name = "roc_auc of the noise-free score (Mann-Whitney)"
    positive = [s for s, t in zip(scores, truth, strict=True) if t]
    negative = [s for s, t in zip(scores, truth, strict=True) if not t]
    if not positive or not negative:
        return missing(name, f"no breast is {'negative' if positive else 'positive'}")
    u = float(stats.mannwhitneyu(positive, negative).statistic)
    return Estimate(name, u / (len(positive) * len(negative)), count=len(scores), patients=patients)


def _balanced(hits: Sequence[bool], dense: Sequence[bool], patients: int) -> Estimate:
    name = "bpe_balanced_accuracy a-b vs c-d"
    if len(set(dense)) < 2:
        return missing(name, "all breasts have one BPE class")
    rates = [np.mean([h for h, d in zip(hits, dense, strict=True) if d is wanted]) for wanted in (True, False)]
    return Estimate(name, float(np.mean(rates)), count=len(hits), patients=patients)
