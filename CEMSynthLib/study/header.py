"""Header: one DICOM file's header opened safely, and its values as text or numbers that may be missing or damaged."""

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.pydicom_api import implicit_and_little

# What pydicom and its decoders raise on damaged or unsupported data (no common base type).
DECODING_ERRORS = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OSError, EOFError, MemoryError,
    NotImplementedError, AssertionError, OverflowError, struct.error, zlib.error, BytesLengthException,
    RecursionError,
)  # fmt: skip
# Larger elements than this stay in the file while headers are read.
_DEFER_BYTES = 4096
_DEFLATED = b"1.2.840.10008.1.2.1.99"
# A deflated data set may grow to this many bytes: an image of 64 million pixels with 16 bits and its header. A file
# of 1 MB could grow to 1 GB.
_INFLATED_LIMIT = 160_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Preamble and "DICM"; where group 0002 is looked for; VRs with a length of four bytes (PS3.5 7.1.2).
_PREAMBLE = 132
_META_BYTES = 8192
_LONG_VR = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")


def is_dicom(path: Path) -> bool:
    """Tell by content: "DICM" after the preamble, or a data set that begins with group 0002 or 0008 without one."""
    with path.open("rb") as file:
        head = file.read(132)
    if head[128:] == b"DICM":
        return True
    # A bare data set: group 0002 or 0008, element 0000-00FF, then a VR or a short length.
    return len(head) == 132 and head[:2] in (b"\x02\x00", b"\x08\x00") and head[3] == 0 and head[6:8] != b"\xff\xff"


def open_header(path: Path) -> FileDataset:
    """Read a header; pixel data stay in the file (except in a deflated one, which is read whole).

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    FileDataset
        With a Transfer Syntax UID, also where the file has none.

    Raises
    ------
    UnreadableImageError
        A deflated file that grows beyond all measure.
    InvalidDicomError
        No SOP Class UID: not a DICOM image.
    """
    # pydicom would look for what it defers at the inflated place in the deflated file.
    defer = None if check_deflated(path) else _DEFER_BYTES
    dataset = pydicom.dcmread(path, defer_size=defer, force=True)
    complete_syntax(dataset)
    if "SOPClassUID" not in dataset:
        media = dataset.file_meta.get("MediaStorageSOPClassUID")
        if not media:
            raise InvalidDicomError
        dataset.SOPClassUID = media  # some exports keep it in the file meta information only
    return dataset


def complete_syntax(dataset: FileDataset) -> None:
    """Set the Transfer Syntax UID that the file was found to have, where it names none."""
    if not dataset.file_meta.get("TransferSyntaxUID"):
        implicit, little = implicit_and_little(dataset)
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


def check_deflated(path: Path) -> bool:
    """Tell whether a data set is deflated, and refuse a bomb before pydicom inflates it whole."""
    with path.open("rb") as file:
        head = file.read(_META_BYTES)
        end = _meta_end(head)
        if _DEFLATED not in head[:end]:
            return False
        file.seek(end)
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        total = 0
        while not inflate.eof and (block := inflate.unconsumed_tail or file.read(65536)):
            total += len(inflate.decompress(block, 1 << 20))
            if total > _INFLATED_LIMIT:
                raise UnreadableImageError(
                    f"{path.name} is deflated and would grow beyond {_INFLATED_LIMIT // 10**6} MB, "
                    "far more than a mammogram; it is not opened."
                )
    return True


def _meta_end(head: bytes) -> int:
    """Where the elements of group 0002 end, which are explicit little endian; their announced length may be wrong."""
    place = _PREAMBLE if head[128:132] == b"DICM" else 0
    while head[place : place + 2] == b"\x02\x00" and place + 12 <= len(head):
        long = head[place + 4 : place + 6] in _LONG_VR
        size = struct.unpack_from("<I", head, place + 8)[0] if long else struct.unpack_from("<H", head, place + 6)[0]
        place += (12 if long else 8) + size
    return place


def value(dataset: Dataset, keyword: str) -> object:
    """The value of an attribute; ``None`` where it is missing, empty or damaged."""
    try:
        found = dataset.get(keyword)
    except DECODING_ERRORS:
        return None
    return None if found is None or found == "" else found


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """All values of an attribute as stripped text; empty where there is none.

    Control characters tell of a damaged length that has swallowed the attributes behind, the patient's name perhaps
    among them; such a value counts as missing, so that no message shows it.
    """
    found = value(dataset, keyword)
    if found is None:
        return []
    values = list(found) if isinstance(found, (MultiValue, list, tuple)) else [found]
    stripped = ["" if v is None else str(v).strip(" \0\t\r\n") for v in values]
    if not any(stripped) or any(_CONTROL.search(v) for v in stripped):
        return []
    return stripped


def text(dataset: Dataset, keyword: str) -> str:
    """The first value of an attribute as stripped text; empty where there is none."""
    found = texts(dataset, keyword)
    return found[0] if found else ""


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """All values of an attribute that are finite numbers."""
    found = []
    for part in texts(dataset, keyword):
        try:
            number = float(part)
        except ValueError:
            continue
        if np.isfinite(number):
            found.append(number)
    return found


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value of an attribute as a finite number, else ``None``."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def whole(dataset: Dataset, keyword: str, default: int) -> int:
    """The first value of an attribute as a whole number, else ``default``."""
    found = number(dataset, keyword)
    return default if found is None else int(found)


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; empty where it is missing or no sequence."""
    found = value(dataset, keyword)
    return [item for item in found if isinstance(item, Dataset)] if isinstance(found, pydicom.Sequence) else []
