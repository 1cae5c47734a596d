"""Cohort: from the records of images to everything that the cohort report shows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from CEMSynthLib.evaluation.comparison import PairedComparison, Verdict
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.evaluation.halo_summary import HaloSummary, summarize_halo
from CEMSynthLib.evaluation.heldout import MODEL, BaselineComparison, HeldOutResult, summarize
from CEMSynthLib.evaluation.image_record import ImageRecord
from CEMSynthLib.evaluation.lesion_summary import LesionSummary, summarize_lesions
from CEMSynthLib.evaluation.observed_view import ObservedView
from CEMSynthLib.evaluation.observer_reads import observer_readings
from CEMSynthLib.evaluation.study_table import Readings, StudyRow, study_table


@dataclass(frozen=True)
class Check:
    """One line of the leakage check or the checklist: what, how it came out, in words; ``passed`` None = not known."""

    what: str
    outcome: str
    passed: bool | None


@dataclass(frozen=True)
class CohortResult:
    """Everything that was computed.

    Parameters
    ----------
    records
        In the order of the tables: by patient, side, view, file.
    heldout, lesions, halo, table
        The sections.
    sentences
        How the model stands beside each baseline and the ceiling.
    warnings
        What individual images warned of, each with how many images.
    readings
        Of readers or of a model observer.
    """

    records: tuple[ImageRecord, ...]
    heldout: HeldOutResult
    lesions: LesionSummary
    halo: HaloSummary
    table: tuple[StudyRow, ...]
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    readings: Readings | None = None


def in_order(records: Sequence[ImageRecord]) -> list[ImageRecord]:
    """Sort records so that no result depends on the order of files or the number of processes."""
    return sorted(records, key=lambda r: (r.patient_id, r.laterality, r.view, r.source))


def evaluate_records(
    records: Sequence[ImageRecord],
    training: str,
    readings: Readings | None = None,
    seed: int = 0,
    observed: Sequence[ObservedView] = (),
    before: Sequence[ImageRecord] = (),
) -> CohortResult:
    """Compute the cohort's figures.

    Parameters
    ----------
    records
        Of all images, in any order.
    training
        What the model was trained on, in words.
    readings
        Of readers; without them model observers read a simulated cohort.
    seed
        Of the bootstraps.
    observed
        Views of training patients, on which the model observers' thresholds are chosen.
    before
        Records of the same images with LE before injection.

    Raises
    ------
    EvaluationError
        There is no image, or not all were compared with the same baselines.
    """
    if not records:
        raise EvaluationError("No image could be evaluated, so there is nothing to report.")
    ordered = in_order(records)
    readings = readings or observer_readings(ordered, observed, seed)
    heldout = summarize([r.figures for r in ordered], seed=seed)
    lesions, halo = summarize_lesions(ordered, seed, before), summarize_halo(ordered, seed)
    counted = Counter(w for r in ordered for w in dict.fromkeys(r.warnings))
    return CohortResult(
        records=tuple(ordered),
        heldout=heldout,
        lesions=lesions,
        halo=halo,
        table=study_table(ordered, training, heldout, lesions, halo, readings),
        sentences=(
            *(_sentence(heldout, name) for name in _others(heldout)),
            *([_ceiling(heldout.ceiling)] if heldout.ceiling else []),
            *_change_sentences(heldout),
        ),
        warnings=tuple(f"{w} ({n} of {len(ordered)} images)" for w, n in sorted(counted.items())),
        readings=readings,
    )


def _others(heldout: HeldOutResult) -> list[str]:
    return [comparison.baseline for comparison in heldout.comparisons]


def _ceiling(c: BaselineComparison) -> str:
    mae, ssim = _by(c.mae), _by(c.ssim)
    return f"Beside the {c.baseline}: MAE {mae}, SSIM {ssim} (model minus this); it need not be beaten."


def _by(p: PairedComparison) -> str:
    return f"{p.difference:+.4f} [{p.interval_95[0]:+.4f}, {p.interval_95[1]:+.4f}]".replace("-", "−")


def _minus(r: float) -> str:
    return f"{r:.3f}".replace("-", "−")


def _sentence(heldout: HeldOutResult, name: str) -> str:
    c = next(c for c in heldout.comparisons if c.baseline == name)
    mae, ssim = _by(c.mae), _by(c.ssim)
    figures = f"MAE {mae}, SSIM {ssim} (model minus this, breast mask, 95% interval)"
    if c.mae.verdict is Verdict.TOO_FEW:
        return f"Whether the model beats “{name}” cannot be said from {c.mae.patients} patients: {figures}."
    if c.beaten:
        return f"The model beats “{name}”: {figures}."
    how = f"MAE: {c.mae.verdict.value}, SSIM: {c.ssim.verdict.value}"
    return f"The model does not beat “{name}” ({how}): {figures}."


def _change_sentences(heldout: HeldOutResult) -> list[str]:
    sentences = []
    for figure in ("MAE", "SSIM"):
        r = {c.compared: c.correlation.r for c in heldout.change_from_le if c.figure == figure}
        own = r.get(MODEL)
        nulls = {n: v for n, v in r.items() if n in _others(heldout) and v is not None}
        if own is None or not nulls:
            continue
        best = max(nulls, key=lambda n: nulls[n])
        how = "above" if own > nulls[best] else "not above"
        sentences.append(
            f"Change from LE, {figure}: r = {_minus(own)}, {how} the best of images that hold no information "
            f"(“{best}”, r = {_minus(nulls[best])}), so alone it shows {'little' if how == 'above' else 'nothing'}."
        )
    return sentences
