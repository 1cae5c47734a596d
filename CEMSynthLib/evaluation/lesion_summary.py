"""Lesions of a cohort: contrast and CNR on LE, clinical and synthetic images; false and missed enhancement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from CEMSynthLib.evaluation.comparison import PairedComparison, beats
from CEMSynthLib.evaluation.estimate import Estimate, mean_estimate, missing, rate_estimate
from CEMSynthLib.evaluation.image_measures import CLINICAL, LOW_ENERGY, SYNTHETIC
from CEMSynthLib.evaluation.image_record import ImageRecord, LesionRecord
from CEMSynthLib.measurement.cnr import CNRFormula

IMAGES = (LOW_ENERGY, CLINICAL, SYNTHETIC)
#: A contrast of this part of the VOI window counts as enhancement (0.25 mg/cm2 on a window of 320 units).
ENHANCES = 0.03
#: A lesion is seen on LE where its |CNR| (sd_background) there is at least this.
SEEN = 1.0
#: An enhancing lesion is missed where the synthetic image keeps less than this part of the clinical contrast.
KEPT = 0.5

Case = tuple[ImageRecord, LesionRecord]


@dataclass(frozen=True)
class GroupFigures:
    """One formula over one group of lesions: mean on each image, and synthetic minus clinical (paired)."""

    group: str
    formula: str
    low_energy: Estimate
    clinical: Estimate
    synthetic: Estimate
    difference: PairedComparison | None


@dataclass(frozen=True)
class EnhancementFigure:
    """One figure on false or missed enhancement: what it tells, in words, and the number."""

    what: str
    estimate: Estimate
    percent: bool = False


@dataclass(frozen=True)
class LesionSummary:
    """Everything about lesions; ``reason`` where there is nothing."""

    groups: tuple[GroupFigures, ...]
    enhancement: tuple[EnhancementFigure, ...]
    regions: int
    reason: str = ""


def enhances(case: Case) -> bool:
    """Whether a lesion enhances: by the truth, or else by its clinical contrast."""
    record, lesion = case
    if lesion.truth is not None:
        return lesion.truth.enhances
    value = lesion.value(CNRFormula.CONTRAST.value, CLINICAL)
    return value is not None and value >= ENHANCES * record.window_width


def seen_on_low_energy(case: Case) -> bool:
    """Whether a lesion stands out of its background on LE."""
    value = case[1].value(CNRFormula.SD_BACKGROUND.value, LOW_ENERGY)
    return value is not None and abs(value) >= SEEN


def summarize_lesions(records: Sequence[ImageRecord], seed: int = 0) -> LesionSummary:
    """Compute everything about lesions.

    Parameters
    ----------
    records
        Of the images, in a fixed order.
    seed
        Of the bootstrap.
    """
    cases = [(record, lesion) for record in records for lesion in record.lesions]
    if not cases:
        return LesionSummary((), (), 0, "no lesion region was given (annotations, markups, or a simulated cohort)")
    groups: dict[str, Callable[[Case], bool]] = {
        "all lesions": lambda case: True,
        "enhancing": enhances,
        "not enhancing": lambda case: not enhances(case),
        "malignant": lambda case: case[1].truth is not None and case[1].truth.malignant,
    }
    figures = [
        _group(name, formula.value, [case for case in cases if belongs(case)], seed)
        for name, belongs in groups.items()
        if any(belongs(case) for case in cases)
        for formula in CNRFormula
    ]
    return LesionSummary(tuple(figures), _enhancement(cases, seed), len(cases))


def _group(name: str, formula: str, cases: Sequence[Case], seed: int) -> GroupFigures:
    found: dict[str, Estimate] = {}
    for image in IMAGES:
        known = [(v, r.patient_id) for r, lesion in cases if (v := lesion.value(formula, image)) is not None]
        found[image] = (
            mean_estimate(formula, [v for v, _ in known], [p for _, p in known], seed)
            if known
            else missing(formula, _why(cases, formula, image))
        )
    pairs = [
        (clinical, synthetic, r.patient_id)
        for r, lesion in cases
        if (clinical := lesion.value(formula, CLINICAL)) is not None
        and (synthetic := lesion.value(formula, SYNTHETIC)) is not None
    ]
    difference = None
    if pairs:
        difference = beats(
            [p[1] for p in pairs], [p[0] for p in pairs], [p[2] for p in pairs], higher_is_better=True, seed=seed
        )
    return GroupFigures(name, formula, found[LOW_ENERGY], found[CLINICAL], found[SYNTHETIC], difference)


def _why(cases: Sequence[Case], formula: str, image: str) -> str:
    return next(
        (c.reason for _, lesion in cases for c in lesion.contrasts if (c.formula, c.image) == (formula, image)),
        "nothing was measured",
    )


def _enhancement(cases: Sequence[Case], seed: int) -> tuple[EnhancementFigure, ...]:
    contrast = CNRFormula.CONTRAST.value
    measured = [
        case
        for case in cases
        if case[1].value(contrast, CLINICAL) is not None and case[1].value(contrast, SYNTHETIC) is not None
    ]
    found = []
    for enhancing, seen in ((False, True), (False, False), (True, True), (True, False)):
        chosen = [case for case in measured if (enhances(case), seen_on_low_energy(case)) == (enhancing, seen)]
        patients = [record.patient_id for record, _ in chosen]
        where = "seen on LE" if seen else "hidden on LE"
        if enhancing:
            lost = [
                (lesion.value(contrast, SYNTHETIC) or 0.0) < KEPT * (lesion.value(contrast, CLINICAL) or 0.0)
                for _, lesion in chosen
            ]
            name = f"rate_synthetic_contrast_below_{KEPT:g}_of_clinical"
            what = f"Missed enhancement: enhancing lesions {where} that keep less than {KEPT:.0%} of their contrast"
            found.append(EnhancementFigure(what, rate_estimate(name, lost, patients, seed), True))
            continue
        relative = [(lesion.value(contrast, SYNTHETIC) or 0.0) / record.window_width for record, lesion in chosen]
        what = f"False enhancement: contrast of non-enhancing lesions {where} on the synthetic image, parts of window"
        found.append(EnhancementFigure(what, mean_estimate("contrast_over_window_width", relative, patients, seed)))
        name = f"rate_contrast_at_least_{ENHANCES:g}_of_window"
        what = f"False enhancement: non-enhancing lesions {where} with at least {ENHANCES:.0%} of the window"
        shown = [value >= ENHANCES for value in relative]
        found.append(EnhancementFigure(what, rate_estimate(name, shown, patients, seed), True))
    return tuple(found)
