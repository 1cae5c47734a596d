"""Detection: sensitivity, specificity, accuracy and ROC AUC of each reader, and what changes between image types."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

from CEMSynthLib.evaluation.estimate import Estimate, missing, rate_estimate
from CEMSynthLib.reading.analysis.reads import Read, StudyReads, paired
from CEMSynthLib.reading.analysis.rows import ALL_READERS, ResultRow, Weights, change_estimate, resampled_estimate

SECTION = "detection"
MCNEMAR = "mcnemar_exact"
_BOTH = "needs breasts with and without a lesion from every reader"
_NO_TRUTH = "it is not known which breasts hold a lesion"
_RATES: tuple[tuple[str, Callable[[Read], bool], str], ...] = (
    ("sensitivity", lambda r: r.positive is True, "no breast with a lesion was read"),
    ("specificity", lambda r: r.positive is False, "no breast without a lesion was read"),
    ("accuracy", lambda r: r.positive is not None, _NO_TRUTH),
)


def detection_rows(study: StudyReads) -> Iterator[ResultRow]:
    """Rates and AUC for each image type, each reader and all together (readers crossed)."""
    for arm in study.protocol.arms:
        for reader in (None, *study.readers):
            reads = study.of(arm.name, reader)
            for name, counted, why in _RATES:
                made = _rate(name, [r for r in reads if counted(r) and r.correct is not None], why, reads)
                yield ResultRow(SECTION, name, reader or ALL_READERS, arm.name, made)
            yield ResultRow(SECTION, "ROC AUC", reader or ALL_READERS, arm.name, _auc(reads))


def detection_differences(study: StudyReads, reference: str, other: str) -> Iterator[ResultRow]:
    """Other minus reference on cases that a reader read with both, and McNemar's test for each reader."""
    for reader in (None, *study.readers):
        pairs = paired(study.of(reference, reader), study.of(other, reader))
        for name, counted, why in _RATES:
            chosen = [(a, b) for a, b in pairs if counted(a) and a.correct is not None and b.correct is not None]
            change = [float(bool(b.correct)) - float(bool(a.correct)) for a, b in chosen]
            formula = f"difference_of_{name}"
            patients = [a.patient_id for a, _ in chosen]
            made = change_estimate(formula, change, patients, why if pairs else _unpaired())
            yield ResultRow(SECTION, f"{name}, difference", reader or ALL_READERS, f"{other} - {reference}", made)
            if reader is not None:
                p = mcnemar(chosen) if chosen else missing(MCNEMAR, why if pairs else _unpaired())
                yield ResultRow(SECTION, f"{name}, p of McNemar's test", reader, f"{other} against {reference}", p)
        made = _auc_difference(pairs)
        yield ResultRow(SECTION, "ROC AUC, difference", reader or ALL_READERS, f"{other} - {reference}", made)


def mcnemar(pairs: Sequence[tuple[Read, Read]]) -> Estimate:
    """McNemar's exact test (binomial on the discordant pairs, SciPy); breasts count as independent.

    Parameters
    ----------
    pairs
        Reference and other reading of each case, both with a known truth.

    Returns
    -------
    Estimate
        The two-sided p value; ``count`` is the number of pairs, ``reason`` how many are right with one image type only.
    """
    lost = sum(bool(a.correct) and not b.correct for a, b in pairs)
    won = sum(bool(b.correct) and not a.correct for a, b in pairs)
    p = mcnemar_p(lost, won)
    note = f"{lost} lost, {won} won"
    return Estimate(MCNEMAR, p, count=len(pairs), patients=len({a.patient_id for a, _ in pairs}), reason=note)


def mcnemar_p(first_only: int, second_only: int) -> float:
    """Two-sided exact p of McNemar's test from the two counts of discordant pairs; 1 where there are none."""
    discordant = first_only + second_only
    return float(stats.binomtest(first_only, discordant, 0.5).pvalue) if discordant else 1.0


def _rate(name: str, counted: list[Read], why: str, reads: list[Read]) -> Estimate:
    if not counted:
        return missing(name, why if reads else "nothing was read")
    return rate_estimate(name, [bool(r.correct) for r in counted], [r.patient_id for r in counted])


def _auc(reads: Sequence[Read]) -> Estimate:
    """Mean over readers of the area under the ROC curve of confidence, as a score from -5 to 5."""
    chosen = [r for r in reads if r.positive is not None and r.score is not None]
    if not chosen:
        return missing("roc_auc", "no reading has both a truth and a confidence")
    patients = [r.patient_id for r in chosen]
    return resampled_estimate("roc_auc", mean_area(chosen), lambda w: resampled_areas(chosen, w), patients, _BOTH)


def _auc_difference(pairs: Sequence[tuple[Read, Read]]) -> Estimate:
    formula = "difference_of_roc_auc"
    chosen = [(a, b) for a, b in pairs if a.positive is not None and a.score is not None and b.score is not None]
    if not chosen:
        return missing(formula, "no case has a truth and a confidence with both image types")
    first, second = [a for a, _ in chosen], [b for _, b in chosen]
    return resampled_estimate(
        formula,
        mean_area(second) - mean_area(first),
        lambda w: resampled_areas(second, w) - resampled_areas(first, w),
        [r.patient_id for r in first],
        _BOTH,
    )


def mean_area(reads: Sequence[Read]) -> float:
    """Mean over readers of the area under the ROC curve (scikit-learn); NaN where one has read only one class."""
    areas = []
    for name in sorted({r.reader for r in reads}):
        truth = [bool(r.positive) for r in reads if r.reader == name]
        if len(set(truth)) < 2:
            return float("nan")
        areas.append(roc_auc_score(truth, [r.score for r in reads if r.reader == name]))
    return float(np.mean(areas))


def resampled_areas(reads: Sequence[Read], weights: Weights) -> Weights:
    """`mean_area` under each row of weights: the part of pairs (positive, negative) in the right order, ties half.

    4,000 resamples by scikit-learn take 4 s for each figure, so they are counted here (Hanley and McNeil 1982).
    """
    truth = np.array([bool(r.positive) for r in reads])
    score = np.array([r.score or 0 for r in reads], dtype=float)
    areas = []
    for name in sorted({r.reader for r in reads}):
        own = np.array([r.reader == name for r in reads])
        yes, no = own & truth, own & ~truth
        ordered = (np.sign(score[yes, None] - score[no]) + 1) / 2
        pairs = weights[:, yes].sum(axis=1) * weights[:, no].sum(axis=1)
        areas.append(((weights[:, yes] @ ordered) * weights[:, no]).sum(axis=1) / pairs)
    return np.asarray(np.mean(areas, axis=0))


def _unpaired() -> str:
    return "no case was read with both image types"
