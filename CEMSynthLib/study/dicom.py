"""DICOM: one file's header to its `CEMImage`s, one for each frame; the pixels are read when they are asked for.

Instances are read one by one with pydicom: readers that stack a series make a false volume of several mammograms, and
some turn MONOCHROME1 silently, prefer Pixel Spacing to Imager Pixel Spacing, or load a file that is cut short.
"""

from datetime import date
from functools import partial
from pathlib import Path

from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import MediaStorageDirectoryStorage

from CEMSynthLib.study.classification import Classification, classify
from CEMSynthLib.study.decoders import advice, is_standard
from CEMSynthLib.study.encoding import encoding_of, polarity_of
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.explanation import KIND_WORDS, kind_sentences, reading_sentences
from CEMSynthLib.study.fallback_window import range_window
from CEMSynthLib.study.found import FoundImage, UnclassifiedImage
from CEMSynthLib.study.functional_groups import LARGEST_FRAME_COUNT, frame_count, frame_header, has_frame_types
from CEMSynthLib.study.header import DECODING_ERRORS, items, number, numbers, open_header, text, texts, whole
from CEMSynthLib.study.model import CEMImage, ImageKind, PixelGrid
from CEMSynthLib.study.orientation import chest_wall_of, is_specimen, view_told
from CEMSynthLib.study.pixels import check_length, load_dicom_pixels
from CEMSynthLib.study.quiet import quiet
from CEMSynthLib.study.vendor_rules import Attribute
from CEMSynthLib.study.window import windows_of

_NUMBERS = (
    "KVP", "BodyPartThickness", "CompressionForce", "ContrastBolusVolume", "EstimatedRadiographicMagnificationFactor",
)  # fmt: skip
_TEXTS = (
    "AnodeTargetMaterial", "FilterMaterial", "ContrastBolusAgent", "ContrastBolusRoute", "ContrastBolusStartTime",
    "AcquisitionTime", "PresentationIntentType", "Manufacturer", "ManufacturerModelName", "StudyInstanceUID",
    "SeriesInstanceUID", "FrameOfReferenceUID", "SyntheticData", "FieldOfViewHorizontalFlip", "SeriesDescription",
    "ImageType", "BreastImplantPresent", "PartialView",
)  # fmt: skip
# Contact views are magnified by 1.0 to 1.1, magnification views by 1.5 to 2.
_MAGNIFIED = 1.4
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_ATTRIBUTES = {
    Attribute.PROCESSING_CODE: "AcquisitionDeviceProcessingCode",
    Attribute.SERIES_DESCRIPTION: "SeriesDescription",
    Attribute.PROTOCOL_NAME: "ProtocolName",
}


def read_instance(path: Path) -> FoundImage | UnclassifiedImage:
    """Describe a DICOM file that holds one image.

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
        As `read_frames`, and where the file holds several frames.
    """
    found = read_frames(path)
    if len(found) != 1:
        raise UnreadableImageError(f"{path.name} holds {len(found)} frames, not one image.")
    return found[0]


def read_frames(path: Path) -> tuple[FoundImage | UnclassifiedImage, ...]:
    """Describe one DICOM file from its header.

    Parameters
    ----------
    path
        The file, absolute.

    Returns
    -------
    tuple of FoundImage or UnclassifiedImage
        One for each frame of a Breast Projection X-Ray image, else one.

    Raises
    ------
    UnreadableImageError
        No mammogram, color, a tomosynthesis, cut short or damaged: one sentence with the file's name.
    """
    try:
        with quiet():
            dataset = open_header(path)
            _check_mammogram(dataset, path.name)
            count = _frames(dataset, path.name)
            return tuple(_described(dataset, path, index, count) for index in range(count))
    except UnreadableImageError:
        raise
    except InvalidDicomError as error:
        raise UnreadableImageError(f"{path.name} is not a DICOM file, whatever its name says.") from error
    except PermissionError:
        raise
    except DECODING_ERRORS as error:
        raise UnreadableImageError(
            f"The header of {path.name} is damaged ({type(error).__name__}); copy it again from its source."
        ) from error


def _check_mammogram(dataset: FileDataset, name: str) -> None:
    if dataset.SOPClassUID == MediaStorageDirectoryStorage:
        raise UnreadableImageError(f"{name} is the directory of a DICOM medium, not an image; its files are read.")
    syntax = dataset.file_meta.TransferSyntaxUID
    if not is_standard(syntax):
        shown = f" ({syntax})" if syntax.is_valid else ""
        raise UnreadableImageError(f"The transfer syntax of {name}{shown} is not one of the standard; export it anew.")
    if "Rows" not in dataset and "PixelData" not in dataset:
        kind = dataset.SOPClassUID.name if text(dataset, "SOPClassUID") else "of an unknown kind"
        raise UnreadableImageError(f"{name} holds no image ({kind}).")
    modality = text(dataset, "Modality").upper()
    if modality not in ("", "MG"):
        raise UnreadableImageError(f"{name} is no mammogram: its modality is {modality}.")
    if is_specimen(dataset):
        raise UnreadableImageError(f"{name} shows a tissue specimen, not a breast.")


def _frames(dataset: FileDataset, name: str) -> int:
    count = frame_count(dataset)
    if count == 1:
        return 1
    if not 1 < count <= LARGEST_FRAME_COUNT or not has_frame_types(dataset):
        raise UnreadableImageError(f"{name} holds several frames (a tomosynthesis or a cine), not one mammogram.")
    return count


def _described(dataset: FileDataset, path: Path, index: int, count: int) -> FoundImage | UnclassifiedImage:
    header = frame_header(dataset, index)
    name = path.name if count == 1 else f"{path.name} (frame {index + 1})"
    encoding = encoding_of(header, name)
    check_length(dataset, path)
    patient_id, study_uid = text(dataset, "PatientID"), text(dataset, "StudyInstanceUID") or None
    classification, kind_reasons = _classified(header)
    if classification.kind is None:
        return UnclassifiedImage(patient_id, study_uid, classification.reason, tuple(kind_reasons))
    view = view_told(header, name)
    notes = _notes(header, dataset, name, classification)
    spacing, spacing_source = _spacing(header)
    grid = PixelGrid(whole(header, "Rows", 0), whole(header, "Columns", 0), spacing)
    windows = windows_of(header)
    if windows:
        window, window_source = encoding.turned_window(windows[0].window), windows[0].source
    else:
        notes.append(f"{name} has no display window; the whole range of its grey levels is used.")
        window, window_source = range_window(dataset, header, path, encoding, grid, index)
    sources = tuple(
        text(item, "ReferencedSOPInstanceUID")
        for item in items(header, "SourceImageSequence")
        if text(item, "ReferencedSOPInstanceUID")
    )
    attributes = _attributes(header)
    if view.modifiers:
        attributes["ViewModifier"] = view.modifiers
    if sources:
        attributes["SourceSOPInstanceUID"] = sources[0]
    if count > 1:
        attributes["FrameNumber"] = float(index + 1)
    if len(windows) > 1:
        attributes["OtherWindows"] = "; ".join(
            f"{w.name + ' ' if w.name else ''}{turned.center:g}/{turned.width:g} {turned.function}"
            for w, turned in ((w, encoding.turned_window(w.window)) for w in windows[1:])
        )
    if classification.kind is ImageKind.SYNTHETIC:
        attributes |= {"Laterality": view.laterality.value} if view.laterality else {}
        attributes |= {"ViewPosition": view.position.value} if view.position else {}
    image = CEMImage(
        path=path,
        kind=classification.kind,
        grid=grid,
        window=window,
        chest_wall=chest_wall_of(header),
        bits_stored=encoding.bits_stored,
        inverted=encoding.inverted,
        sop_instance_uid=text(dataset, "SOPInstanceUID") or None,
        attributes=attributes,
        load=partial(load_dicom_pixels, path, encoding, grid.shape, index),
    )
    return FoundImage(
        image=image,
        patient_id=patient_id,
        study_uid=study_uid,
        laterality=view.laterality,
        view=view.position,
        modifiers=view.modifiers,
        frame_of_reference=text(dataset, "FrameOfReferenceUID"),
        seconds=_seconds(header),
        instance_number=whole(dataset, "InstanceNumber", 0),
        sources=sources,
        warnings=(*notes, *view.warnings),
        raw=_is_raw(header),
        explanations=(
            *kind_reasons,
            *reading_sentences(
                image, view, spacing_source, window_source, windows, polarity_of(header)[1],
                "\\".join(texts(header, "PatientOrientation")),
            ),
        ),
    )  # fmt: skip


def _classified(header: Dataset) -> tuple[Classification, list[str]]:
    told = {attribute: text(header, keyword) for attribute, keyword in _ATTRIBUTES.items()}
    image_type = texts(header, "ImageType")
    found = classify(
        image_type,
        told[Attribute.PROCESSING_CODE],
        told[Attribute.SERIES_DESCRIPTION],
        told[Attribute.PROTOCOL_NAME],
        text(header, "SyntheticData").upper() == "YES",
    )
    told[Attribute.IMAGE_TYPE] = "\\".join(image_type)
    words = told[found.rule.attribute] if found.rule else ""
    return found, kind_sentences(found, words, text(header, "Manufacturer"))


def _is_raw(header: Dataset) -> bool:
    return text(header, "PresentationIntentType").upper() == "FOR PROCESSING"


def _notes(header: Dataset, dataset: FileDataset, name: str, classification: Classification) -> list[str]:
    """Sentences about one image that its reader must know."""
    notes = []
    kind = classification.kind
    if kind is not None and kind is not ImageKind.SYNTHETIC and not classification.from_image_type:
        notes.append(f"{name} is taken as {KIND_WORDS[kind]} by its {classification.reason} only.")
    if _is_raw(header):
        notes.append(f"{name} is a raw image (FOR PROCESSING): its grey levels are detector values.")
    if str(dataset.SOPClassUID).startswith(_SECONDARY_CAPTURE):
        notes.append(f"{name} is a Secondary Capture: its grey levels may have been changed for display.")
    if text(header, "BreastImplantPresent").upper() == "YES":
        notes.append("The breast has an implant, which is neither gland nor lesion.")
    if text(header, "PartialView").upper() == "YES":
        notes.append("The image shows only a part of the breast (Partial View).")
    factor = number(header, "EstimatedRadiographicMagnificationFactor")
    if factor is not None and factor >= _MAGNIFIED:
        notes.append(f"It is magnified {factor:g} times (Estimated Radiographic Magnification Factor).")
    if text(header, "BurnedInAnnotation").upper() == "YES":
        notes.append(f"Text is burned into the pixels of {name} (Burned In Annotation).")
    hint = advice(dataset.file_meta.TransferSyntaxUID, whole(header, "BitsStored", 16))
    if hint:
        notes.append(f"The pixels of {name} cannot be read here. {hint}")
    return notes


def _spacing(header: Dataset) -> tuple[tuple[float, float] | None, str]:
    """Imager Pixel Spacing (0018,1164), the detector plane, else Pixel Spacing (0028,0030), in mm (row, column)."""
    for keyword, words in (("ImagerPixelSpacing", "Imager Pixel Spacing"), ("PixelSpacing", "Pixel Spacing")):
        value = numbers(header, keyword)
        if len(value) == 2 and value[0] > 0 and value[1] > 0:
            return (value[0], value[1]), words
    return None, ""


def _seconds(header: Dataset) -> float | None:
    """Acquisition time as seconds; the date counts where it is known."""
    moment = text(header, "AcquisitionDateTime")
    day, time = text(header, "AcquisitionDate"), text(header, "AcquisitionTime")
    if not time and len(moment) >= 14:
        day, time = moment[:8], moment[8:].split("+")[0].split("-")[0]
    time = time.replace(":", "")
    if len(time) < 4 or not time.isascii() or not time.replace(".", "", 1).isdigit():
        return None
    seconds = int(time[:2]) * 3600.0 + int(time[2:4]) * 60.0 + float(time[4:] or 0)
    day = day.replace(".", "")
    if len(day) == 8 and day.isascii() and day.isdigit():
        try:
            seconds += date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal() * 86400.0
        except ValueError:
            return seconds
    return seconds


def _attributes(header: Dataset) -> dict[str, str | float]:
    found: dict[str, str | float] = {}
    for keyword in _NUMBERS:
        value = number(header, keyword)
        if value is not None:
            found[keyword] = value
    for keyword in _TEXTS:
        shown = "\\".join(texts(header, keyword))
        if shown:
            found[keyword] = shown
    return found
