"""What is known of a simulated patient: maps of each view (npz) and everything drawn (JSON).

``truth/ID/L_CC.npz`` lies on the grid of the images; ``truth/ID/patient.json`` tells the patient, the technique with
its errors, the lesions with their places in the breast and in each view, the files with their SHA-256.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.export.files import replacing, write_text
from CEMSynthLib.phantom.design import PatientDesign
from CEMSynthLib.phantom.patient import Patient
from CEMSynthLib.phantom.settings import CohortSettings, made_with
from CEMSynthLib.phantom.view import SimulatedView

PATIENT_FILE = "patient.json"
FORMAT, FORMAT_VERSION = "cemsynth-simulated-patient", 1


def truth_maps(view: SimulatedView) -> dict[str, NDArray[Any]]:
    """Maps of one view, shape (rows, columns), as the images hang.

    Returns
    -------
    dict
        ``iodine_mg_cm2`` float16; ``breast``, ``pectoral`` bool; ``lesions`` uint8, the number of the lesion or 0;
        ``halo_mg_cm2`` float16, the noise-free artifact; ``without_artifact`` uint16, the recombined image without it.
    """
    return {
        "iodine_mg_cm2": view.iodine.astype(np.float16),
        "breast": view.mask,
        "pectoral": view.pectoral,
        "lesions": lesion_labels(view),
        "halo_mg_cm2": view.halo_mg_cm2.astype(np.float16),
        "without_artifact": view.without_artifact,
    }


def training_arrays(view: SimulatedView) -> dict[str, NDArray[Any]]:
    """For training without DICOM: ``low_energy`` and ``recombined`` (uint16, For Presentation) and `truth_maps`."""
    return {"low_energy": view.low_energy, "recombined": view.recombined, **truth_maps(view)}


def lesion_labels(view: SimulatedView) -> NDArray[np.uint8]:
    """Number of the lesion at each pixel, without spicules; 0 where there is none."""
    labels = np.zeros(view.mask.shape, dtype=np.uint8)
    for lesion in view.lesions:
        row, column = lesion.corner
        part = labels[row : row + lesion.mask.shape[0], column : column + lesion.mask.shape[1]]
        part[lesion.mask] = lesion.number
    return labels[:, ::-1].copy() if view.laterality == "R" else labels


def write_maps(path: Path, maps: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as a compressed npz file, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **maps)


class PatientRecord:
    """``patient.json`` while it grows, view by view."""

    def __init__(self, settings: CohortSettings, design: PatientDesign, patient: Patient) -> None:
        drawn = asdict(patient)
        lesions = drawn.pop("lesions")
        technique = drawn.pop("technique")
        self._lesions = {
            number: {"number": number, **lesion, "views": {}}
            for number, lesion in enumerate(lesions, start=1)
            if lesion["laterality"] in design.breasts
        }
        self.content: dict[str, Any] = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "made_with": made_with(),
            "parameters": settings.parameters(),
            "patient_id": settings.patient_id(patient.number),
            "split": design.split,
            "breasts": list(design.breasts),
            "patient": drawn,
            "technique": technique,
            "views": {},
            "lesions": list(self._lesions.values()),
        }

    def add_view(self, view: SimulatedView, row: Mapping[str, object], regions: list[dict[str, str | None]]) -> None:
        """Tell of one view: its row of the table, its regions, where nipple and lesions lie."""
        name = f"{view.laterality}_{view.position}"
        self.content["views"][name] = {
            "nipple": _place(view, view.nipple_mm),
            "thickness_cm": view.thickness_cm,
            "halo_step_mg_cm2": view.halo_step_mg_cm2,
            "inserts": [
                {
                    **asdict(insert.plan),
                    **_place(view, insert.center_mm),
                    "parts": [_place(view, (y, x)) for y, x in insert.positions_mm.tolist()],
                }
                for insert in view.inserts
            ],
            "row": dict(row),
            "regions": regions,
        }
        for lesion in view.lesions:
            self._lesions[lesion.number]["views"][name] = {
                **_place(view, lesion.center_mm),
                "nipple_distance_mm": round(lesion.nipple_distance_mm, 2),
                "mean_iodine_mg_cm2": round(lesion.iodine, 4),
                "peak_iodine_mg_cm2": round(lesion.peak_iodine, 4),
                "background": lesion.background_center_mm and _place(view, lesion.background_center_mm),
            }

    def write(self, path: Path, files: Mapping[str, str]) -> None:
        """Write it; ``files``: SHA-256 by path in the cohort's folder."""
        content = {**self.content, "files": dict(sorted(files.items()))}
        write_text(path, json.dumps(content, indent=1, default=_plain) + "\n")


def _place(view: SimulatedView, point_yx: tuple[float, float]) -> dict[str, float]:
    """Where a point lies in the image as it hangs: mm from the center of pixel (0, 0), to the right and down."""
    x, y = view.xy_mm(np.array([point_yx]))[0]
    return {"x_mm": round(float(x), 2), "y_mm": round(float(y), 2)}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
