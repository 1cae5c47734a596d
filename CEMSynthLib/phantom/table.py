"""The cohort table: one row for each view, what was simulated and as much of the truth as fits."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from CEMSynthLib.export.files import replacing
from CEMSynthLib.phantom.design import PatientDesign
from CEMSynthLib.phantom.patient import Patient
from CEMSynthLib.phantom.settings import CohortSettings
from CEMSynthLib.phantom.view import SimulatedView

TABLE = "cohort.csv"


@dataclass(frozen=True)
class CohortRow:
    """One row of ``cohort.csv``. Lists are separated by spaces, one entry for each lesion of the view, in one order.

    Parameters
    ----------
    positive
        ``yes`` where the breast holds at least one malignant lesion that enhances.
    lesions, lesion_numbers
        How many are in the view; the number of each in the patient, so that one lesion has one number in both views.
    lesion_kinds, lesion_labels, lesion_iodine_mg_cm2
        ``mass``, ...; ``malignant`` or ``benign``; mean areal density inside the outline.
    bpe
        a-d.
    thickness_cm
        Compressed, of the flat part.
    halo_step_mg_cm2
        Step of the breast-in-breast artifact without noise, rim minus trough, in mg/cm2 equivalents.
    low_energy, ..., arrays
        Files, relative to the table; empty where not asked for.
    """

    patient_id: str
    laterality: str
    view: str
    split: str
    positive: str
    lesions: int
    lesion_numbers: str
    lesion_kinds: str
    lesion_labels: str
    lesion_iodine_mg_cm2: str
    bpe: str
    glandularity: float
    thickness_cm: float
    halo_step_mg_cm2: float
    exposure_pair: str
    low_energy: str
    recombined: str
    truth: str
    low_energy_raw: str
    high_energy_raw: str
    arrays: str


def is_positive(patient: Patient, laterality: str) -> bool:
    """Whether a breast holds at least one malignant lesion that enhances."""
    return any(p.laterality == laterality and p.malignant and p.enhances for p in patient.lesions)


def cohort_row(
    settings: CohortSettings, design: PatientDesign, patient: Patient, view: SimulatedView, files: Mapping[str, str]
) -> CohortRow:
    """The row of one view; ``files``: paths in the cohort's folder by column."""
    return CohortRow(
        patient_id=settings.patient_id(patient.number),
        laterality=view.laterality,
        view=view.position,
        split=design.split,
        positive="yes" if is_positive(patient, view.laterality) else "no",
        lesions=len(view.lesions),
        lesion_numbers=" ".join(str(lesion.number) for lesion in view.lesions),
        lesion_kinds=" ".join(lesion.plan.kind.value.replace(" ", "-") for lesion in view.lesions),
        lesion_labels=" ".join("malignant" if lesion.plan.malignant else "benign" for lesion in view.lesions),
        lesion_iodine_mg_cm2=" ".join(f"{lesion.iodine:.3f}" for lesion in view.lesions),
        bpe=patient.bpe,
        glandularity=round(patient.glandularity, 4),
        thickness_cm=round(view.thickness_cm, 2),
        halo_step_mg_cm2=round(view.halo_step_mg_cm2, 4),
        exposure_pair=patient.technique.pair.name,
        low_energy=files["low_energy"],
        recombined=files["recombined"],
        truth=files["truth"],
        low_energy_raw=files.get("low_energy_raw", ""),
        high_energy_raw=files.get("high_energy_raw", ""),
        arrays=files.get("arrays", ""),
    )


def write_table(folder: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write ``cohort.csv``, a row at a time."""
    with replacing(folder / TABLE) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(CohortRow)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
