"""Derived: a synthetic image as a DICOM instance of its low-energy image's study, marked as synthetic everywhere."""

import hashlib
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.sequence import Sequence
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from CEMSynthLib import __version__
from CEMSynthLib.export.burn_in import with_notice
from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.export.mammogram import code, image_type, set_pixels
from CEMSynthLib.export.provenance import MANUFACTURER, NOTICE, ModelProvenance
from CEMSynthLib.study.model import ImageKind, PixelGrid, VOIWindow

SERIES_DESCRIPTION = "SYNTHETIC iodine (AI) - not for diagnosis"

# Groups 0010 (Patient, Patient Study) and 0012 (Clinical Trial, de-identification) are copied whole.
_COPIED_GROUPS = (0x0010, 0x0012)
_COPIED = (
    # General Study (PS3.3 C.7.2.1)
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    *("IssuerOfAccessionNumberSequence", "ReferringPhysicianName", "ProcedureCodeSequence", "SpecificCharacterSet"),
    # Frame of Reference, view and anatomy (C.7.4.1, C.8.11.7, C.8.11.2)
    *("FrameOfReferenceUID", "PositionReferenceIndicator", "PatientOrientation", "ImageLaterality", "Laterality"),
    *("ViewPosition", "ViewCodeSequence", "AnatomicRegionSequence", "BodyPartExamined", "OrganExposed"),
    *("BreastImplantPresent", "PartialView", "PartialViewDescription", "AcquisitionContextSequence"),
    # Exposure (C.8.11.4, C.8.7.2); the contrast agent is left out: this image shows none
    *("AcquisitionDate", "AcquisitionTime", "KVP", "AnodeTargetMaterial", "FilterMaterial", "BodyPartThickness"),
    *("CompressionForce", "PositionerType", "DetectorType", "ImagerPixelSpacing", "PixelSpacing"),
    *("EstimatedRadiographicMagnificationFactor", "DistanceSourceToDetector", "DistanceSourceToPatient"),
    *("FieldOfViewHorizontalFlip", "FieldOfViewRotation", "FieldOfViewOrigin", "FieldOfViewShape"),
)


@dataclass(frozen=True)
class StoredImage:
    """Modality values as integers: ``value = slope * stored + intercept``.

    ``clipped`` is the number of pixels that lay outside what the bits can hold and were set to the nearest value.
    """

    pixels: NDArray[np.uint16]
    slope: float
    intercept: float
    clipped: int


@dataclass(frozen=True)
class DerivedImage:
    """A derived instance, ready for `CEMSynthLib.export.mammogram.write_dataset`.

    ``file_name`` holds laterality, view and a short hash, never a name; ``clipped`` as in `StoredImage`.
    """

    dataset: Dataset
    file_name: str
    clipped: int


def store(values: NDArray[np.floating], window: VOIWindow, bits_stored: int) -> StoredImage:
    """Turn modality values into stored integers.

    Parameters
    ----------
    values
        Modality units, finite, shape (rows, columns).
    window
        The window the image is shown with.
    bits_stored
        8 to 16.

    Returns
    -------
    StoredImage
        With slope 1 and intercept 0, the only ones that PS3.3 C.8.11.3 allows, where the window lies within the
        storable values and is at least 256 wide. A window that does not (negative values, values of 0 to 1) would
        lose the picture, so such an image is stored with the rescale that spreads window -50% to +50% on all bits.

    Raises
    ------
    ValueError
        A value is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("a synthetic image holds values that are not finite")
    top = 2**bits_stored - 1
    slope, intercept = 1.0, 0.0
    if window.low < 0 or window.high > top or window.high - window.low < 255:
        reach = window.high - window.low
        slope = float(f"{2 * reach / top:.6g}")
        intercept = float(f"{window.low - reach / 2:.6g}")
    exact = np.rint((np.asarray(values, dtype=np.float64) - intercept) / slope)
    clipped = int(np.count_nonzero((exact < 0) | (exact > top)))
    return StoredImage(np.clip(exact, 0, top).astype(np.uint16), slope, intercept, clipped)


def read_source(path: Path) -> Dataset:
    """Read the header of the low-energy file that a synthetic image is derived from.

    Parameters
    ----------
    path
        A DICOM file.

    Returns
    -------
    pydicom.Dataset
        Without pixels.

    Raises
    ------
    ExportError
        The file is gone or is no DICOM file.
    """
    try:
        return dcmread(path, stop_before_pixels=True)
    except (OSError, InvalidDicomError) as error:
        raise ExportError(f"{path.name} could not be read again as DICOM; synthesize from a complete file.") from error


def file_name(source: Dataset) -> str:
    """Name the synthetic file of a low-energy instance.

    Parameters
    ----------
    source
        The low-energy image's header.

    Returns
    -------
    str
        Such as ``L_CC_synthetic_1f0c9a2b.dcm``: laterality, view, and the first 8 digits of the SHA-256 of the
        source's SOP Instance UID, so that repeats of one view differ and a second run gives the same name.
    """
    parts = [
        str(source.get("ImageLaterality") or source.get("Laterality") or "X"),
        str(source.get("ViewPosition") or "X"),
    ]
    safe = ["".join(c for c in p if c.isascii() and c.isalnum()) or "X" for p in parts]
    digest = hashlib.sha256(str(source.SOPInstanceUID).encode()).hexdigest()[:8]
    return "_".join([*safe, "synthetic", f"{digest}.dcm"])


def synthetic_dataset(
    *,
    source: Dataset,
    values: NDArray[np.floating],
    grid: PixelGrid,
    window: VOIWindow,
    model: ModelProvenance,
    series_uid: str,
    series_number: int,
    instance_number: int,
    created: datetime,
    sop_instance_uid: str | None = None,
    bits_stored: int = 12,
    warnings: Rows[str] = (),
    burn_in: bool = False,
    device: str = "",
) -> DerivedImage:
    """Describe a synthetic iodine image as derived from its low-energy image.

    Parameters
    ----------
    source
        Header of the low-energy image (`read_source`).
    values
        Synthetic image, recombined units, shape ``grid.shape``, brighter = more iodine.
    grid
        The low-energy image's own grid.
    window
        The window to show it with, in the same units.
    model
        What made it.
    series_uid, series_number, instance_number, sop_instance_uid
        New identifiers in the source's study; the SOP Instance UID is made where none is given.
    created
        When.
    bits_stored
        8 to 16.
    warnings
        Sentences for the reader, written to Image Comments (0020,4000).
    burn_in
        Whether "SYNTHETIC - not for diagnosis" is drawn into the pixels; Burned In Annotation (0028,0301) says so.
        Such an image is for looking at: what lies under the text is lost, and it is measured with it.
    device
        Where the model ran (``cpu``, ``cuda``, ``mps``), written to the processing equipment beside model and time.

    Returns
    -------
    DerivedImage

    Raises
    ------
    ValueError
        The shape is not the grid's, the grid is not the source's, or a value is not finite.

    Notes
    -----
    PS3.3: Synthetic Data C.12.1, Content Qualification C.8.13.2.1.1, Image Type C.8.11.7.1.4 (never a contrast
    value), derivation C.7.6.1 and C.12.4.1, Contributing Equipment C.12.1. Patient and study are the source's,
    and so is the frame of reference.
    """
    if (int(source.Rows), int(source.Columns)) != grid.shape:
        raise ValueError(f"the synthetic image's grid {grid.shape} is not that of its low-energy image")
    dataset = Dataset()
    for group in _COPIED_GROUPS:
        dataset.update({e.tag: e for e in source.group_dataset(group)})
    for keyword in _COPIED:
        if keyword in source:
            dataset[keyword] = source[keyword]
    dataset.SOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    dataset.SOPInstanceUID = sop_instance_uid or generate_uid()
    dataset.SyntheticData, dataset.ContentQualification = "YES", "RESEARCH"
    dataset.ImageType = image_type(ImageKind.SYNTHETIC)
    dataset.Modality, dataset.PresentationIntentType = "MG", "FOR PRESENTATION"
    dataset.SeriesInstanceUID, dataset.SeriesNumber = series_uid, series_number
    dataset.SeriesDescription, dataset.InstanceNumber = SERIES_DESCRIPTION, instance_number
    for name in ("Series", "Content", "InstanceCreation"):
        setattr(dataset, f"{name}Date", f"{created:%Y%m%d}")
        setattr(dataset, f"{name}Time", f"{created:%H%M%S}")
    _complete(dataset, grid)
    stored = store(with_notice(values, window) if burn_in else values, window, bits_stored)
    set_pixels(dataset, stored.pixels, grid, window, bits_stored)
    dataset.BurnedInAnnotation = "YES" if burn_in else "NO"
    dataset.RescaleSlope, dataset.RescaleIntercept = stored.slope, stored.intercept
    _add_provenance(dataset, source, model, created, stored.clipped, warnings, device)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return DerivedImage(dataset, file_name(source), stored.clipped)


def _complete(dataset: Dataset, grid: PixelGrid) -> None:
    """Add what the mammography modules require where an older source lacks it and the answer is certain."""
    if grid.spacing_mm is not None:
        dataset.ImagerPixelSpacing = [float(f"{s:.6g}") for s in grid.spacing_mm]
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    for keyword in ("AccessionNumber", "ReferringPhysicianName", "DetectorType", "PositionReferenceIndicator"):
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    if "AnatomicRegionSequence" not in dataset:
        dataset.AnatomicRegionSequence = Sequence([code("76752008", "SCT", "Breast")])
    dataset.OrganExposed = "BREAST"
    dataset.PositionerType = dataset.get("PositionerType") or "MAMMOGRAPHIC"
    if "AcquisitionContextSequence" not in dataset:
        dataset.AcquisitionContextSequence = Sequence()


def _add_provenance(
    dataset: Dataset,
    source: Dataset,
    model: ModelProvenance,
    created: datetime,
    clipped: int,
    warnings: Rows[str],
    device: str,
) -> None:
    program = f"CEMSynth {__version__}"
    dataset.Manufacturer, dataset.ManufacturerModelName = MANUFACTURER, _ascii(model.name)[:64]
    dataset.SoftwareVersions = program
    text = (
        f"{NOTICE}. Iodine image computed from the low-energy image alone by the model {model.name} {model.version}, "
        f"weights SHA-256 {model.sha256}, {program}. {clipped} pixels were clipped to the storable range."
    )
    if model.training_data:
        text += f" Training data: {model.training_data}."
    dataset.DerivationDescription = _ascii(text)[:1024]
    dataset.ImageComments = _ascii(" ".join([f"{NOTICE}.", *warnings]))[:10240]
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    image.SpatialLocationsPreserved = "YES"
    image.PurposeOfReferenceCodeSequence = Sequence(
        [code("121322", "DCM", "Source image for image processing operation")]
    )
    dataset.SourceImageSequence = Sequence([image])
    acquisition = _equipment("109101", "Acquisition Equipment", str(source.get("Manufacturer") or "unknown"))
    for keyword in ("ManufacturerModelName", "SoftwareVersions", "InstitutionName", "StationName"):
        if keyword in source:
            acquisition[keyword] = source[keyword]
    processing = _equipment("109102", "Processing Equipment", MANUFACTURER)
    processing.ManufacturerModelName, processing.SoftwareVersions = _ascii(model.name)[:64], program
    processing.ContributionDateTime = f"{created:%Y%m%d%H%M%S}"
    ran = f", device {device}" if device else ""
    processing.ContributionDescription = _ascii(
        f"Model {model.name} {model.version}, weights SHA-256 {model.sha256}{ran}"
    )
    dataset.ContributingEquipmentSequence = Sequence([acquisition, processing])


def _equipment(value: str, meaning: str, manufacturer: str) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = Sequence([code(value, "DCM", meaning)])
    item.Manufacturer = manufacturer
    return item


def _ascii(text: str) -> str:
    """Keep to characters that every Specific Character Set holds, since the source's is kept."""
    return text.encode("ascii", "replace").decode().replace("\\", "/")
