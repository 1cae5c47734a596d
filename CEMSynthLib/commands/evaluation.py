"""From a cohort and a model (or synthetic images made elsewhere) to records of images, tables and a report."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from CEMSynthLib import __version__
from CEMSynthLib.commands.evaluation_card import card_metrics
from CEMSynthLib.commands.evaluation_checklist import checklist
from CEMSynthLib.commands.evaluation_jobs import ImageJob
from CEMSynthLib.commands.evaluation_leakage import HashedImage, fingerprint_of, hash_of
from CEMSynthLib.commands.measurement import drawn_regions, sort_regions
from CEMSynthLib.commands.simulated_regions import simulated_regions
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.cohort import Check, CohortResult, evaluate_records
from CEMSynthLib.evaluation.cohort_report import CohortReportContent, estimate_text, render_cohort_report
from CEMSynthLib.evaluation.cohort_tables import lesions_csv, results_csv, summary
from CEMSynthLib.evaluation.image_record import ImageRecord
from CEMSynthLib.evaluation.observed_view import ObservedView
from CEMSynthLib.evaluation.study_table import Readings
from CEMSynthLib.evaluation.truth import find_truth, view_truth
from CEMSynthLib.export.files import write_text
from CEMSynthLib.measurement.markups import TiedRegion
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import CEMImage, StudyFolder
from CEMSynthLib.study.synthetic import synthetic_of

if TYPE_CHECKING:
    from CEMSynthLib.generator.card import ModelCard

REPORT, RESULTS, LESIONS, SUMMARY = "report.html", "results.csv", "lesions.csv", "summary.json"
RESULT_FILES = (REPORT, RESULTS, LESIONS, SUMMARY, "model.json")


class NothingToEvaluateError(CEMSynthError):
    """The cohort or the model lacks what an evaluation needs."""


@dataclass(frozen=True)
class Planned:
    """The jobs of an evaluation, and sentences on what takes no part."""

    jobs: tuple[ImageJob, ...]
    left_out: tuple[str, ...]

    def images(self) -> list[HashedImage]:
        """Of the test set, for the leakage check."""
        return [
            HashedImage(j.patient_id, j.hashes["low_energy"], j.hashes["recombined"], j.source, j.fingerprint)
            for j in self.jobs
        ]


def plan_jobs(
    found: StudyFolder,
    synthetic: Sequence[CEMImage] | None = None,
    regions: Sequence[TiedRegion] = (),
    progress: Progress = silent,
    *,
    fingerprints: bool = True,
) -> Planned:
    """Find what can be evaluated, and read every image once for its hash.

    Parameters
    ----------
    found
        The cohort.
    synthetic
        Images made elsewhere; ``None`` where a model makes them.
    regions
        Of lesions and backgrounds; where empty, those of a simulated cohort are looked for.
    progress
        Called after each image.
    fingerprints
        Whether low-energy images are to be compared with those of a training.

    Raises
    ------
    NothingToEvaluateError
        No acquisition has a low-energy and a recombined image (and a synthetic one).
    CEMSynthError
        Regions or truth are damaged.
    """
    given, left_out = sort_regions(found, regions or simulated_regions(found)) if found.studies else ({}, [])
    truth = find_truth(found.root)
    pairs = [
        (i, j, study.patient_id, acquisition)
        for i, study in enumerate(found.studies)
        for j, acquisition in enumerate(study.acquisitions)
    ]
    jobs: list[ImageJob] = []
    for i, j, patient_id, acquisition in pairs:
        low, recombined = acquisition.low_energy, acquisition.recombined
        name = acquisition.images[0].path.name
        if low is None or recombined is None:
            left_out.append(f"{name}: low-energy or recombined image is missing.")
            continue
        made = synthetic_of(acquisition, synthetic) if synthetic is not None else None
        if synthetic is not None and made is None:
            left_out.append(f"{name}: there is no synthetic image made from it.")
            continue
        source = low.path.relative_to(found.root).as_posix()
        try:
            hashes = {"low_energy": hash_of(low), "recombined": hash_of(recombined)}
            if made is not None:
                hashes["synthetic"] = hash_of(made)
        except CEMSynthError as error:
            left_out.append(f"{name}: {error}")
            continue
        tied = given.get((i, j), [])
        jobs.append(
            ImageJob(
                number=len(jobs),
                key=hashlib.sha256(source.encode()).hexdigest()[:16],
                source=source,
                patient_id=patient_id,
                acquisition=acquisition,
                synthetic=made,
                hashes=hashes,
                regions=tuple(t.region for t in tied if not t.in_pixels),
                drawn=tuple(drawn_regions(tied, acquisition)),
                truth=view_truth(truth, patient_id, acquisition.name) if truth else None,
                fingerprint=fingerprint_of(low) if fingerprints else "",
            )
        )
        progress(len(jobs), len(pairs), "read")
    if not jobs:
        what = "low-energy and a recombined" if synthetic is None else "low-energy, a recombined and a synthetic"
        raise NothingToEvaluateError(f"{found.root} holds no acquisition with a {what} image.")
    return Planned(tuple(jobs), tuple(sorted(left_out)))


def plan_pre_contrast(found: StudyFolder, planned: Planned, progress: Progress = silent) -> Planned:
    """Jobs on the same simulated patients with low energy before injection.

    Raises
    ------
    NothingToEvaluateError
        The cohort is not simulated before injection, or holds other views.
    """
    before = plan_jobs(found, progress=progress, fingerprints=False)
    if any(job.truth is None or not job.truth.pre_contrast for job in before.jobs):
        raise NothingToEvaluateError(f"{found.root} was not made by cemsynth simulate --pre-contrast.")
    views = [{(job.patient_id, job.acquisition.name) for job in one.jobs} for one in (planned, before)]
    if views[0] != views[1]:
        raise NothingToEvaluateError(f"{found.root} holds other patients or views than the cohort.")
    jobs = tuple(replace(job, key=f"pre_contrast_{job.key}") for job in before.jobs)
    return Planned(jobs, before.left_out)


def plan_training(
    found: StudyFolder, planned: Planned, synthetic: Sequence[CEMImage] | None = None, progress: Progress = silent
) -> Planned:
    """Jobs of the model observer on simulated training patients, to choose its thresholds.

    Raises
    ------
    NothingToEvaluateError
        The patients are not simulated, are simulated before injection, or are among those of the test set.
    """
    training = plan_jobs(found, synthetic, progress=progress, fingerprints=False)
    if any(job.truth is None or job.truth.pre_contrast for job in training.jobs):
        raise NothingToEvaluateError(
            f"{found.root} was not made by cemsynth simulate, or --pre-contrast; the model observer's thresholds need "
            "simulated patients after injection."
        )
    tested = {job.patient_id for job in planned.jobs}, {h for job in planned.jobs for h in job.hashes.values()}
    for job in training.jobs:
        if job.patient_id in tested[0] or tested[1] & set(job.hashes.values()):
            raise NothingToEvaluateError(
                f"Patient {job.patient_id} of {found.root} is in the test set too; give other patients to --training."
            )
    jobs = tuple(replace(job, key=f"training_{job.key}", only_observed=True) for job in training.jobs)
    return Planned(jobs, training.left_out)


def write_results(
    folder: Path,
    result: CohortResult,
    found: StudyFolder,
    card: "ModelCard | None",
    leakage: Sequence[Check],
    left_out: Sequence[str],
    facts: dict[str, str],
    pre_contrast: CohortResult | None = None,
) -> None:
    """Write ``results.csv``, ``lesions.csv``, ``summary.json``, ``report.html`` and the card with these figures."""
    cohort = describe(found)
    checks = checklist(result, card, cohort, len(left_out))
    about: dict[str, object] = {
        "cohort": cohort,
        "facts": facts,
        "versions": versions(),
        "leakage": leakage,
        "checklist": checks,
        "left_out": left_out,
    }
    if pre_contrast is not None:
        about["pre_contrast"] = summary(pre_contrast, {})
    metrics = card_metrics(result, cohort, pre_contrast)
    write_text(folder / RESULTS, results_csv(result))
    write_text(folder / LESIONS, lesions_csv(result))
    text = json.dumps({**summary(result, about), "rows": metrics.rows}, indent=2, allow_nan=False)
    write_text(folder / SUMMARY, text + "\n")
    content = CohortReportContent(
        result=result,
        title=f"{card.name} {card.version}" if card else "images made elsewhere",
        cohort=cohort,
        facts=facts,
        leakage=tuple(leakage),
        checklist=checks,
        left_out=tuple(left_out),
        pre_contrast=pre_contrast,
        versions=versions(),
    )
    write_text(folder / REPORT, render_cohort_report(content))
    if card is not None:
        write_text(folder / "model.json", replace(card, metrics=metrics).to_json())


def conclude(
    records: Sequence[ImageRecord],
    card: "ModelCard | None",
    readings: Readings | None = None,
    observed: Sequence[ObservedView] = (),
    before: Sequence[ImageRecord] = (),
) -> CohortResult:
    """Compute the cohort's figures (see `evaluate_records`)."""
    training = card.training.description if card else "not known: images made elsewhere"
    return evaluate_records(records, training, readings, observed=observed, before=before)


def describe(found: StudyFolder) -> str:
    """A sentence about the images of a cohort: which equipment, which pixel spacing."""
    images = [image for study in found.studies for acquisition in study.acquisitions for image in acquisition.images]
    makers = sorted({str(image.attributes.get("ManufacturerModelName", "equipment not stated")) for image in images})
    spacings = sorted({f"{s[0]:g} mm" if (s := image.grid.spacing_mm) else "unknown" for image in images})
    return f"Images: {', '.join(makers)}; pixel spacing {', '.join(spacings)}."


def result_lines(result: CohortResult, pre_contrast: CohortResult | None = None) -> list[str]:
    """The report for a terminal: the study's table, what the model beats, the verdict."""
    lines = [f"{'':56} {'clinical':44} synthetic"]
    for i, row in enumerate(result.table):
        clinical, synthetic = (estimate_text(cell, row.percent) for cell in (row.clinical, row.synthetic))
        lines.append(f"{row.what:56} {clinical:44} {synthetic}")
        if pre_contrast is not None and not isinstance(row.synthetic, str):
            synthetic = estimate_text(pre_contrast.table[i].synthetic, row.percent)
            lines.append(f"{'  with LE before injection':56} {'':44} {synthetic}")
    lines.append(f"{'':40} {'place':12} {'MAE':>8} {'PSNR dB':>8} {'SSIM':>7}")
    for figures in result.heldout.summary:
        psnr = f"{figures.psnr_db[0]:8.2f}" if figures.psnr_db else f"{'':>8}"
        lines.append(f"{figures.compared:40} {figures.place:12} {figures.mae[0]:8.5f} {psnr} {figures.ssim[0]:7.4f}")
    return [*lines, *result.sentences, result.heldout.verdict]


def versions() -> dict[str, str]:
    """Program and libraries that the figures depend on."""
    names = ("numpy", "scipy", "scikit-image", "matplotlib", "pydicom")
    return {"CEMSynth": __version__, "Python": platform.python_version()} | {n: metadata.version(n) for n in names}
