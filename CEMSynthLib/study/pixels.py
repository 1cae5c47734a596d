"""Pixels: one frame of a DICOM file to modality units; cut-off, damaged or undecodable data are an error in words."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import UID, RLELossless

from CEMSynthLib.study.codestream import announced_shape
from CEMSynthLib.study.decoder_process import decode_apart
from CEMSynthLib.study.decoders import advice, plugin_of
from CEMSynthLib.study.encoding import PixelEncoding
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.functional_groups import frame_count
from CEMSynthLib.study.header import DECODING_ERRORS, check_deflated, complete_syntax, whole
from CEMSynthLib.study.model import CEMImage, FloatImage
from CEMSynthLib.study.pydicom_api import compressed_frame, stored_values, unread_element
from CEMSynthLib.study.quiet import quiet

_UNDEFINED_LENGTH = 0xFFFFFFFF
# The worst case of RLE is one byte more for 128 (PS3.5 G.3.1), and a header of 64 bytes.
_RLE_GROWTH, _RLE_HEADER = 1.02, 4096
# Reading is bound by the disk and by numpy, which lets other threads run.
_THREADS = 4


def check_length(dataset: Dataset, path: Path) -> None:
    """Check from the header that all pixel data are in the file, without reading them.

    Parameters
    ----------
    dataset
        Read with ``defer_size``, so that Pixel Data (7FE0,0010) is there with its place and length only.
    path
        The file.

    Raises
    ------
    UnreadableImageError
        No pixel data, or fewer bytes than the frames need, or fewer than the element announces.
    """
    name = path.name
    if "PixelData" not in dataset:
        raise UnreadableImageError(f"{name} holds no pixel data: it is no image or its end is missing; copy it again.")
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        return
    pixels = whole(dataset, "Rows", 0) * whole(dataset, "Columns", 0) * frame_count(dataset)
    needed = pixels * whole(dataset, "BitsAllocated", 0) // 8
    element = unread_element(dataset, "PixelData")
    if isinstance(element, RawDataElement):
        announced = element.length
        there = len(element.value) if element.value is not None else path.stat().st_size - element.value_tell
    else:
        announced = there = len(element.value) if element is not None and element.value is not None else 0
    if announced == _UNDEFINED_LENGTH:
        announced = there
    found = min(announced, there)
    if found < needed:
        raise UnreadableImageError(
            f"{name} is cut short: {found} of {needed} bytes of pixel data are there; copy it again from its source."
        )


def load_dicom_pixels(path: Path, encoding: PixelEncoding, shape: tuple[int, int], frame: int = 0) -> FloatImage:
    """Read one frame of a DICOM file.

    Parameters
    ----------
    path
        The file.
    encoding
        From `encoding_of`.
    shape
        Rows and columns that the header gave.
    frame
        Index of the frame, from 0.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Modality units, polarity normalized.

    Raises
    ------
    UnreadableImageError
        The file is gone, cut short or damaged, or no decoder for its compression is installed.
    """
    try:
        with quiet():
            check_deflated(path)
            dataset = pydicom.dcmread(path, force=True)
            complete_syntax(dataset)
            hint = advice(dataset.file_meta.TransferSyntaxUID, encoding.bits_stored)
            if hint:
                raise UnreadableImageError(f"The pixels of {path.name} cannot be read. {hint}")
            check_length(dataset, path)
            stored = _stored(dataset, path.name, encoding, shape, frame)
    except UnreadableImageError:
        raise
    except DECODING_ERRORS as error:
        raise UnreadableImageError(
            f"The pixel data of {path.name} cannot be decoded ({type(error).__name__}): they are damaged or of a form "
            "that no installed decoder reads; copy the file again or install all decoders "
            "(pip install 'cemsynth[decoders]')."
        ) from error
    if stored.shape != shape:
        raise UnreadableImageError(
            f"{path.name} changed while it was in use: its matrix is {stored.shape}, not {shape}."
        )
    return encoding.modality_units(stored)


def read_pixels(images: Sequence[CEMImage]) -> list[FloatImage]:
    """Read several images side by side.

    Parameters
    ----------
    images
        E.g. all images of a study.

    Returns
    -------
    list of ndarray of float32
        What `CEMImage.pixels` gives for each, in the same order.

    Raises
    ------
    UnreadableImageError
        The first that cannot be read.
    """
    with ThreadPoolExecutor(max_workers=_THREADS) as threads:
        return list(threads.map(CEMImage.pixels, images))


def _stored(
    dataset: FileDataset, name: str, encoding: PixelEncoding, shape: tuple[int, int], index: int
) -> NDArray[np.integer]:
    """Stored values of one frame."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return stored_values(dataset, index)
    frame = compressed_frame(dataset, index, frame_count(dataset))
    _check_frame(frame, syntax, whole(dataset, "BitsAllocated", 0), shape, name)
    plugin = plugin_of(syntax, encoding.bits_stored)
    if syntax == RLELossless:  # pydicom's own, in Python
        return stored_values(dataset, index, plugin)
    return decode_apart(
        frame, syntax=str(syntax), plugin=plugin, rows=shape[0], columns=shape[1], samples_per_pixel=1,
        number_of_frames=1, bits_allocated=whole(dataset, "BitsAllocated", 16), bits_stored=encoding.bits_stored,
        pixel_representation=int(encoding.signed), photometric_interpretation="MONOCHROME2", pixel_keyword="PixelData",
    )  # fmt: skip


def _check_frame(frame: bytes, syntax: UID, bits_allocated: int, shape: tuple[int, int], name: str) -> None:
    """Compare a compressed frame's own size with the header's before a decoder gives it memory."""
    if syntax == RLELossless:
        needed = shape[0] * shape[1] * bits_allocated // 8
        if len(frame) > needed * _RLE_GROWTH + _RLE_HEADER:
            raise UnreadableImageError(f"The pixel data of {name} are damaged: they are longer than RLE ever is.")
        return
    announced = announced_shape(frame)
    if announced != shape:
        held = "no frame that can be known" if announced is None else f"{announced[0]} x {announced[1]} pixels"
        raise UnreadableImageError(
            f"The pixel data of {name} are damaged: they hold {held}, the header says {shape[0]} x {shape[1]}."
        )
