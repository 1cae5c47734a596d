"""Pydicom API: what differs between pydicom 3 and pydicom 2.4, which Slicer 5.10 brings.

With pydicom 2.4 uncompressed and RLE images are read; for other compressions `available_plugins` knows nothing.
"""

from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.datadict import add_dict_entry
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

#: Whether this is pydicom 3 or later.
MODERN = int(pydicom.__version__.partition(".")[0]) >= 3

# pydicom 2 knows JPEGLossless under another number, the others not.
JPEG_LOSSLESS = UID("1.2.840.10008.1.2.4.57")
HTJ2K_LOSSLESS, HTJ2K_LOSSLESS_RPCL, HTJ2K = (UID(f"1.2.840.10008.1.2.4.{number}") for number in (201, 202, 203))

if not MODERN:
    # pydicom 2.4 does not know it, and would not write it.
    add_dict_entry(0x0008001C, "CS", "SyntheticData", "Synthetic Data")


def available_plugins(syntax: UID) -> tuple[str, ...]:
    """Names of the installed plugins that decode a transfer syntax."""
    if MODERN:
        from pydicom.pixels.decoders.base import get_decoder

        return tuple(get_decoder(syntax).available_plugins)
    return ("pydicom",) if syntax == RLELossless else ()


def compressed_frame(dataset: Dataset, index: int, count: int) -> bytes:
    """One of ``count`` frames of compressed pixel data, as one piece.

    Raises
    ------
    ValueError
        There is no such frame.
    """
    if MODERN:
        from pydicom.encaps import get_frame

        return bytes(get_frame(dataset.PixelData, index, number_of_frames=count))
    from pydicom.encaps import generate_pixel_data_frame

    for number, frame in enumerate(generate_pixel_data_frame(dataset.PixelData, count)):
        if number == index:
            return bytes(frame)
    raise ValueError(f"there is no frame {index}")


def stored_values(dataset: FileDataset, index: int, plugin: str = "") -> NDArray[np.integer]:
    """Stored values of one frame, uncompressed or RLE.

    Raises
    ------
    Exception
        Whatever pydicom raises where the pixel data are damaged (see `CEMSynthLib.study.header.DECODING_ERRORS`).
    """
    if MODERN:
        from pydicom.pixels.utils import pixel_array

        return np.asarray(pixel_array(dataset, index=index, decoding_plugin=plugin))
    pixels = np.asarray(dataset.pixel_array)
    return pixels[index] if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else pixels


def unread_element(dataset: Dataset, key: str | BaseTag) -> DataElement | RawDataElement | None:
    """An element as it was read, without reading a value that was left in the file."""
    if MODERN:
        return dataset.get_item(key, keep_deferred=True)
    element: DataElement | RawDataElement | None = dataset._dict.get(Tag(key))
    return element


def implicit_and_little(dataset: Dataset) -> tuple[bool | None, bool | None]:
    """Whether a dataset was read with implicit VR, and as little endian."""
    if MODERN:
        return dataset.original_encoding
    return dataset.read_implicit_vr, dataset.read_little_endian


def save(dataset: Dataset, path: Path) -> None:
    """Write a DICOM file with preamble and file meta information.

    Raises
    ------
    OSError
        It cannot be written.
    """
    if MODERN:
        dataset.save_as(path, enforce_file_format=True)
        return
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.is_implicit_VR = syntax == ImplicitVRLittleEndian
    dataset.is_little_endian = syntax != ExplicitVRBigEndian
    dataset.save_as(path, write_like_original=False)
