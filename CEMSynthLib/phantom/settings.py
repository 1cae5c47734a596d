"""What a cohort is asked for, apart from how many patients."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import scipy

from CEMSynthLib.phantom.design import PatientDesign, design_patient, preset_size
from CEMSynthLib.phantom.detector import check_spacing
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.version import SIMULATOR_VERSION


@dataclass(frozen=True)
class CohortSettings:
    """The same for all patients of a cohort.

    Parameters
    ----------
    seed
        0 or more.
    spacing_mm
        Detector pixel spacing.
    preset
        A name from `CEMSynthLib.phantom.design.PRESETS`, or ``None``.
    raw
        Also write the exposures For Processing.
    pre_contrast
        The low-energy image is taken before injection and holds no iodine.
    arrays
        Also write the images and the truth as NumPy arrays.

    Raises
    ------
    PhantomError
        The seed is negative, the spacing impossible, the preset not known.
    """

    seed: int
    spacing_mm: float
    preset: str | None = None
    raw: bool = False
    pre_contrast: bool = False
    arrays: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise PhantomError(f"the seed must not be negative (got {self.seed})")
        check_spacing(self.spacing_mm)
        if self.preset is not None:
            preset_size(self.preset)

    def parameters(self) -> dict[str, object]:
        """JSON values that tell this cohort from another one."""
        return {**asdict(self), "simulator_version": SIMULATOR_VERSION}

    def design(self, number: int) -> PatientDesign:
        """What is wanted of one patient; see `design_patient`."""
        if number < 0:
            raise PhantomError(f"patient numbers must not be negative (got {number})")
        return design_patient(self.preset, self.seed, number)

    def patient_id(self, number: int) -> str:
        """Patient ID of a simulated patient; another preset gives another patient."""
        return f"{'SIM' if self.preset is None else self.preset.upper()}-{self.seed}-{number:04d}"

    def key(self, number: int) -> tuple[object, ...]:
        """What a patient's UIDs are made from, beside the view and the kind of image."""
        return (self.seed, number, self.spacing_mm, self.preset or "", self.pre_contrast)


def made_with() -> Mapping[str, str]:
    """Versions that decide over the bits of the images."""
    return {
        "simulator": SIMULATOR_VERSION,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
