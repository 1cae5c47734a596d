"""Corpus files: what a case of the corpus is, and how its file is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

MAMMOGRAPHY = "1.2.840.10008.5.1.4.1.1.1.2"
RAW_MAMMOGRAPHY = "1.2.840.10008.5.1.4.1.1.1.2.1"
BREAST_PROJECTION = "1.2.840.10008.5.1.4.1.1.13.1.4"
TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ROWS, COLUMNS = 24, 16
STORED = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS)
LOW = ["ORIGINAL", "PRIMARY", "POST_CONTRAST", "", "LOW_ENERGY"]
HIGH = ["ORIGINAL", "PRIMARY", "POST_CONTRAST", "", "HIGH_ENERGY"]
SUBTRACTION = ["DERIVED", "PRIMARY", "POST_CONTRAST", "SUBTRACTION"]
PLAIN = {
    "SOPClassUID": MAMMOGRAPHY, "Modality": "MG", "ImageType": LOW, "PatientName": "Secret^Name", "PatientID": "ID1",
    "StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4.1", "FrameOfReferenceUID": "1.2.3.4.9",
    "AcquisitionDate": "20250102", "AcquisitionTime": "101500", "ImageLaterality": "L", "ViewPosition": "CC",
    "PatientOrientation": ["A", "R"], "ImagerPixelSpacing": [0.1, 0.1], "WindowCenter": 200, "WindowWidth": 400,
    "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsStored": 12, "PixelRepresentation": 0,
    "InstanceNumber": 1,
}  # fmt: skip
#: What the plain header gives. ``pixels`` maps stored to expected values; ``warns`` are parts of warnings, all of them.
ANSWER: Mapping[str, Any] = {
    "kind": "low_energy", "laterality": "L", "view": "CC", "modifiers": "", "spacing": (0.1, 0.1),
    "window": (200.0, 400.0, "LINEAR"), "inverted": False, "chest_wall": "left", "warns": (),
    "pixels": lambda stored: stored.astype(float), "frames": 1, "attributes": {},
}  # fmt: skip

Change = Callable[[FileDataset], None]


@dataclass(frozen=True)
class Case:
    """One file.

    ``answer`` holds what differs from `ANSWER`, or ``refused`` or ``unclassified`` with a part of the reason.
    """

    name: str
    edits: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    stored: np.ndarray = field(default_factory=lambda: STORED)
    change: Change | None = None
    syntax: str = ExplicitVRLittleEndian
    bytes_changed: Callable[[bytes], bytes] | None = None


def code(value: str, meaning: str, modifiers: tuple[Dataset, ...] = ()) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodeMeaning, item.CodingSchemeDesignator = value, meaning, "SCT"
    if modifiers:
        item.ViewModifierCodeSequence = list(modifiers)
    return item


def view(value: str, *modifiers: tuple[str, str]) -> dict[str, Any]:
    return {"ViewPosition": None, "ViewCodeSequence": [code(value, "view", tuple(code(*m) for m in modifiers))]}


def lut(entries: Any, first: int, bits: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor, item.LUTExplanation = [len(entries) % 65536, first, bits], "NORMAL"
    item.add_new(
        0x00283006,
        "US" if isinstance(entries, list) else "OW",
        entries if isinstance(entries, list) else entries.tobytes(),
    )
    return item


def unknown_vr(*keywords: str) -> Change:
    """Write known attributes with the VR UN, as a system does that does not know them."""

    def change(dataset: FileDataset) -> None:
        for keyword in keywords:
            element = dataset[keyword]
            values = element.value if element.VM > 1 else [element.value]
            text = "\\".join(str(v) for v in values)
            dataset[element.tag] = DataElement(element.tag, "UN", (text + " " * (len(text) % 2)).encode())

    return change


def unknown_vr_sequence(raw: bytes) -> bytes:
    """Put in a view code sequence as UN of known length, which holds implicit little endian (PS3.5 6.2.2, note 4)."""
    item = b"\x08\x00\x00\x01" + (10).to_bytes(4, "little") + b"399368009 "
    content = b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item
    pixels = b"\xe0\x7f\x10\x00OW"
    return raw.replace(pixels, b"\x54\x00\x20\x02UN\0\0" + len(content).to_bytes(4, "little") + content + pixels)


def swallowed(raw: bytes) -> bytes:
    """Let Image Type announce all bytes up to Imager Pixel Spacing, over the patient's name."""
    start, end = raw.index(b"CS\x10\x00XX"), raw.index(b"\x18\x00\x64\x11")
    return raw[: start + 2] + (end - start - 4).to_bytes(2, "little") + raw[start + 4 :]


def broken_number(text: bytes) -> Callable[[bytes], bytes]:
    """Replace 123456 in the file by a text of the same length; the case's edit puts it where it belongs."""
    return lambda raw: raw.replace(b"123456", text.ljust(6)[:6])


def groups(*frames: Mapping[str, Any], **shared: Any) -> dict[str, Any]:
    """The functional groups of a Breast Projection X-Ray image (PS3.3 A.74.4)."""

    def macros(content: Mapping[str, Any]) -> Dataset:
        group = Dataset()
        for sequence, attributes in content.items():
            item = Dataset()
            for keyword, value in attributes.items():
                setattr(item, keyword, value)
            setattr(group, sequence, [item])
        return group

    top = dict.fromkeys(
        ("ImageLaterality", "PatientOrientation", "ImagerPixelSpacing", "WindowCenter", "WindowWidth", "ViewPosition",
         "AcquisitionDate", "AcquisitionTime"))  # fmt: skip
    return top | {
        "SOPClassUID": BREAST_PROJECTION,
        "NumberOfFrames": len(frames),
        "ViewCodeSequence": [code("399162004", "cranio-caudal")],
        "SharedFunctionalGroupsSequence": [macros(shared)],
        "PerFrameFunctionalGroupsSequence": [macros(frame) for frame in frames],
    }


SHARED: dict[str, Any] = {
    "FrameAnatomySequence": {"FrameLaterality": "R"},
    "FramePixelDataPropertiesSequence": {"ImagerPixelSpacing": [0.05, 0.05]},
    "PatientOrientationInFrameSequence": {"PatientOrientation": ["P", "L"]},
    "FrameVOILUTSequence": {"WindowCenter": 200, "WindowWidth": 400},
    "PixelValueTransformationSequence": {"RescaleSlope": 2, "RescaleIntercept": 1, "RescaleType": "US"},
}
PROJECTION = {"laterality": "R", "chest_wall": "right", "spacing": (0.05, 0.05), "pixels": lambda p: 2.0 * p + 1}


def typed(frame_type: list[str], **more: Any) -> dict[str, Any]:
    return {"FrameContentSequence": {"FrameAcquisitionDateTime": "20250102101500", **more},
            "XRay3DFrameTypeSequence": {"FrameType": frame_type}}  # fmt: skip


def write(case: Case, path: Path, **more: Any) -> Path:
    """Write the file of a case; ``more`` edits it further."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if case.syntax == RLELossless else case.syntax
    meta.MediaStorageSOPClassUID = case.edits.get("SOPClassUID") or MAMMOGRAPHY
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[case.name])  # the same each time
    implicit, little = case.syntax == ImplicitVRLittleEndian, case.syntax != ExplicitVRBigEndian
    dataset = FileDataset(str(path), {}, b"\0" * 128, meta, is_implicit_VR=implicit, is_little_endian=little)
    bits = case.stored.dtype.itemsize * 8
    attributes = PLAIN | {
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID, "Rows": case.stored.shape[-2],
        "Columns": case.stored.shape[-1], "BitsAllocated": bits,
    } | case.edits | more  # fmt: skip
    attributes.setdefault("HighBit", (attributes["BitsStored"] or bits) - 1)
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.PixelData = case.stored.astype(case.stored.dtype.newbyteorder("<" if little else ">")).tobytes()
    dataset["PixelData"].VR = "OW" if bits == 16 else "OB"
    if case.syntax == RLELossless:
        dataset.compress(RLELossless, generate_instance_uid=False)
    if case.change is not None:
        case.change(dataset)
    dataset.save_as(path)
    if case.bytes_changed is not None:
        path.write_bytes(case.bytes_changed(path.read_bytes()))
    return path
