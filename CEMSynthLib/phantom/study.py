"""A simulated patient as files: a CEM study in DICOM, regions, and its truth, done when ``patient.json`` is there."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.files import why
from CEMSynthLib.export.manifest import sha256
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.images import Exposed, write_images
from CEMSynthLib.phantom.patient import draw_patient
from CEMSynthLib.phantom.regions import write_lesion_regions
from CEMSynthLib.phantom.settings import CohortSettings
from CEMSynthLib.phantom.table import cohort_row
from CEMSynthLib.phantom.truth import PATIENT_FILE, PatientRecord, training_arrays, truth_maps, write_maps
from CEMSynthLib.phantom.view import VIEWS, simulate_view
from CEMSynthLib.study.model import ImageKind

#: Folders of a cohort that hold one folder for each patient.
ROOMS = ("dicom", "truth", "arrays", "raw")


def patient_file(settings: CohortSettings, number: int) -> str:
    """The file that says that a patient is done, relative to the cohort's folder."""
    return f"truth/{settings.patient_id(number)}/{PATIENT_FILE}"


def write_patient(folder: Path, settings: CohortSettings, number: int) -> None:
    """Simulate a patient and write images, regions and truth.

    Parameters
    ----------
    folder
        Gets ``dicom/ID/``, ``regions/`` (Slicer markups), ``truth/ID/`` and, where asked for, ``arrays/ID/``.
        ``truth/ID/patient.json`` is written last.
    settings, number
        The patient depends on nothing else (and on the simulator's version).

    Raises
    ------
    PhantomError
        There is no such patient.
    ExportError
        A file cannot be written.
    """
    design = settings.design(number)
    patient = draw_patient(settings.seed, number, design.positive)
    identity = settings.patient_id(number)
    record, files = PatientRecord(settings, design, patient), []
    rooms = ["dicom", "truth", *(["arrays"] if settings.arrays else []), *(["raw"] if settings.raw else [])]
    _make(*(folder / room / identity for room in rooms), folder / "regions")
    views = [(side, position) for side, position in VIEWS if side in design.breasts]
    for order, (side, position) in enumerate(views):
        view = simulate_view(patient, side, position, settings.spacing_mm, pre_contrast=settings.pre_contrast)
        exposed = Exposed(
            identity,
            settings.key(number),
            side,
            position,
            order,
            settings.spacing_mm,
            view.thickness_cm,
            patient.technique.pair,
            settings.pre_contrast,
        )
        names = write_images(
            folder, exposed, {ImageKind.LOW_ENERGY: view.low_energy, ImageKind.RECOMBINED: view.recombined}
        )
        if settings.raw:
            raw = {ImageKind.LOW_ENERGY: view.low_energy_raw, ImageKind.HIGH_ENERGY: view.high_energy_raw}
            names |= write_images(folder, exposed, raw, raw=True)
        names["truth"] = f"truth/{identity}/{exposed.name}.npz"
        write_maps(folder / names["truth"], truth_maps(view))
        if settings.arrays:
            names["arrays"] = f"arrays/{identity}/{exposed.name}.npz"
            write_maps(folder / names["arrays"], training_arrays(view))
        ties = write_lesion_regions(
            folder / "regions", f"{identity}_{exposed.name}", view, exposed.image_uid(ImageKind.LOW_ENERGY)
        )
        row = cohort_row(settings, design, patient, view, names)
        record.add_view(view, asdict(row), [asdict(tie) for tie in ties])
        files += [*names.values(), *(f"regions/{tie.file}" for tie in ties)]
    record.write(folder / patient_file(settings, number), {name: sha256(folder / name) for name in files})


def read_patient(
    folder: Path, settings: CohortSettings, number: int, *, verify: bool = True
) -> Mapping[str, Any] | None:
    """What ``patient.json`` of a finished patient holds; ``None`` where the patient is still to be simulated.

    With ``verify`` the SHA-256 of each file is held against the one told there.

    Raises
    ------
    PhantomError
        The file is of another cohort, or a file of the patient was changed since it was written.
    """
    path = folder / patient_file(settings, number)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        parameters, files = content["parameters"], dict(content["files"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PhantomError(f"{path} cannot be read; delete it and give the same command again") from error
    if parameters != settings.parameters():
        raise PhantomError(f"{path} was written with other settings; choose another folder")
    if not all((folder / name).is_file() for name in files):
        return None
    for name, digest in files.items() if verify else ():
        if sha256(folder / name) != digest:
            raise PhantomError(
                f"in {folder}, {name} was changed since it was written, so the cohort is not touched; "
                "move that file away and give the same command again"
            )
    return dict(content)


def _make(*folders: Path) -> None:
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ExportError(f"The folder {folder} cannot be made: {why(error)}.") from error
