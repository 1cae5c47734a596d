"""Model observers read a simulated cohort: decisions for each breast with stated internal noise, and their rates."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats

from CEMSynthLib.evaluation.comparison import percentile_interval, resampled_weights
from CEMSynthLib.evaluation.estimate import BOOTSTRAP, Estimate, mean_estimate, missing, rate_estimate
from CEMSynthLib.evaluation.image_measures import CLINICAL, SYNTHETIC
from CEMSynthLib.evaluation.image_record import ImageRecord
from CEMSynthLib.evaluation.observed_view import ObservedView, view_of
from CEMSynthLib.evaluation.observer import Observation
from CEMSynthLib.evaluation.study_table import Readings

#: Standard deviation of each observer's internal noise, in standard deviations of the scores of the breasts read
#: (people: about 0.75 of the external noise; Burgess and Colborne, J Opt Soc Am A 1988, doi 10.1364/JOSAA.5.000617).
INTERNAL_NOISE = (0.5, 0.75, 1.0)
#: A detection counts as at the lesion within this distance of its outline.
NEAR_MM = 5.0
DENSE = ("c", "d")
#: Fewer patients give the ROC AUC no interval.
MINIMUM_FOR_AUC = 5


@dataclass(frozen=True)
class _Breast:
    """One breast on one image type."""

    patient_id: str
    laterality: str
    positive: bool
    much_bpe: bool
    score: float
    bpe_score: float
    views: tuple[tuple[ObservedView, Observation], ...]


@dataclass(frozen=True)
class _Task:
    """What is decided: name, score and truth of a breast, and what a threshold is chosen for."""

    name: str
    score: Callable[[_Breast], float]
    truth: Callable[[_Breast], bool]
    merit: Callable[[Sequence[bool], Sequence[bool]], float]


def observer_readings(
    records: Sequence[ImageRecord], training: Sequence[ObservedView] = (), seed: int = 0
) -> Readings | None:
    """Let three model observers read every breast of a simulated cohort.

    A breast is called positive where its score (mean over its views, see `CEMSynthLib.evaluation.observer`), with
    internal noise added, is above a threshold: for detection the one with the largest sensitivity + specificity (Youden
    1950), for BPE c-d that with the largest accuracy.

    Parameters
    ----------
    records
        Of the images, in a fixed order.
    training
        Views of training patients, on which each observer's thresholds are chosen for each image type; without them
        they are chosen for each patient on the other patients of the test set.
    seed
        Of the bootstrap.

    Returns
    -------
    Readings or None
        ``None`` where not every image is simulated and observed.
    """
    views = [view for record in records if (view := view_of(record)) is not None]
    if not records or len(views) < len(records):
        return None
    ordered = sorted(training, key=lambda view: (view.patient_id, view.laterality, view.source))
    figures: dict[str, dict[str, Estimate]] = {}
    calls: dict[str, list[list[bool]]] = {}
    for image in (CLINICAL, SYNTHETIC):
        figures[image], calls[image] = _read(_breasts(views, image), _breasts(ordered, image), image, seed)
    truth = [b.positive for b in _breasts(views, CLINICAL)]
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
    patients = len({view.patient_id for view in training})
    chosen = (
        f"on {patients} training patients, for each image type (LE after injection)"
        if training
        else "on the other patients of this cohort (leave one patient out), since no training patients were given"
    )
    return Readings(
        "Model observers, not people: a center-surround matched filter (2.5, 4, 6 mm) over the breast, halo taken off; "
        "the strongest response less the median of the next seven, mean over the views; three observers with internal "
        f"noise of {noise} standard deviations of the scores; thresholds chosen {chosen}. Truth: the breast holds a "
        "malignant lesion that enhances; BPE c-d as simulated. A benign "
        "lesion that enhances is a false positive to them.",
        figures,
    )


def _breasts(views: Sequence[ObservedView], image: str) -> list[_Breast]:
    grouped: dict[tuple[str, str], list[tuple[ObservedView, Observation]]] = {}
    for view in views:
        seen = next(o for o in view.observed if o.image == image)
        grouped.setdefault((view.patient_id, view.laterality), []).append((view, seen))
    return [
        _Breast(
            patient,
            side,
            any(view.truth.positive for view, _ in both),
            any(view.truth.bpe in DENSE for view, _ in both),
            float(np.mean([o.score for _, o in both])),
            float(np.mean([o.bpe_score for _, o in both])),
            tuple(both),
        )
        for (patient, side), both in grouped.items()
    ]


def _read(
    breasts: Sequence[_Breast], training: Sequence[_Breast], image: str, seed: int
) -> tuple[dict[str, Estimate], list[list[bool]]]:
    truth, dense = [b.positive for b in breasts], [b.much_bpe for b in breasts]
    patients = [b.patient_id for b in breasts]
    detection = _Task("detection", lambda b: b.score, lambda b: b.positive, _youden)
    bpe = _Task("bpe", lambda b: b.bpe_score, lambda b: b.much_bpe, _accuracy)
    found: dict[str, Estimate] = {}
    calls, dense_calls, places = [], [], []
    for number, noise in enumerate(INTERNAL_NOISE, start=1):
        name = f"{image}|{{}}|{number}"
        called = _decide(breasts, training, detection, noise, name.format("detection"))[0]
        calls.append(called)
        places.append([c and _at_lesion(b) for b, c in zip(breasts, called, strict=True)])
        dense_calls.append(_decide(breasts, training, bpe, noise, name.format("bpe"))[0])
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
    name = "localized_sensitivity (called positive, strongest response of a view at the lesion)"
    found["localized_sensitivity"] = (
        rate_estimate(name, near, ids, seed) if near else missing(name, "no breast is positive")
    )
    found["auc"] = _auc([b.score for b in breasts], truth, patients, seed)
    found["detections"] = _false_detections(breasts, _decide(breasts, training, detection, 0.0, image)[1], seed)
    hits = [c == d for called in dense_calls for c, d in zip(called, dense, strict=True)]
    found["bpe_accuracy"] = rate_estimate("bpe_accuracy a-b vs c-d", hits, patients * times, seed)
    most = max(dense.count(True), dense.count(False))
    found["bpe_majority"] = Estimate("bpe_accuracy of always the more frequent", most / len(dense), count=len(dense),
                                     patients=len(set(patients)))  # fmt: skip
    found["bpe_balanced_accuracy"] = _balanced(hits, dense * times, len(set(patients)))
    return found, calls


def _decide(
    breasts: Sequence[_Breast], training: Sequence[_Breast], task: _Task, noise: float, name: str
) -> tuple[list[bool], list[float]]:
    """Calls and thresholds, each threshold chosen on training patients, or else on the other patients."""
    scores, truth = _noisy(breasts, task, noise, name), [task.truth(b) for b in breasts]
    if training:
        known = list(zip(_noisy(training, task, noise, name), map(task.truth, training), strict=True))
        chosen = [_threshold(known, task.merit)] * len(breasts)
    else:
        patients = [b.patient_id for b in breasts]
        thresholds: Mapping[str, float] = {
            patient: _threshold(
                [(s, t) for s, t, p in zip(scores, truth, patients, strict=True) if p != patient], task.merit
            )
            for patient in dict.fromkeys(patients)
        }
        chosen = [thresholds[p] for p in patients]
    return [s > t for s, t in zip(scores, chosen, strict=True)], chosen


def _noisy(breasts: Sequence[_Breast], task: _Task, noise: float, name: str) -> list[float]:
    """Scores with internal noise that depends on breast, image type and observer alone."""
    scores = [task.score(b) for b in breasts]
    spread = float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0
    return [
        score
        + noise
        * spread
        * float(np.random.default_rng(zlib.crc32(f"{b.patient_id}|{b.laterality}|{name}".encode())).standard_normal())
        for score, b in zip(scores, breasts, strict=True)
    ]


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


def _at_lesion(breast: _Breast) -> bool:
    """Whether the strongest response of at least one view lies at a malignant lesion that enhances."""
    return any(
        np.hypot(c.x_mm - lesion.center_mm[0], c.y_mm - lesion.center_mm[1]) <= lesion.radius_mm + NEAR_MM
        for view, seen in breast.views
        for c in seen.candidates[:1]
        for lesion in view.truth.lesions
        if lesion.malignant and lesion.enhances
    )


def _false_detections(breasts: Sequence[_Breast], thresholds: Sequence[float], seed: int) -> Estimate:
    """Responses that stand out by more than the noise-free observer's threshold, for each image without any lesion."""
    name = "detections_per_image_of_lesion_free_breasts"
    counts = [
        (float(sum(c.score - seen.clutter > threshold for c in seen.candidates)), b.patient_id)
        for b, threshold in zip(breasts, thresholds, strict=True)
        if not any(view.truth.lesions for view, _ in b.views)
        for _, seen in b.views
    ]
    if not counts:
        return missing(name, "every breast holds a lesion")
    return mean_estimate(name, [c for c, _ in counts], [p for _, p in counts], seed)


def _auc(scores: Sequence[float], truth: Sequence[bool], patients: Sequence[str], seed: int) -> Estimate:
    """Part of the pairs (positive, negative) in the right order, ties half (Hanley and McNeil 1982)."""
    name, count = "roc_auc of the noise-free score (Mann-Whitney)", len(set(patients))
    if len(set(truth)) < 2:
        return missing(name, f"no breast is {'negative' if all(truth) else 'positive'}")
    values, positive = np.asarray(scores), np.asarray(truth)
    ordered = (np.sign(values[positive, None] - values[None, ~positive]) + 1) / 2
    value = float(ordered.mean())
    weights = resampled_weights(patients, seed)
    pairs = weights[:, positive].sum(axis=1) * weights[:, ~positive].sum(axis=1)
    enough = pairs > 0
    if count < MINIMUM_FOR_AUC or enough.mean() < 0.95:
        return Estimate(name, value, count=len(scores), patients=count, reason="too few patients for an interval")
    drawn = ((weights[:, positive] @ ordered) * weights[:, ~positive]).sum(axis=1)[enough] / pairs[enough]
    interval = percentile_interval(drawn, patients)
    return Estimate(name, value, interval, BOOTSTRAP, None, len(scores), count)


def _balanced(hits: Sequence[bool], dense: Sequence[bool], patients: int) -> Estimate:
    name = "bpe_balanced_accuracy a-b vs c-d"
    if len(set(dense)) < 2:
        return missing(name, "all breasts have one BPE class")
    rates = [np.mean([h for h, d in zip(hits, dense, strict=True) if d is wanted]) for wanted in (True, False)]
    return Estimate(name, float(np.mean(rates)), count=len(hits), patients=patients)
