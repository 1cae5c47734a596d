"""Impressions: artifacts, enhancing asymmetry, conspicuity, image quality and reading time, for each image type."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from CEMSynthLib.evaluation.estimate import Estimate, missing, rate_estimate
from CEMSynthLib.reading.analysis.reads import Read, StudyReads, paired
from CEMSynthLib.reading.analysis.rows import ALL_READERS, ResultRow, change_estimate
from CEMSynthLib.reading.questions import ARTIFACTS

ARTIFACT_SECTION, IMPRESSION_SECTION = "artifacts", "impressions"
_NOTHING = "not asked or not read with these images"
Value = Callable[[Read], float | None]


def artifact_rows(study: StudyReads, reference: str | None) -> Iterator[ResultRow]:
    """How often each artifact is seen, and the difference to the reference image type."""
    for option in ARTIFACTS:
        yield from _rows(study, reference, ARTIFACT_SECTION, option.text, _seen(option.value), "1", rate=True)


def impression_rows(study: StudyReads, reference: str | None) -> Iterator[ResultRow]:
    """Asymmetry, conspicuity (where a lesion was seen), quality and reading time."""
    yield from _rows(study, reference, IMPRESSION_SECTION, "enhancing asymmetry", _asymmetry, "1", rate=True)
    yield from _rows(
        study, reference, IMPRESSION_SECTION, "lesion conspicuity, mean", _conspicuity, "1 to 3", rate=False
    )
    yield from _rows(study, reference, IMPRESSION_SECTION, "image quality, mean", _quality, "1 to 5", rate=False)
    for arm in study.protocol.arms:
        for reader in (None, *study.readers):
            yield ResultRow(
                IMPRESSION_SECTION,
                "reading time, median",
                reader or ALL_READERS,
                arm.name,
                _median(study.of(arm.name, reader)),
                "s",
            )
    yield from _rows(study, reference, IMPRESSION_SECTION, "reading time, mean", lambda r: r.seconds, "s", rate=False)


def _rows(
    study: StudyReads, reference: str | None, section: str, quantity: str, value: Value, unit: str, *, rate: bool
) -> Iterator[ResultRow]:
    formula = "prevalence" if rate else "mean"
    for arm in study.protocol.arms:
        for reader in (None, *study.readers):
            reads = study.of(arm.name, reader)
            known = [(v, r.patient_id) for r in reads if (v := value(r)) is not None]
            made = _estimate(formula, [v for v, _ in known], [p for _, p in known], rate)
            yield ResultRow(section, quantity, reader or ALL_READERS, arm.name, made, unit)
        if reference in (None, arm.name):
            continue
        for reader in (None, *study.readers):
            pairs = paired(study.of(str(reference), reader), study.of(arm.name, reader))
            changes = [
                (b - a, first.patient_id)
                for first, second in pairs
                if (a := value(first)) is not None and (b := value(second)) is not None
            ]
            values, patients = [v for v, _ in changes], [p for _, p in changes]
            made = change_estimate(f"difference_of_{formula}", values, patients, _NOTHING)
            yield ResultRow(
                section, f"{quantity}, difference", reader or ALL_READERS, f"{arm.name} - {reference}", made, unit
            )


def _estimate(formula: str, values: Sequence[float], patients: Sequence[str], rate: bool) -> Estimate:
    if not values:
        return missing(formula, _NOTHING)
    return (
        rate_estimate(formula, [v > 0 for v in values], patients)
        if rate
        else change_estimate(formula, values, patients, _NOTHING)
    )


def _seen(artifact: str) -> Value:
    return lambda r: float(artifact in r.answers["artifacts"]) if "artifacts" in r.answers else None


def _asymmetry(read: Read) -> float | None:
    return float(read.answers["asymmetry"] == "yes") if "asymmetry" in read.answers else None


def _quality(read: Read) -> float | None:
    return float(read.answers["quality"]) if "quality" in read.answers else None


def _conspicuity(read: Read) -> float | None:
    known = {"low": 1.0, "moderate": 2.0, "high": 3.0}
    return known.get(str(read.answers.get("conspicuity")))


def _median(reads: Sequence[Read]) -> Estimate:
    if not reads:
        return missing("median", "nothing was read")
    low, median, high = np.percentile([r.seconds for r in reads], (25, 50, 75))
    note = f"quartiles {low:.0f} to {high:.0f} s"
    return Estimate("median", float(median), count=len(reads), patients=len({r.patient_id for r in reads}), reason=note)
