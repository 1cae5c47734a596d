"""Localization: whether the readers' marks lie at the lesions, and how many marks lie elsewhere."""

from collections.abc import Iterator, Sequence

from CEMSynthLib.evaluation.estimate import Estimate, missing, rate_estimate
from CEMSynthLib.reading.analysis.detection import mcnemar_p
from CEMSynthLib.reading.analysis.reads import Read, StudyReads, paired
from CEMSynthLib.reading.analysis.rows import ALL_READERS, ResultRow, change_estimate
from CEMSynthLib.reading.places import MarkRadius

SECTION = "localization"
SENSITIVITY = "localized sensitivity"
_NO_PLACES = "no breast with a lesion was read whose place is known"
_NOTHING = "no breast was read whose lesions' places are known"
_NO_FREE = "no breast without a lesion was read"


def located(read: Read, radius: MarkRadius) -> bool | None:
    """Whether at least one mark hits a lesion; ``None`` where there is no lesion, or its place is not known."""
    if read.positive is not True or not read.places or read.lesion is None:
        return None
    return any(_hits(read, mark, radius) for mark in read.marks)


def false_marks(read: Read, radius: MarkRadius) -> float | None:
    """Marks that hit no lesion, for each view of the case; ``None`` where it is not known what they should hit."""
    if read.positive is None or read.lesion is None or (read.positive and not read.places):
        return None
    return sum(not (read.positive and _hits(read, mark, radius)) for mark in read.marks) / read.views


def localization_rows(study: StudyReads, radius: MarkRadius) -> Iterator[ResultRow]:
    """Localized sensitivity and false marks for each image type, each reader and all together (readers crossed)."""
    for arm in study.protocol.arms:
        for reader in (None, *study.readers):
            reads, who = study.of(arm.name, reader), reader or ALL_READERS
            hits = [(hit, r.patient_id) for r in reads if (hit := located(r, radius)) is not None]
            found = rate_estimate("localized_sensitivity", [h for h, _ in hits], [p for _, p in hits])
            made = found if hits else missing("localized_sensitivity", _NO_PLACES)
            yield ResultRow(SECTION, SENSITIVITY, who, arm.name, made)
            yield ResultRow(SECTION, "false marks per image", who, arm.name, _marks(reads, radius, _NOTHING))
            free = [r for r in reads if r.positive is False]
            made = _marks(free, radius, _NO_FREE)
            yield ResultRow(SECTION, "false marks per image, breasts without a lesion", who, arm.name, made)


def localization_differences(study: StudyReads, reference: str, other: str, radius: MarkRadius) -> Iterator[ResultRow]:
    """Other minus reference on cases that a reader read with both, and McNemar's test for each reader."""
    for reader in (None, *study.readers):
        pairs, who = paired(study.of(reference, reader), study.of(other, reader)), reader or ALL_READERS
        hits = [
            (a, b, first.patient_id)
            for first, second in pairs
            if (a := located(first, radius)) is not None and (b := located(second, radius)) is not None
        ]
        change = [float(b) - float(a) for a, b, _ in hits]
        patients = [p for _, _, p in hits]
        why = _NO_PLACES if pairs else "no case was read with both image types"
        made = change_estimate("difference_of_localized_sensitivity", change, patients, why)
        yield ResultRow(SECTION, f"{SENSITIVITY}, difference", who, f"{other} - {reference}", made)
        if reader is not None:
            p = _mcnemar(change, patients) if change else missing("mcnemar_exact", why)
            yield ResultRow(SECTION, f"{SENSITIVITY}, p of McNemar's test", who, f"{other} against {reference}", p)
        marks = [
            (after - before, first.patient_id)
            for first, second in pairs
            if (before := false_marks(first, radius)) is not None and (after := false_marks(second, radius)) is not None
        ]
        made = change_estimate(
            "difference_of_false_marks_per_image", [v for v, _ in marks], [p for _, p in marks], _NOTHING
        )
        yield ResultRow(SECTION, "false marks per image, difference", who, f"{other} - {reference}", made)


def _hits(read: Read, mark: tuple[str, float, float], radius: MarkRadius) -> bool:
    view, row, column = mark
    places = read.places.get(view)
    return places is not None and places.hit(row, column, radius)


def _marks(reads: Sequence[Read], radius: MarkRadius, why: str) -> Estimate:
    known = [(n, r.patient_id) for r in reads if (n := false_marks(r, radius)) is not None]
    return change_estimate("false_marks_per_image", [n for n, _ in known], [p for _, p in known], why)


def _mcnemar(change: Sequence[float], patients: Sequence[str]) -> Estimate:
    lost, won = list(change).count(-1.0), list(change).count(1.0)
    note = f"{lost} lost, {won} won"
    return Estimate("mcnemar_exact", mcnemar_p(lost, won), count=len(change), patients=len(set(patients)), reason=note)
