"""A simulated patient as files: a four-view CEM study in DICOM, and its truth beside it."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from pydicom.uid import generate_uid

from CEMSynthLib.export.files import replacing
from CEMSynthLib.export.mammogram import ExposureParameters, mammogram_dataset, write_dataset
from CEMSynthLib.export.markups import (
    ClosedCurve,
    Ellipse,
    Region,
    RegionRole,
    RegionTie,
    write_region,
    write_regions_index,
)
from CEMSynthLib.phantom.patient import Patient, draw_patient
from CEMSynthLib.phantom.presentation import LOW_ENERGY_WINDOW, RECOMBINED_WINDOW
from CEMSynthLib.phantom.view import VIEWS, SimulatedView, simulate_view
from CEMSynthLib.study.model import ImageKind, Laterality, PixelGrid, Side, ViewPosition, VOIWindow

#: Raised whenever the same seed gives other pixels; model cards name the version that their training images came from.
SIMULATOR_VERSION = "0.1"
# Nobody was examined: the date is that of the simulator, the same for everybody.
STUDY_TIME = datetime(2026, 1, 1, 9, 0, 0)
INJECTION = STUDY_TIME - timedelta(minutes=2)


@dataclass(frozen=True)
class CohortRow:
    """One row of ``cohort.csv``: what was simulated, and as much of the truth as fits a table."""

    patient_id: str
    laterality: str
    view: str
    low_energy: str
    recombined: str
    lesions: int
    lesion_iodine_mg_cm2: str
    bpe: str
    glandularity: float
    thickness_cm: float
    exposure_pair: str


@dataclass(frozen=True)
class WrittenView:
    """What was written for one view: its row of the cohort table and the regions that belong to it."""

    row: CohortRow
    regions: tuple[RegionTie, ...]


def patient_id(seed: int, number: int) -> str:
    """Patient ID of a simulated patient."""
    return f"SIM-{seed}-{number:04d}"


def _uid(*parts: object) -> str:
    return str(generate_uid(entropy_srcs=["CEMSynth", SIMULATOR_VERSION, *map(str, parts)]))


def write_patient(folder: Path, seed: int, number: int, spacing_mm: float) -> list[WrittenView]:
    """Simulate a patient and write the study and its truth.

    Parameters
    ----------
    folder
        Gets ``dicom/ID/``, ``regions/`` (Slicer markups) and ``truth/ID/`` (iodine in mg/cm2 and breast mask, npz).
    seed, number
        The patient depends on nothing else (and on `SIMULATOR_VERSION`).
    spacing_mm
        Detector pixel spacing.

    Returns
    -------
    list of WrittenView
        In the order of `VIEWS`.
    """
    patient = draw_patient(seed, number)
    return [
        _write_view(folder, patient, simulate_view(patient, side, view, spacing_mm), order)
        for order, (side, view) in enumerate(VIEWS)
    ]


def _write_view(folder: Path, patient: Patient, view: SimulatedView, order: int) -> WrittenView:
    identity = patient_id(patient.seed, patient.number)
    key = (patient.seed, patient.number, view.laterality, view.position, view.spacing_mm)
    stem = f"{view.laterality}_{view.position}"
    dicom, truth = folder / "dicom" / identity, folder / "truth" / identity
    for made in (dicom, truth, folder / "regions"):
        made.mkdir(parents=True, exist_ok=True)
    moment = STUDY_TIME + timedelta(seconds=75 * order)
    pair = patient.technique.pair
    names: dict[ImageKind, str] = {}
    for kind, pixels in ((ImageKind.LOW_ENERGY, view.low_energy), (ImageKind.RECOMBINED, view.recombined)):
        low = kind is ImageKind.LOW_ENERGY
        dataset = mammogram_dataset(
            pixels=pixels,
            grid=PixelGrid(pixels.shape[0], pixels.shape[1], (view.spacing_mm, view.spacing_mm)),
            kind=kind,
            laterality=Laterality(view.laterality),
            view=ViewPosition(view.position),
            window=VOIWindow(*(LOW_ENERGY_WINDOW if low else RECOMBINED_WINDOW)),
            patient_id=identity,
            patient_name="SIMULATED^CEM",
            study_uid=_uid("study", patient.seed, patient.number, view.spacing_mm),
            series_uid=_uid("series", kind.value, patient.seed, patient.number, view.spacing_mm),
            sop_instance_uid=_uid("image", kind.value, *key),
            frame_of_reference_uid=_uid("frame", *key),
            series_number=1 if low else 2,
            instance_number=order + 1,
            series_description=f"SIMULATED {'low energy' if low else 'recombined'}",
            study_datetime=STUDY_TIME,
            exposure=ExposureParameters(
                kvp=pair.low_kvp if low else pair.high_kvp,
                anode=pair.anode,
                filter=pair.low_filter if low else pair.high_filter,
                body_part_thickness_mm=round(10 * view.thickness_cm, 1),
                contrast_agent="Iodinated contrast agent (simulated)",
                contrast_route="Intravenous",
                contrast_start=INJECTION,
                acquired=moment,
            ),
            manufacturer="CEMSynth",
            manufacturer_model=f"CEMSynth simulator {SIMULATOR_VERSION}",
            chest_wall=Side.LEFT if view.laterality == "L" else Side.RIGHT,
        )
        names[kind] = f"{stem}_{kind.value}.dcm"
        write_dataset(dataset, dicom / names[kind])
    with replacing(truth / f"{stem}.npz") as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, iodine_mg_cm2=view.iodine.astype(np.float16), breast=view.mask)
    ties = _write_regions(
        folder / "regions", f"{identity}_{stem}", view, _uid("image", ImageKind.LOW_ENERGY.value, *key)
    )
    row = CohortRow(
        patient_id=identity,
        laterality=view.laterality,
        view=view.position,
        low_energy=f"dicom/{identity}/{names[ImageKind.LOW_ENERGY]}",
        recombined=f"dicom/{identity}/{names[ImageKind.RECOMBINED]}",
        lesions=len(view.lesions),
        lesion_iodine_mg_cm2=" ".join(f"{lesion.iodine:.3f}" for lesion in view.lesions),
        bpe=patient.bpe,
        glandularity=round(patient.glandularity, 4),
        thickness_cm=round(view.thickness_cm, 2),
        exposure_pair=pair.name,
    )
    return WrittenView(row, ties)


def _write_regions(folder: Path, stem: str, view: SimulatedView, low_energy_uid: str) -> tuple[RegionTie, ...]:
    ties = []
    for number, lesion in enumerate(view.lesions, start=1):
        outline = ClosedCurve(tuple((float(x), float(y)) for x, y in view.xy_mm(lesion.outline_mm)))
        shapes: list[tuple[RegionRole, ClosedCurve | Ellipse]] = [(RegionRole.LESION, outline)]
        if lesion.background_center_mm is not None:
            x, y = (float(c) for c in view.xy_mm(np.array([lesion.background_center_mm]))[0])
            disc = Ellipse((x, y), (lesion.background_radius_mm, lesion.background_radius_mm))
            shapes.append((RegionRole.BACKGROUND, disc))
        for role, shape in shapes:
            name = f"{stem}_{role.value}_{number}"
            write_region(folder / f"{name}.mrk.json", Region(name, role, shape))
            ties.append(RegionTie(f"{name}.mrk.json", sop_instance_uid=low_energy_uid))
    return tuple(ties)


def finish_cohort(folder: Path, views: Iterable[WrittenView]) -> None:
    """Write what covers all patients: ``cohort.csv`` and ``regions/regions.json``."""
    views = sorted(views, key=lambda view: (view.row.patient_id, view.row.laterality, view.row.view))
    with replacing(folder / "cohort.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(CohortRow.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(vars(view.row) for view in views)
    write_regions_index(folder / "regions", [tie for view in views for tie in view.regions])
