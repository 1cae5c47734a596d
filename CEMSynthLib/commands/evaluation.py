"""From a cohort and a model to held-out figures, beside the null baselines and the reference ceiling."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.baselines import NullBaselines
from CEMSynthLib.evaluation.heldout import HeldOutImage, HeldOutResult, evaluate_held_out
from CEMSynthLib.export.files import write_text
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.breast_pair import read_breast_pair
from CEMSynthLib.study.model import Acquisition, StudyFolder

if TYPE_CHECKING:
    from CEMSynthLib.generator.card import HeldOutMetrics, ModelCard
    from CEMSynthLib.generator.results import Generator

_SIMULATED_ID = re.compile(r"SIM-(\d+)-\d+")


class NothingToEvaluateError(CEMSynthError):
    """The cohort or the model lacks what an evaluation needs."""


def seen_patients(found: StudyFolder, card: "ModelCard") -> set[str]:
    """Simulated patients of the cohort that come from a seed the model was trained on (all of that seed count)."""
    matches = ((study.patient_id, _SIMULATED_ID.fullmatch(study.patient_id)) for study in found.studies)
    return {identity for identity, match in matches if match and int(match[1]) in card.training.seeds}


def evaluate_cohort(
    found: StudyFolder,
    predictor: "Generator",
    baselines: NullBaselines,
    ceiling: "Generator | None" = None,
    progress: Progress = silent,
) -> HeldOutResult:
    """Synthesize every complete acquisition and compare it with its clinical image.

    Parameters
    ----------
    found
        Patients that neither the model nor the baselines have seen.
    predictor
        The model.
    baselines
        Learned from its training patients.
    ceiling
        A plain paired regression, printed beside the model.
    progress
        Called after each image.

    Raises
    ------
    NothingToEvaluateError
        No acquisition has a low-energy and a recombined image.
    EvaluationError
        A patient was used in training.
    """
    pairs = [
        (study.patient_id, acquisition)
        for study in found.studies
        for acquisition in study.acquisitions
        if acquisition.low_energy is not None and acquisition.recombined is not None
    ]
    if not pairs:
        raise NothingToEvaluateError(f"{found.root} holds no acquisition with a low-energy and a recombined image.")
    seen = seen_patients(found, predictor.card) | (seen_patients(found, ceiling.card) if ceiling else set())
    images = _images(pairs, predictor, ceiling)
    return evaluate_held_out(images, baselines, seen, total=len(pairs), progress=progress)


def _images(
    pairs: list[tuple[str, Acquisition]], predictor: "Generator", ceiling: "Generator | None"
) -> Iterator[HeldOutImage]:
    for patient_id, acquisition in pairs:
        low, recombined = acquisition.low_energy, acquisition.recombined
        if low is None or recombined is None:
            continue
        pair = read_breast_pair(acquisition)
        if pair.recombined is None:
            print(f"Skipped {recombined.path.name}: {pair.note}", file=sys.stderr)
            continue
        yield HeldOutImage(
            patient_id=patient_id,
            low_energy=pair.low_energy,
            clinical=pair.recombined,
            synthetic=predictor.synthesize(low).pixels,
            mask=pair.measured,
            chest_wall=pair.breast.chest_wall,
            window=recombined.window,
            low_energy_window=low.window,
            ceiling=ceiling.synthesize(low).pixels if ceiling else None,
        )


def card_metrics(result: HeldOutResult, description: str) -> "HeldOutMetrics":
    """The held-out table for the model card: one row an image type and place, differences to the model beside it."""
    from CEMSynthLib.generator.card import HeldOutMetrics

    against = {comparison.baseline: comparison for comparison in result.comparisons}
    rows = []
    for row in result.summary:
        entry: dict[str, str | float | int | bool | None] = {
            "compared": row.compared,
            "place": row.place,
            "mae": _rounded(row.mae[0]),
            "mae_sd": _rounded(row.mae[1]),
            "psnr_db": _rounded(row.psnr_db[0]) if row.psnr_db else None,
            "ssim": _rounded(row.ssim[0]),
            "ssim_sd": _rounded(row.ssim[1]),
        }
        comparison = against.get(row.compared)
        if comparison is not None and row.place == "breast mask":
            for name, paired in (("mae", comparison.mae), ("ssim", comparison.ssim)):
                entry[f"model_minus_this_{name}"] = _rounded(paired.difference)
                entry[f"model_minus_this_{name}_low"] = _rounded(paired.interval_95[0])
                entry[f"model_minus_this_{name}_high"] = _rounded(paired.interval_95[1])
            entry["beaten_by_model"] = comparison.beaten
        rows.append(entry)
    for change in result.change_from_le:
        rows.append(
            {
                "compared": change.compared,
                "place": "breast mask",
                "change_from_le": change.figure,
                "pearson_r": _rounded(change.correlation.r),
                "pearson_r_low": _rounded(change.correlation.interval_95[0])
                if change.correlation.interval_95
                else None,
                "pearson_r_high": _rounded(change.correlation.interval_95[1])
                if change.correlation.interval_95
                else None,
                "bland_altman_bias": _rounded(change.agreement.bias),
            }
        )
    return HeldOutMetrics(f"{result.verdict} {description}", tuple(rows))


def describe(found: StudyFolder) -> str:
    """A sentence about the images of a cohort: which equipment, which pixel spacing."""
    images = [image for study in found.studies for acquisition in study.acquisitions for image in acquisition.images]
    makers = sorted({str(image.attributes.get("ManufacturerModelName", "equipment not stated")) for image in images})
    spacings = sorted({f"{s[0]:g} mm" if (s := image.grid.spacing_mm) else "unknown" for image in images})
    return f"Images: {', '.join(makers)}; pixel spacing {', '.join(spacings)}."


def write_results(path: Path, result: HeldOutResult) -> None:
    """Write one row an image, compared image and place; every column carries its formula's name and unit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "image",
            "patient_id",
            "compared",
            "place",
            "mae_window_width",
            "rmse_window_width",
            "psnr_db",
            "ssim",
            "pixels",
        ]
    )
    for row in result.rows:
        f = row.figures
        writer.writerow(
            [row.index, row.patient_id, row.compared, row.place, f.mae, f.rmse, f.psnr_db, f.ssim, f.pixels]
        )
    write_text(path, text.getvalue())


def result_lines(result: HeldOutResult) -> Iterator[str]:
    """The table for a terminal: masked and whole-frame figures, then what the model beats."""
    yield f"{'':40} {'place':12} {'MAE':>8} {'PSNR dB':>8} {'SSIM':>7}"
    for row in result.summary:
        psnr = f"{row.psnr_db[0]:8.2f}" if row.psnr_db else f"{'':>8}"
        yield f"{row.compared:40} {row.place:12} {row.mae[0]:8.5f} {psnr} {row.ssim[0]:7.4f}"
    yield "Model minus baseline in the breast mask, patient-clustered 95% interval:"
    for c in result.comparisons:
        mae, ssim = ("{:+.5f} [{:+.5f}, {:+.5f}]".format(p.difference, *p.interval_95) for p in (c.mae, c.ssim))
        yield f"{c.baseline:40} MAE {mae}  SSIM {ssim}  {'beaten' if c.beaten else 'NOT beaten'}"
    for change in result.change_from_le:
        r = change.correlation.r
        yield f"change from LE, {change.figure}: {change.compared:40} r = {'-' if r is None else f'{r:.3f}'}"
    yield result.verdict


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")
