"""The study's table: what Zormpas-Petridis et al. report beside what this run gives, clinical and synthetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from CEMSynthLib.evaluation.estimate import BOOTSTRAP, Estimate, missing
from CEMSynthLib.evaluation.halo_summary import HaloSummary
from CEMSynthLib.evaluation.heldout import MODEL, HeldOutResult
from CEMSynthLib.evaluation.image_measures import CLINICAL, SYNTHETIC
from CEMSynthLib.evaluation.image_record import ImageRecord
from CEMSynthLib.evaluation.lesion_summary import LesionSummary
from CEMSynthLib.measurement.cnr import CNRFormula

SOURCE = "Zormpas-Petridis et al., Eur Radiol Exp 2026, doi 10.1186/s41747-026-00681-7 (abstract)"
NO_READERS = "no reader files and no model observer"
Cell = Estimate | str


@dataclass(frozen=True)
class StudyRow:
    """One row: what the study reports for clinical and synthetic images, and this run's figures or words."""

    what: str
    reported_clinical: str
    reported_synthetic: str
    clinical: Cell
    synthetic: Cell
    percent: bool = False


@dataclass(frozen=True)
class Readings:
    """Figures of readers or of a model observer, by image type (`CLINICAL`, `SYNTHETIC`) and name."""

    source: str
    figures: Mapping[str, Mapping[str, Estimate]]

    def cell(self, image: str, name: str) -> Cell:
        """A figure, or that it is missing."""
        return self.figures.get(image, {}).get(name) or missing(name, f"not given by {self.source}")


def study_table(
    records: Sequence[ImageRecord],
    training: str,
    heldout: HeldOutResult,
    lesions: LesionSummary,
    halo: HaloSummary,
    readings: Readings | None = None,
) -> tuple[StudyRow, ...]:
    """Make the rows of definitions section 1.

    Parameters
    ----------
    records
        Of the images.
    training
        What the model was trained on, in words.
    heldout, lesions, halo
        What was computed from them.
    readings
        Of readers or a model observer, where there are any.
    """

    def change(figure: str) -> Cell:
        name = f"pearson_r_change_from_le_{figure.lower()}"
        found = [c for c in heldout.change_from_le if (c.compared, c.figure) == (MODEL, figure)]
        if not found:
            return missing(name, "one image gives no correlation")
        r = found[0].correlation
        if r.r is None:
            return missing(name, r.reason)
        return Estimate(name, r.r, r.interval_95, BOOTSTRAP, None, r.images, r.patients)

    def read(image: str, name: str) -> Cell:
        return readings.cell(image, name) if readings else missing(name, NO_READERS)

    cnr = next(
        (g for g in lesions.groups if (g.group, g.formula) == ("all lesions", CNRFormula.SD_BACKGROUND.value)), None
    )
    none = missing(CNRFormula.SD_BACKGROUND.value, lesions.reason or "nothing was measured")
    rows = [
        StudyRow(
            "training",
            "",
            "390 images, 195 breasts, 100 patients (102 positive, 93 negative breasts), 2-D CycleGAN",
            "",
            training,
        ),
        StudyRow("test", "40 patients, 63 breasts (37 positive, 26 negative)", "", _counts(records), ""),
        StudyRow("MAE change from LE, correlation clinical vs synthetic", "", "r = 0.99", "", change("MAE")),
        StudyRow("SSIM change from LE, correlation clinical vs synthetic", "", "r = 0.80", "", change("SSIM")),
        StudyRow(
            "CNR, mean ± SD",
            "−0.015 ± 0.23",
            "−0.16 ± 0.05",
            cnr.clinical if cnr else none,
            cnr.synthetic if cnr else none,
        ),
        StudyRow(
            "halo artifact present", "> 50% of images", "corrected", halo.clinical.present, halo.synthetic.present, True
        ),
    ]
    for what, name, clinical, synthetic in (
        ("BPE a-b vs c-d accuracy", "bpe_accuracy", "", "85.8%"),
        ("lesion detection accuracy", "accuracy", "89.4%", "79.4%"),
        ("lesion detection sensitivity", "sensitivity", "87.4%", "72.1%"),
        ("lesion detection specificity", "specificity", "92.3%", "90.0%"),
    ):
        rows.append(StudyRow(what, clinical, synthetic, read(CLINICAL, name), read(SYNTHETIC, name), True))
    return tuple(rows)


def _counts(records: Sequence[ImageRecord]) -> str:
    patients = {r.patient_id for r in records}
    breasts = {(r.patient_id, r.laterality) for r in records}
    positive = {(r.patient_id, r.laterality) for r in records if r.truth and r.truth.positive}
    text = f"{len(records)} images, {len(patients)} patients, {len(breasts)} breasts"
    if all(r.truth for r in records):
        text += f" ({len(positive)} positive, {len(breasts) - len(positive)} negative)"
    return text
