"""One simulated view: images, truth and the numbers behind them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.acquisition import image_view
from CEMSynthLib.phantom.anatomy import breast_anatomy
from CEMSynthLib.phantom.body import draw_body
from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.detector import check_spacing
from CEMSynthLib.phantom.findings import add_findings
from CEMSynthLib.phantom.inserts import Insert
from CEMSynthLib.phantom.lesions import Lesion
from CEMSynthLib.phantom.outline import breast_outline
from CEMSynthLib.phantom.patient import LATERALITIES, POSITIONS, Patient
from CEMSynthLib.phantom.physics import Tissue
from CEMSynthLib.phantom.random_source import Stream, generator

VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))


@dataclass(frozen=True)
class SimulatedView:
    """One acquisition as it hangs: the chest wall of a left breast at the left border, of a right one at the right.

    Parameters
    ----------
    low_energy, recombined
        uint16, For Presentation.
    without_artifact, halo_mg_cm2, halo_step_mg_cm2
        Truth: what would be shown without the breast-in-breast artifact, the artifact noise-free, its step; see
        `CEMSynthLib.phantom.acquisition.ViewImages`.
    low_energy_raw, high_energy_raw
        uint16, For Processing.
    iodine
        Truth, mg/cm2, float32.
    mask, pectoral
        Truth: where there is breast; where the pectoral muscle is in it.
    lesions, inserts, nipple_mm
        In detector millimeters (y, x) with the chest wall at the left; use `xy_mm` for positions in the image as it
        hangs.
    """

    laterality: str
    position: str
    spacing_mm: float
    low_energy: NDArray[np.uint16]
    recombined: NDArray[np.uint16]
    without_artifact: NDArray[np.uint16]
    halo_mg_cm2: NDArray[np.float32]
    halo_step_mg_cm2: float
    low_energy_raw: NDArray[np.uint16]
    high_energy_raw: NDArray[np.uint16]
    iodine: NDArray[np.float32]
    mask: NDArray[np.bool_]
    pectoral: NDArray[np.bool_]
    lesions: tuple[Lesion, ...]
    inserts: tuple[Insert, ...]
    nipple_mm: tuple[float, float]
    thickness_cm: float

    def xy_mm(self, points_yx: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions (x, y) in the image as it hangs, in mm from the center of pixel (0, 0)."""
        points = np.atleast_2d(np.asarray(points_yx, dtype=np.float64))
        x = points[:, 1] - self.spacing_mm / 2
        if self.laterality == "R":
            x = (self.mask.shape[1] - 1) * self.spacing_mm - x
        return np.column_stack([x, points[:, 0] - self.spacing_mm / 2])


def simulate_view(
    patient: Patient, laterality: str, position: str, spacing_mm: float, *, pre_contrast: bool = False
) -> SimulatedView:
    """Simulate one view of a patient; depends only on the patient, the view and the spacing.

    Parameters
    ----------
    laterality, position
        ``"L"`` or ``"R"``; ``"CC"`` or ``"MLO"``.
    spacing_mm
        Detector pixel spacing, 0.05 to 2 mm.
    pre_contrast
        LE as it were without iodine; everything else stays as it is, the noise too.

    Raises
    ------
    PhantomError
        The spacing is outside that range.
    """
    check_spacing(spacing_mm)
    key = (LATERALITIES.index(laterality), POSITIONS.index(position))

    def random(stream: Stream) -> np.random.Generator:
        return generator(patient.seed, patient.number, stream, *key)

    flat_cm = patient.thickness(position)
    outline = breast_outline(patient, position, random(Stream.OUTLINE), spacing_mm)
    compression = Compression(patient.mlo_angle_deg if position == "MLO" else 0.0, outline.nipple_mm)
    body = draw_body(patient, laterality)
    anatomy = breast_anatomy(patient, position, outline, body, compression, random(Stream.TEXTURE))
    findings = add_findings(anatomy, compression, patient, laterality)
    anatomy = findings.anatomy
    iodine = anatomy.iodine_bpe + anatomy.iodine_vessels + findings.iodine
    tissue = Tissue(
        anatomy.adipose,
        anatomy.glandular,
        anatomy.skin,
        anatomy.muscle,
        findings.calcification,
        iodine,
        findings.titanium,
    )
    images = image_view(
        patient,
        outline,
        tissue,
        anatomy.thickness,
        flat_cm,
        random(Stream.NOISE),
        random(Stream.MOTION),
        excluded=anatomy.muscle > 0,
        pre_contrast=pre_contrast,
    )
    order = slice(None, None, -1) if laterality == "R" else slice(None)
    return SimulatedView(
        laterality=laterality,
        position=position,
        spacing_mm=spacing_mm,
        low_energy=images.low_energy[:, order].copy(),
        recombined=images.recombined[:, order].copy(),
        without_artifact=images.without_artifact[:, order].copy(),
        halo_mg_cm2=images.halo_mg_cm2[:, order].copy(),
        halo_step_mg_cm2=images.halo_step_mg_cm2,
        low_energy_raw=images.low_energy_raw[:, order].copy(),
        high_energy_raw=images.high_energy_raw[:, order].copy(),
        iodine=iodine.astype(np.float32)[:, order].copy(),
        mask=outline.mask[:, order].copy(),
        pectoral=(anatomy.muscle > 0)[:, order].copy(),
        lesions=findings.lesions,
        inserts=findings.inserts,
        nipple_mm=outline.nipple_mm,
        thickness_cm=flat_cm,
    )
