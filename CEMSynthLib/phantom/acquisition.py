"""One compression imaged: both exposures, their recombination with and without its errors, and what is shown."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.halo_truth import halo_step
from CEMSynthLib.phantom.imaging import before_contrast, expose
from CEMSynthLib.phantom.outline import Outline
from CEMSynthLib.phantom.patient import Patient
from CEMSynthLib.phantom.physics import Tissue
from CEMSynthLib.phantom.presentation import RAW_MAXIMUM, present_low_energy, present_recombined, raw_values
from CEMSynthLib.phantom.recombination import artifact_map, assumed_thickness, fat_attenuation, recombine

INTERIOR_MM = 25.0
MARGIN = 8  # pixels of air around the breast, so that its edge is blurred into air


@dataclass(frozen=True, eq=False)
class ViewImages:
    """The images of one view, on the whole detector, chest wall at the left border.

    Parameters
    ----------
    low_energy, recombined
        uint16, For Presentation, 12 bits, 0 in air.
    without_artifact
        The same exposures recombined with perfect scatter correction and the true thickness, on the scale of
        ``recombined``.
    halo_mg_cm2
        What the errors add, noise-free, mg/cm2 equivalents; 0 in air.
    halo_step_mg_cm2
        Rim minus trough of that.
    low_energy_raw, high_energy_raw
        uint16, For Processing: linear, 14 bits.
    """

    low_energy: NDArray[np.uint16]
    recombined: NDArray[np.uint16]
    without_artifact: NDArray[np.uint16]
    halo_mg_cm2: NDArray[np.float32]
    halo_step_mg_cm2: float
    low_energy_raw: NDArray[np.uint16]
    high_energy_raw: NDArray[np.uint16]


def _part(tissue: Tissue, box: tuple[slice, slice]) -> Tissue:
    values = {field.name: getattr(tissue, field.name) for field in fields(Tissue)}
    return Tissue(**{name: value[box] if np.ndim(value) else value for name, value in values.items()})


def _grown(part: slice, size: int) -> slice:
    return slice(max(part.start - MARGIN, 0), min(part.stop + MARGIN, size))


def image_view(
    patient: Patient,
    outline: Outline,
    tissue: Tissue,
    thickness: NDArray[np.floating],
    flat_cm: float,
    noise_rng: np.random.Generator,
    motion_rng: np.random.Generator,
    *,
    excluded: NDArray[np.bool_] | None = None,
    pre_contrast: bool = False,
) -> ViewImages:
    """Image one compression.

    Parameters
    ----------
    patient
        Whose technique and compression it is.
    outline
        Of the whole detector, chest wall at the left.
    tissue
        Path lengths and iodine, on the detector grid.
    thickness
        True outer thickness in cm, 0 in air.
    flat_cm
        Thickness of the flat part.
    noise_rng, motion_rng
        Sources of the noise and the motion.
    excluded
        What the true halo is not looked for in (pectoral muscle).
    pre_contrast
        LE as it were without iodine; everything else stays as it is, the noise too.

    Returns
    -------
    ViewImages
        Computed within the breast's bounding box; around it lies the open field.
    """
    technique, spacing, shape = patient.technique, outline.spacing_mm, outline.shape
    box = (_grown(outline.box[0], shape[0]), _grown(outline.box[1], shape[1]))
    here, cut, true_cm = outline.part(box), _part(tissue, box), thickness[box]
    exposures = expose(technique, cut, true_cm, flat_cm, spacing, noise_rng, motion_rng)
    low = exposures.low
    if pre_contrast:
        low = before_contrast(technique, cut, true_cm, flat_cm, spacing, exposures)
    assumed_cm = assumed_thickness(patient, here, flat_cm)
    # Small breasts have nothing so far from the skin.
    interior = here.skin_distance_mm > min(INTERIOR_MM, 0.5 * float(here.skin_distance_mm.max()))
    real = recombine(technique.pair, exposures, assumed_cm, flat_cm, technique.scatter_left)
    perfect = recombine(technique.pair, exposures, true_cm, flat_cm, 0.0)
    halo = artifact_map(patient, exposures, np.broadcast_to(cut.iodine, true_cm.shape), assumed_cm, true_cm, flat_cm)
    halo[~here.mask] = 0

    def counts(part: NDArray[np.uint16], air: int = 0) -> NDArray[np.uint16]:
        placed = np.full(shape, air, dtype=np.uint16)
        placed[box] = part
        return placed

    whole_halo = np.zeros(shape, dtype=np.float32)
    whole_halo[box] = halo
    return ViewImages(
        low_energy=counts(present_low_energy(low, fat_attenuation(technique.pair, assumed_cm), here.mask, spacing)),
        recombined=counts(present_recombined(real, here.mask, interior)),
        without_artifact=counts(present_recombined(perfect, here.mask, interior)),
        halo_mg_cm2=whole_halo,
        halo_step_mg_cm2=halo_step(
            halo, here.skin_distance_mm, here.mask, None if excluded is None else excluded[box], spacing
        ),
        low_energy_raw=counts(raw_values(low), RAW_MAXIMUM),
        high_energy_raw=counts(raw_values(exposures.high), RAW_MAXIMUM),
    )
