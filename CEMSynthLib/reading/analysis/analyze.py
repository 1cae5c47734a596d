"""Analyze: everything that the answers of a reader study show, as rows."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from CEMSynthLib.evaluation.comparison import MINIMUM_PATIENTS
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.reading.analysis.agreement import bpe_comparison, bpe_truth, reader_agreement
from CEMSynthLib.reading.analysis.detection import detection_differences, detection_rows
from CEMSynthLib.reading.analysis.impressions import artifact_rows, impression_rows
from CEMSynthLib.reading.analysis.localization import localization_differences, localization_rows
from CEMSynthLib.reading.analysis.reads import StudyReads
from CEMSynthLib.reading.analysis.rows import ResultRow
from CEMSynthLib.reading.places import MarkRadius
from CEMSynthLib.study.model import ImageKind


@dataclass(frozen=True)
class Analysis:
    """The rows, in the order of the report; ``reference`` is the image type that others are compared with."""

    study: StudyReads
    reference: str | None
    rows: tuple[ResultRow, ...]
    warnings: tuple[str, ...]
    radius: MarkRadius


def analyze_study(study: StudyReads, progress: Progress = silent, radius: MarkRadius | None = None) -> Analysis:
    """Compute every row.

    Parameters
    ----------
    study
        Answers with their key.
    progress
        Called after each part.
    radius
        Within which a mark hits a lesion.

    Returns
    -------
    Analysis
        Compared with the first image type that shows the clinical iodine image. Where a number cannot be given its
        row tells why.
    """
    arms = study.protocol.arms
    reference = next((arm for arm in arms if ImageKind.RECOMBINED in arm.images), None)
    name = reference.name if reference else None
    others = [arm for arm in arms if reference and arm is not reference]
    parts: list[Callable[[], Iterator[ResultRow]]] = [lambda: detection_rows(study)]
    parts += [partial(detection_differences, study, str(name), arm.name) for arm in others]
    reach = radius or MarkRadius()
    parts += [lambda: localization_rows(study, reach)]
    parts += [partial(localization_differences, study, str(name), arm.name, reach) for arm in others]
    parts += [partial(bpe_comparison, study, str(name), arm.name) for arm in others if arm.iodine]
    parts += [
        lambda: bpe_truth(study),
        lambda: reader_agreement(study),
        lambda: artifact_rows(study, name),
        lambda: impression_rows(study, name),
    ]
    rows: list[ResultRow] = []
    for number, part in enumerate(parts, start=1):
        rows += part()
        progress(number, len(parts), "computing")
    return Analysis(study, name, tuple(rows), (*study.warnings, *_warnings(study, name)), reach)


def _warnings(study: StudyReads, reference: str | None) -> list[str]:
    first = [r for r in study.reads if not r.repeat]
    cases = {r.case: r for r in first}
    truths = Counter(r.positive for r in cases.values())
    patients = len({r.patient_id for r in first})
    found = []
    if reference is None:
        found.append("No image type shows the clinical iodine image, so nothing is compared with it.")
    if patients < 2:
        found.append("There is one patient: no interval can be given, and nothing can be concluded.")
    elif patients < MINIMUM_PATIENTS:
        found.append(f"There are {patients} patients: intervals of fewer than {MINIMUM_PATIENTS} are rough.")
    if truths[None]:
        found.append(f"For {truths[None]} of {len(cases)} breasts it is not known whether they hold a lesion.")
    if truths[True] + truths[False] and not truths[True]:
        found.append("No breast holds a lesion: sensitivity and ROC AUC cannot be given.")
    if truths[True] and not truths[False]:
        found.append("Every breast holds a lesion: specificity and ROC AUC cannot be given.")
    lost = sum(r.positive is True and not r.places for r in cases.values())
    if lost:
        found.append(
            f"For {lost} of {truths[True]} breasts with a lesion its place is not known, so marks there are not judged."
        )
    if len(study.readers) < 2:
        found.append("There is one reader, so agreement between readers cannot be given.")
    revised = sum(r.revisions > 0 for r in first)
    if revised:
        found.append(f"{revised} readings were revised; the last answer counts, the history is in the readers' files.")
    return found
