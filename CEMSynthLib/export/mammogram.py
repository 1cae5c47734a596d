"""Mammogram: one CEM image as a complete Digital Mammography X-Ray Image instance (PS3.3 A.27)."""

from datetime import datetime
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
)

from CEMSynthLib import __version__
from CEMSynthLib.export.exposure import ExposureParameters, add_exposure, set_moment
from CEMSynthLib.export.files import replacing
from CEMSynthLib.study.model import ImageKind, Laterality, PixelGrid, Side, ViewPosition, VOIWindow
from CEMSynthLib.study.pydicom_api import save

__all__ = [
    "VIEW_CODES",
    "ExposureParameters",
    "PresentationIntent",
    "code",
    "image_type",
    "mammogram_dataset",
    "patient_orientation",
    "set_pixels",
    "write_dataset",
]

# PS3.16 CID 4014 "View for Mammography" (SNOMED CT codes).
VIEW_CODES = {
    ViewPosition.CC: ("399162004", "cranio-caudal"),
    ViewPosition.MLO: ("399368009", "medio-lateral oblique"),
    ViewPosition.ML: ("399260004", "medio-lateral"),
    ViewPosition.LM: ("399352003", "latero-medial"),
    ViewPosition.LMO: ("399099002", "latero-medial oblique"),
    ViewPosition.XCCL: ("399192008", "cranio-caudal exaggerated laterally"),
    ViewPosition.XCCM: ("399101009", "cranio-caudal exaggerated medially"),
    ViewPosition.FB: ("399196006", "caudo-cranial"),
    ViewPosition.SIO: ("399188001", "superolateral to inferomedial oblique"),
    ViewPosition.ISO: ("441555000", "inferomedial to superolateral oblique"),
}
_HORIZONTAL_VIEWS = (ViewPosition.CC, ViewPosition.XCCL, ViewPosition.XCCM, ViewPosition.FB)


class PresentationIntent(Enum):
    """Presentation Intent Type (0008,0068), PS3.3 C.8.11.1."""

    FOR_PRESENTATION = "FOR PRESENTATION"
    FOR_PROCESSING = "FOR PROCESSING"


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Make one item of a code sequence (PS3.3 8.8).

    Parameters
    ----------
    value, scheme, meaning
        Code Value, Coding Scheme Designator, Code Meaning.

    Returns
    -------
    pydicom.Dataset
    """
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def patient_orientation(laterality: Laterality, view: ViewPosition, chest_wall: Side) -> list[str]:
    """Patient Orientation (0020,0020); the top is lateral (CC), the axilla (MLO, ...) or superomedial (SIO, ISO).

    Parameters
    ----------
    laterality, view
        Breast and view.
    chest_wall
        The border at which the chest wall lies.

    Returns
    -------
    list of str
        Direction of the rows (to the right) and of the columns (downwards): a chest wall on the left gives
        rows that run anteriorly. PS3.3 C.7.6.1.1.1; ``["A", "R"]`` for a left CC in its usual display.
    """
    row = "A" if chest_wall is Side.LEFT else "P"
    medial, lateral = ("R", "L") if laterality is Laterality.LEFT else ("L", "R")
    if view in _HORIZONTAL_VIEWS:
        return [row, medial]
    if view in (ViewPosition.MLO, ViewPosition.LMO):
        return [row, f"F{medial}"]
    if view in (ViewPosition.SIO, ViewPosition.ISO):
        return [row, f"F{lateral}"]
    return [row, "F"]


def image_type(kind: ImageKind, post_contrast: bool = True) -> list[str]:
    """Image Type (0008,0008) of a CEM image by the standard (PS3.3 C.8.11.7.1.4, CP-1342).

    Parameters
    ----------
    kind
        Low energy, high energy, recombined or synthetic. A synthetic image is DERIVED, SECONDARY and never
        called a contrast image.
    post_contrast
        Whether the exposure came after injection; a recombined image always does.

    Returns
    -------
    list of str
        The values.
    """
    phase = "POST_CONTRAST" if post_contrast else "PRE_CONTRAST"
    return {
        ImageKind.LOW_ENERGY: ["ORIGINAL", "PRIMARY", phase, "", "LOW_ENERGY"],
        ImageKind.HIGH_ENERGY: ["ORIGINAL", "PRIMARY", phase, "", "HIGH_ENERGY"],
        ImageKind.RECOMBINED: ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"],
        ImageKind.SYNTHETIC: ["DERIVED", "SECONDARY"],
    }[kind]


def mammogram_dataset(
    *,
    pixels: NDArray[np.uint16],
    grid: PixelGrid,
    kind: ImageKind,
    laterality: Laterality,
    view: ViewPosition,
    window: VOIWindow | None,
    patient_id: str,
    study_uid: str,
    series_uid: str,
    sop_instance_uid: str,
    frame_of_reference_uid: str,
    series_number: int,
    instance_number: int,
    series_description: str,
    study_datetime: datetime,
    exposure: ExposureParameters,
    manufacturer: str,
    manufacturer_model: str,
    chest_wall: Side,
    patient_name: str = "",
    bits_stored: int = 12,
    synthetic_data: bool = True,
    study_description: str = "Contrast-enhanced mammography",
    presentation_intent: PresentationIntent = PresentationIntent.FOR_PRESENTATION,
    detector_type: str = "SCINTILLATOR",
) -> Dataset:
    """Describe one CEM image as a mammogram, Explicit VR Little Endian.

    Parameters
    ----------
    pixels
        Stored values, shape ``grid.shape``, below ``2**bits_stored``: brighter = more attenuation or more iodine. For
        Processing: linear detector values, higher = more x rays.
    grid
        Matrix and spacing; the spacing goes to Imager Pixel Spacing (0018,1164) and must be known.
    kind
        Low energy, high energy or recombined (synthetic images are made by `CEMSynthLib.export.derived`).
    laterality, view, chest_wall
        Breast, view, and the border with the chest wall; Patient Orientation follows from them.
    window
        VOI window in stored values; ``None`` For Processing, where none may be (PS3.3 C.8.11.3).
    patient_id, patient_name
        Patient ID and, only where a reader shall see one, a name in DICOM form (``Family^Given``).
    study_uid, series_uid, sop_instance_uid, frame_of_reference_uid
        UIDs; the images of one compression share the frame of reference.
    series_number, instance_number, series_description, study_description
        What a worklist shows.
    study_datetime
        Date and time of the study.
    exposure
        How the exposure was made.
    manufacturer, manufacturer_model
        General Equipment; a simulated study says so here.
    bits_stored
        8 to 16.
    synthetic_data
        Writes Synthetic Data (0008,001C) ``YES``. Content Qualification (0018,9004) is ``RESEARCH`` always.
    presentation_intent
        For Presentation (MONOCHROME2, LOG) or For Processing (MONOCHROME1, LIN: PS3.3 C.8.11.3).
    detector_type
        Detector Type (0018,7004): ``SCINTILLATOR`` or, for a photoconductor, ``DIRECT``.

    Returns
    -------
    pydicom.Dataset
        With file meta information, ready for `write_dataset`.

    Raises
    ------
    ValueError
        The arguments contradict each other (shape, bit depth, spacing, kind).
    """
    if kind is ImageKind.SYNTHETIC:
        raise ValueError("a synthetic image is derived from its low-energy image: use CEMSynthLib.export.derived")
    if grid.spacing_mm is None:
        raise ValueError("a mammogram needs a pixel spacing (Imager Pixel Spacing is Type 1)")
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = image_type(kind, exposure.post_contrast)
    raw = presentation_intent is PresentationIntent.FOR_PROCESSING
    if raw != (window is None):
        raise ValueError("an image for presentation needs a VOI window, an image for processing must not have one")
    if raw and kind is ImageKind.RECOMBINED:
        raise ValueError("a recombined image is made for presentation; only exposures are stored for processing")
    if raw:
        dataset.SOPClassUID = DigitalMammographyXRayImageStorageForProcessing
    else:
        dataset.SOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    dataset.SOPInstanceUID = sop_instance_uid
    dataset.ContentQualification = "RESEARCH"
    if synthetic_data:
        dataset.SyntheticData = "YES"
    _add_patient_and_study(dataset, patient_id, patient_name, study_uid, study_datetime, study_description)
    _add_series(dataset, series_uid, series_number, series_description, frame_of_reference_uid, presentation_intent)
    dataset.InstanceNumber = instance_number
    dataset.Manufacturer = manufacturer
    dataset.ManufacturerModelName = manufacturer_model
    dataset.SoftwareVersions = f"CEMSynth {__version__}"
    _add_view(dataset, laterality, view, chest_wall)
    dataset.DetectorType = detector_type
    add_exposure(dataset, exposure, study_datetime)
    dataset.ImagerPixelSpacing = [float(f"{s:.6g}") for s in grid.spacing_mm]
    if raw:
        _set_raw_pixels(dataset, pixels, grid, bits_stored)
    elif window is not None:
        set_pixels(dataset, pixels, grid, window, bits_stored)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def set_pixels(
    dataset: Dataset, pixels: NDArray[np.uint16], grid: PixelGrid, window: VOIWindow, bits_stored: int
) -> None:
    """Put stored values and their window into ``dataset`` (Image Pixel, DX Image and VOI LUT modules).

    Parameters
    ----------
    dataset
        Changed in place.
    pixels
        Stored values, shape ``grid.shape``, brighter = more.
    grid
        The matrix.
    window
        In modality units; rescale is written as 1 and 0, so these are stored values.
    bits_stored
        8 to 16.

    Raises
    ------
    ValueError
        The shape is not the grid's, or a value needs more bits.
    """
    _add_pixels(dataset, pixels, grid, bits_stored)
    dataset.PhotometricInterpretation, dataset.PresentationLUTShape = "MONOCHROME2", "IDENTITY"
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1  # brighter = fewer X-rays reached the detector
    dataset.WindowCenter, dataset.WindowWidth = float(f"{window.center:.8g}"), float(f"{window.width:.8g}")
    dataset.VOILUTFunction = window.function


def _set_raw_pixels(dataset: Dataset, pixels: NDArray[np.uint16], grid: PixelGrid, bits_stored: int) -> None:
    _add_pixels(dataset, pixels, grid, bits_stored)
    dataset.PhotometricInterpretation, dataset.PresentationLUTShape = "MONOCHROME1", "INVERSE"
    dataset.PixelIntensityRelationship = "LIN"
    dataset.PixelIntensityRelationshipSign = 1  # higher = more X-rays reached the detector


def _add_pixels(dataset: Dataset, pixels: NDArray[np.uint16], grid: PixelGrid, bits_stored: int) -> None:
    if pixels.shape != grid.shape or pixels.dtype != np.uint16:
        raise ValueError(f"pixels are {pixels.dtype} {pixels.shape}, the grid needs uint16 {grid.shape}")
    if not 8 <= bits_stored <= 16 or int(pixels.max()) >= 2**bits_stored:
        raise ValueError(f"the largest stored value {int(pixels.max())} does not fit {bits_stored} bits")
    dataset.SamplesPerPixel = 1
    dataset.Rows, dataset.Columns = grid.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits_stored, bits_stored - 1
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.add_new("PixelData", "OW", np.ascontiguousarray(pixels, dtype="<u2").tobytes())


def write_dataset(dataset: Dataset, path: Path) -> None:
    """Write ``dataset`` as a DICOM file, whole or not at all.

    Parameters
    ----------
    dataset
        With a transfer syntax in its file meta information.
    path
        The file; its folder must exist.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    with replacing(path) as temporary:
        save(dataset, temporary)


def _add_patient_and_study(
    dataset: Dataset, patient_id: str, patient_name: str, study_uid: str, moment: datetime, description: str
) -> None:
    dataset.PatientName, dataset.PatientID = patient_name, patient_id
    dataset.PatientBirthDate, dataset.PatientSex = "", "F"
    dataset.StudyInstanceUID, dataset.StudyID, dataset.StudyDescription = study_uid, "1", description
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "", ""
    for name in ("Study", "Series", "Content"):
        set_moment(dataset, name, moment)


def _add_series(
    dataset: Dataset, uid: str, number: int, description: str, frame_of_reference_uid: str, intent: PresentationIntent
) -> None:
    dataset.Modality, dataset.PresentationIntentType = "MG", intent.value
    dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.SeriesDescription = uid, number, description
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frame_of_reference_uid, ""


def _add_view(dataset: Dataset, laterality: Laterality, view: ViewPosition, chest_wall: Side) -> None:
    dataset.BodyPartExamined = "BREAST"
    dataset.OrganExposed = "BREAST"
    dataset.AnatomicRegionSequence = Sequence([code("76752008", "SCT", "Breast")])
    dataset.ImageLaterality = laterality.value
    dataset.ViewPosition = view.value
    item = code(VIEW_CODES[view][0], "SCT", VIEW_CODES[view][1])
    item.ViewModifierCodeSequence = Sequence()
    dataset.ViewCodeSequence = Sequence([item])
    dataset.PatientOrientation = patient_orientation(laterality, view, chest_wall)
    dataset.AcquisitionContextSequence = Sequence()
    dataset.PositionerType = "MAMMOGRAPHIC"
    dataset.BreastImplantPresent = "NO"
