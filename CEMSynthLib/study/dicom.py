"""DICOM: one file's header to one `CEMImage`; the pixels are read when they are asked for.

Instances are read one by one with pydicom: readers that stack a series make a false volume of several mammograms, and
some turn MONOCHROME1 silently, prefer Pixel Spacing to Imager Pixel Spacing, or load a file that is cut short.
"""

import warnings
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from CEMSynthLib.study.classification import classify
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.found import FoundImage, UnclassifiedImage
from CEMSynthLib.study.model import CEMImage, ImageKind, PixelGrid, VOIWindow
from CEMSynthLib.study.orientation import chest_wall_of, laterality_of, view_of
from CEMSynthLib.study.pixels import DECODING_ERRORS, PixelEncoding, check_length, encoding_of, load_dicom_pixels
from CEMSynthLib.study.window import window_of

# Larger elements than this stay in the file while headers are read.
_DEFER_BYTES = 4096
_NUMBERS = (
    "KVP", "BodyPartThickness", "CompressionForce", "ContrastBolusVolume", "EstimatedRadiographicMagnificationFactor",
)  # fmt: skip
_TEXTS = (
    "AnodeTargetMaterial", "FilterMaterial", "ContrastBolusAgent", "ContrastBolusRoute", "ContrastBolusStartTime",
    "AcquisitionTime", "PresentationIntentType", "Manufacturer", "ManufacturerModelName", "StudyInstanceUID",
    "SeriesInstanceUID", "FrameOfReferenceUID", "SyntheticData", "FieldOfViewHorizontalFlip", "SeriesDescription",
)  # fmt: skip


def is_dicom(path: Path) -> bool:
    """Tell by content: "DICM" after the preamble, or a data set that begins with group 0002 or 0008 without one."""
    with path.open("rb") as file:
        head = file.read(132)
    if head[128:] == b"DICM":
        return True
    # A bare data set: group 0002 or 0008, element 0000-00FF, then a VR or a short length.
    return len(head) == 132 and head[:2] in (b"\x02\x00", b"\x08\x00") and head[3] == 0 and head[6:8] != b"\xff\xff"


def read_instance(path: Path) -> FoundImage | UnclassifiedImage:
    """Describe one DICOM file from its header.

    Parameters
    ----------
    path
        The file, absolute.

    Returns
    -------
    FoundImage or UnclassifiedImage
        The latter where the header does not say which image of an acquisition it is.

    Raises
    ------
    UnreadableImageError
        No mammogram, color, several frames, cut short or damaged: one sentence with the file's name.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings can quote a patient name
            dataset = _header(path)
            return _described(dataset, path)
    except UnreadableImageError:
        raise
    except InvalidDicomError as error:
        raise UnreadableImageError(f"{path.name} is not a DICOM file, whatever its name says.") from error
    except DECODING_ERRORS as error:
        raise UnreadableImageError(
            f"The header of {path.name} is damaged ({type(error).__name__}); copy it again from its source."
        ) from error


def _header(path: Path) -> FileDataset:
    dataset = pydicom.dcmread(path, defer_size=_DEFER_BYTES, force=True)
    if "SOPClassUID" not in dataset:
        if "MediaStorageSOPClassUID" in dataset.file_meta:
            raise UnreadableImageError(f"{path.name} is a DICOM file without an image (a directory or a cut-off file).")
        raise InvalidDicomError
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return dataset


def _described(dataset: FileDataset, path: Path) -> FoundImage | UnclassifiedImage:
    name = path.name
    modality = _text(dataset, "Modality")
    if "Rows" not in dataset and "PixelData" not in dataset:
        raise UnreadableImageError(f"{name} holds no image ({dataset.SOPClassUID.name}).")
    if modality not in ("", "MG"):
        raise UnreadableImageError(f"{name} is no mammogram: its modality is {modality}.")
    encoding = encoding_of(dataset, name)
    check_length(dataset, path)
    patient_id, study_uid = _text(dataset, "PatientID"), _text(dataset, "StudyInstanceUID") or None
    classification = classify(
        _texts(dataset, "ImageType"),
        _text(dataset, "AcquisitionDeviceProcessingCode"),
        _text(dataset, "SeriesDescription"),
        _text(dataset, "ProtocolName"),
        _text(dataset, "SyntheticData").upper() == "YES",
    )
    if classification.kind is None:
        return UnclassifiedImage(patient_id, study_uid, classification.reason)
    notes = []
    if not classification.from_image_type and classification.kind is not ImageKind.SYNTHETIC:
        notes.append(f"{name} is taken as {_KIND_WORDS[classification.kind]} by its {classification.reason} only.")
    grid = PixelGrid(int(dataset.Rows), int(dataset.Columns), _spacing(dataset))
    window = window_of(dataset)
    if window is not None:
        window = encoding.turned_window(window)
    else:
        notes.append(f"{name} has no display window; the whole range of its grey levels is used.")
        window = _range_window(path, encoding, grid)
    if _text(dataset, "PresentationIntentType").upper() == "FOR PROCESSING":
        notes.append(f"{name} is a raw image (FOR PROCESSING): its grey levels are detector values.")
    laterality = laterality_of(dataset)
    view, modifiers = view_of(dataset)
    sources = tuple(
        str(item.ReferencedSOPInstanceUID)
        for item in dataset.get("SourceImageSequence") or []
        if "ReferencedSOPInstanceUID" in item
    )
    attributes = _attributes(dataset)
    if modifiers:
        attributes["ViewModifier"] = modifiers
    if sources:
        attributes["SourceSOPInstanceUID"] = sources[0]
    if classification.kind is ImageKind.SYNTHETIC:
        attributes |= {"Laterality": laterality.value} if laterality else {}
        attributes |= {"ViewPosition": view.value} if view else {}
    image = CEMImage(
        path=path,
        kind=classification.kind,
        grid=grid,
        window=window,
        chest_wall=chest_wall_of(dataset),
        bits_stored=encoding.bits_stored,
        inverted=encoding.inverted,
        sop_instance_uid=_text(dataset, "SOPInstanceUID") or None,
        attributes=attributes,
        load=partial(load_dicom_pixels, path, encoding, grid.shape),
    )
    return FoundImage(
        image=image,
        patient_id=patient_id,
        study_uid=study_uid,
        laterality=laterality,
        view=view,
        modifiers=modifiers,
        frame_of_reference=_text(dataset, "FrameOfReferenceUID"),
        seconds=_seconds(dataset),
        instance_number=int(dataset.get("InstanceNumber", 0) or 0),
        sources=sources,
        warnings=tuple(notes),
    )


_KIND_WORDS = {
    ImageKind.LOW_ENERGY: "the low-energy image",
    ImageKind.HIGH_ENERGY: "the high-energy image",
    ImageKind.RECOMBINED: "the recombined image",
}


def _range_window(path: Path, encoding: PixelEncoding, grid: PixelGrid) -> VOIWindow:
    pixels = load_dicom_pixels(path, encoding, grid.shape)
    low, high = float(pixels.min()), float(pixels.max())
    return VOIWindow.from_range(low, high if high > low else low + 1.0)


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Imager Pixel Spacing (0018,1164), the detector plane, else Pixel Spacing (0028,0030), in mm (row, column)."""
    for keyword in ("ImagerPixelSpacing", "PixelSpacing"):
        value = dataset.get(keyword)
        if isinstance(value, MultiValue) and len(value) == 2:
            row, column = float(value[0]), float(value[1])
            if np.isfinite([row, column]).all() and row > 0 and column > 0:
                return row, column
    return None


def _seconds(dataset: Dataset) -> float | None:
    """Acquisition time as seconds; the date counts where it is known."""
    moment = _text(dataset, "AcquisitionDateTime")
    day, time = _text(dataset, "AcquisitionDate"), _text(dataset, "AcquisitionTime")
    if not time and len(moment) >= 14:
        day, time = moment[:8], moment[8:].split("+")[0].split("-")[0]
    time = time.replace(":", "")
    if len(time) < 4 or not time.replace(".", "", 1).isdigit():
        return None
    seconds = int(time[:2]) * 3600.0 + int(time[2:4]) * 60.0 + float(time[4:] or 0)
    day = day.replace(".", "")
    if len(day) == 8 and day.isdigit():
        try:
            seconds += date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal() * 86400.0
        except ValueError:
            return seconds
    return seconds


def _attributes(dataset: Dataset) -> dict[str, str | float]:
    found: dict[str, str | float] = {}
    for keyword in _NUMBERS:
        text = _text(dataset, keyword)
        if text:
            found[keyword] = float(text)
    for keyword in _TEXTS:
        text = "\\".join(_texts(dataset, keyword))
        if text:
            found[keyword] = text
    return found


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    value = dataset.get(keyword)
    if value is None:
        return []
    values = list(value) if isinstance(value, MultiValue) else [value]
    texts = [str(v).strip() for v in values]
    return [] if texts == [""] else texts


def _text(dataset: Dataset, keyword: str) -> str:
    texts = _texts(dataset, keyword)
    return texts[0] if texts else ""
