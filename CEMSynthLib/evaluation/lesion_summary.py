"""Lesions of a cohort: contrast and CNR on LE, clinical and synthetic images; false and missed enhancement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from CEMSynthLib.evaluation.comparison import PairedComparison, beats
from CEMSynthLib.evaluation.estimate import Estimate, mean_estimate, missing, rate_estimate, ratio_estimate
from CEMSynthLib.evaluation.image_measures import CLINICAL, LOW_ENERGY, SYNTHETIC
from CEMSynthLib.evaluation.image_record import ImageRecord, LesionRecord
from CEMSynthLib.measurement.cnr import CNRFormula

IMAGES = (LOW_ENERGY, CLINICAL, SYNTHETIC)
#: A contrast of this part of the VOI window counts as enhancement (0.25 mg/cm2 on a window of 320 units).
ENHANCES = 0.03
#: A lesion is seen on LE where its |CNR| (sd_background) there is at least this.
SEEN = 1.0
#: Without iodine it is surely seen where d' is at least this: |mean of lesion - mean of background| over the root mean
#: square of their SD (formula sd_pooled) on LE before injection.
SURELY_SEEN = 3.0
#: An enhancing lesion is missed where the synthetic image keeps less than this part of the clinical contrast.
KEPT = 0.5

Case = tuple[ImageRecord, LesionRecord]
_Detectability = Mapping[tuple[str, str, str, str], float]


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


def summarize_lesions(
    records: Sequence[ImageRecord], seed: int = 0, before: Sequence[ImageRecord] = ()
) -> LesionSummary:
    """Compute everything about lesions.

    Parameters
    ----------
    records
        Of the images, in a fixed order.
    seed
        Of the bootstrap.
    before
        Of the same images with LE before injection, which tell what is seen without iodine.
    """
    cases = [(record, lesion) for record in records for lesion in record.lesions]
    if not cases:
        return LesionSummary((), (), 0, "no lesion region was given (annotations, markups, or a simulated cohort)")
    detectability = _detectability(before)
    groups: dict[str, Callable[[Case], bool]] = {
        "all lesions": lambda case: True,
        "enhancing": enhances,
        _SURELY: lambda case: enhances(case) and _surely_seen(case, detectability),
        "not enhancing": lambda case: not enhances(case),
        "malignant": lambda case: case[1].truth is not None and case[1].truth.malignant,
    }
    figures = [
        _group(name, formula.value, [case for case in cases if belongs(case)], seed)
        for name, belongs in groups.items()
        if any(belongs(case) for case in cases)
        for formula in CNRFormula
    ]
    return LesionSummary(tuple(figures), _enhancement(cases, detectability, seed), len(cases))


_SURELY = f"enhancing, d' on LE without iodine at least {SURELY_SEEN:g}"


def _key(record: ImageRecord, lesion: LesionRecord) -> tuple[str, str, str, str]:
    return record.patient_id, record.laterality, record.view, lesion.name


def _detectability(before: Sequence[ImageRecord]) -> _Detectability:
    pooled = CNRFormula.SD_POOLED.value
    return {
        _key(record, lesion): abs(value)
        for record in before
        for lesion in record.lesions
        if (value := lesion.value(pooled, LOW_ENERGY)) is not None
    }


def _surely_seen(case: Case, detectability: _Detectability) -> bool:
    return detectability.get(_key(*case), 0.0) >= SURELY_SEEN


def _kept(measured: Sequence[Case], detectability: _Detectability, seed: int) -> list[EnhancementFigure]:
    """Mean contrast on the synthetic image over that on the clinical one, for enhancing lesions that LE shows."""
    contrast, formula = CNRFormula.CONTRAST.value, "mean_contrast_synthetic_over_mean_contrast_clinical"
    found = []
    for where, chosen in (
        ("seen on LE", [case for case in measured if enhances(case) and seen_on_low_energy(case)]),
        (
            f"whose d' on LE without iodine is at least {SURELY_SEEN:g}",
            [case for case in measured if enhances(case) and _surely_seen(case, detectability)],
        ),
    ):
        what = f"Contrast kept: enhancing lesions {where}, mean synthetic over mean clinical contrast"
        values = [[lesion.value(contrast, image) or 0.0 for _, lesion in chosen] for image in (SYNTHETIC, CLINICAL)]
        kept = ratio_estimate(formula, values[0], values[1], [record.patient_id for record, _ in chosen], seed)
        if not detectability and "d'" in where:
            kept = missing(formula, "needs the same patients before injection (--pre-contrast)")
        found.append(EnhancementFigure(what, kept, True))
    return found


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


def _enhancement(cases: Sequence[Case], detectability: _Detectability, seed: int) -> tuple[EnhancementFigure, ...]:
    contrast = CNRFormula.CONTRAST.value
    measured = [
        case
        for case in cases
        if case[1].value(contrast, CLINICAL) is not None and case[1].value(contrast, SYNTHETIC) is not None
    ]
    found = _kept(measured, detectability, seed)
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
