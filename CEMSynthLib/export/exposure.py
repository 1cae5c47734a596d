"""Exposure: how one image was taken, and the attributes that say so (PS3.3 C.8.7.2, C.8.7.10, C.7.6.4)."""

from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset


@dataclass(frozen=True)
class ExposureParameters:
    """How one exposure was made; ``None`` where it is not known (the attribute is then left out).

    Parameters
    ----------
    kvp
        KVP (0018,0060), kV.
    anode, filter
        Anode Target Material (0018,1191) and Filter Material (0018,7050), defined terms of PS3.3 C.8.7.10 and
        C.8.11.7: ``MOLYBDENUM``, ``RHODIUM``, ``TUNGSTEN``, ``SILVER``, ``COPPER``, ``TITANIUM``, ...
    body_part_thickness_mm
        Body Part Thickness (0018,11A0), the compressed breast.
    compression_force_n
        Compression Force (0018,11A2), newton.
    exposure_mas
        Tube current times time, mAs.
    source_to_detector_mm, source_to_patient_mm
        Distances from the focal spot; their ratio is the Estimated Radiographic Magnification Factor (0018,1114).
    post_contrast
        ``False`` for an exposure before injection (ImageType value 3 is then ``PRE_CONTRAST``).
    contrast_agent, contrast_route, contrast_volume_ml, contrast_start
        Contrast/Bolus module (C.7.6.4); left out where there is no agent.
    acquired
        Acquisition Date and Time; the study's where ``None``.
    """

    kvp: float | None = None
    anode: str | None = None
    filter: str | None = None
    body_part_thickness_mm: float | None = None
    compression_force_n: float | None = None
    exposure_mas: float | None = None
    source_to_detector_mm: float | None = None
    source_to_patient_mm: float | None = None
    post_contrast: bool = True
    contrast_agent: str | None = None
    contrast_route: str | None = None
    contrast_volume_ml: float | None = None
    contrast_start: datetime | None = None
    acquired: datetime | None = None


def set_moment(dataset: Dataset, name: str, moment: datetime) -> None:
    """Set ``<name>Date`` and ``<name>Time`` of ``dataset``, such as ``AcquisitionDate`` for ``"Acquisition"``."""
    setattr(dataset, f"{name}Date", f"{moment:%Y%m%d}")
    setattr(dataset, f"{name}Time", f"{moment:%H%M%S}")


def add_exposure(dataset: Dataset, exposure: ExposureParameters, study_datetime: datetime) -> None:
    """Write what is known of an exposure into ``dataset``.

    Parameters
    ----------
    dataset
        Changed in place.
    exposure
        What is known.
    study_datetime
        Stands in where the time of acquisition is not known.
    """
    set_moment(dataset, "Acquisition", exposure.acquired or study_datetime)
    numbers = {
        "KVP": exposure.kvp,
        "BodyPartThickness": exposure.body_part_thickness_mm,
        "CompressionForce": exposure.compression_force_n,
        "DistanceSourceToDetector": exposure.source_to_detector_mm,
        "DistanceSourceToPatient": exposure.source_to_patient_mm,
    }
    for keyword, value in numbers.items():
        if value is not None:
            setattr(dataset, keyword, float(f"{value:.6g}"))
    if exposure.source_to_detector_mm and exposure.source_to_patient_mm:
        factor = exposure.source_to_detector_mm / exposure.source_to_patient_mm
        dataset.EstimatedRadiographicMagnificationFactor = float(f"{factor:.6g}")
    if exposure.exposure_mas is not None:
        dataset.Exposure = round(exposure.exposure_mas)
        dataset.ExposureInuAs = round(1000 * exposure.exposure_mas)
    if exposure.anode:
        dataset.AnodeTargetMaterial = exposure.anode
    if exposure.filter:
        dataset.FilterType, dataset.FilterMaterial = "STRIP", exposure.filter
    if exposure.contrast_agent and exposure.post_contrast:
        dataset.ContrastBolusAgent = exposure.contrast_agent
        if exposure.contrast_route:
            dataset.ContrastBolusRoute = exposure.contrast_route
        if exposure.contrast_volume_ml is not None:
            dataset.ContrastBolusVolume = float(f"{exposure.contrast_volume_ml:.6g}")
        if exposure.contrast_start is not None:
            dataset.ContrastBolusStartTime = f"{exposure.contrast_start:%H%M%S}"
