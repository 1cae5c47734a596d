"""Truth: what a simulated cohort tells of its views, read from ``truth/ID/patient.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from CEMSynthLib.evaluation.errors import EvaluationError

FOLDER, FILE = "truth", "patient.json"
FORMAT, FORMAT_VERSION = "cemsynth-simulated-patient", 1


@dataclass(frozen=True)
class LesionTruth:
    """One lesion of a view: kind, label, mean iodine inside the outline in mg/cm2, place in mm (right, down)."""

    number: int
    kind: str
    malignant: bool
    iodine_mg_cm2: float
    center_mm: tuple[float, float]
    radius_mm: float

    @property
    def enhances(self) -> bool:
        """Whether it holds iodine."""
        return self.iodine_mg_cm2 > 0


@dataclass(frozen=True)
class ViewTruth:
    """One view: whether its breast holds a malignant lesion that enhances, BPE (a-d), the step of its halo, lesions."""

    positive: bool
    bpe: str
    split: str
    halo_step_mg_cm2: float
    pre_contrast: bool
    lesions: tuple[LesionTruth, ...] = field(default=())


@cache
def _patient(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["version"] != FORMAT_VERSION:
            raise EvaluationError(f"The truth {path} is of another version; simulate the cohort again.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"The truth {path} cannot be read; simulate the cohort again.") from error
    return dict(content)


def find_truth(root: Path) -> Path | None:
    """The ``truth`` folder of a simulated cohort, in the studies' folder or beside it; ``None`` for real images."""
    return next((f for f in (root / FOLDER, root.parent / FOLDER) if any(f.glob(f"*/{FILE}"))), None)


def view_truth(folder: Path, patient_id: str, name: str) -> ViewTruth | None:
    """What is known of one view.

    Parameters
    ----------
    folder
        From `find_truth`.
    patient_id
        As in the images.
    name
        Of the acquisition, ``"L CC"``.

    Returns
    -------
    ViewTruth or None
        ``None`` where the cohort does not hold this view.

    Raises
    ------
    EvaluationError
        The file is damaged.
    """
    path = folder / patient_id / FILE
    if not path.is_file():
        return None
    content, key = _patient(path), name.replace(" ", "_")
    if key not in content.get("views", {}):
        return None
    try:
        view = content["views"][key]
        lesions = tuple(
            LesionTruth(
                number=int(lesion["number"]),
                kind=str(lesion["kind"]),
                malignant=bool(lesion["malignant"]),
                iodine_mg_cm2=float(lesion["views"][key]["mean_iodine_mg_cm2"]),
                center_mm=(float(lesion["views"][key]["x_mm"]), float(lesion["views"][key]["y_mm"])),
                radius_mm=float(lesion["radius_mm"]),
            )
            for lesion in content["lesions"]
            if key in lesion["views"]
        )
        return ViewTruth(
            positive=view["row"]["positive"] == "yes",
            bpe=str(content["patient"]["bpe"]),
            split=str(content["split"]),
            halo_step_mg_cm2=float(view["halo_step_mg_cm2"]),
            pre_contrast=bool(content["parameters"]["pre_contrast"]),
            lesions=lesions,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EvaluationError(f"The truth {path} is damaged; simulate the cohort again.") from error
