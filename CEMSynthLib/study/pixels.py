"""Pixels: stored values to modality units, brighter = more attenuation or more iodine; cut-off data are an error.

With stored value p, rescale slope m and intercept b: MONOCHROME2 v = m p + b; MONOCHROME1 is turned before the rescale,
v = m (p_min + p_max - p) + b, where p_min and p_max are the ends of the stored range (PS3.3 C.7.6.3.1.2, C.11.1).
"""

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException

from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.model import FloatImage, VOIWindow

_UNDEFINED_LENGTH = 0xFFFFFFFF
_DEFLATED = "1.2.840.10008.1.2.1.99"
# What pydicom and its decoders raise on damaged or unsupported data (no common base type).
DECODING_ERRORS = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OSError, EOFError, MemoryError,
    struct.error, BytesLengthException,
)  # fmt: skip


@dataclass(frozen=True)
class PixelEncoding:
    """How stored values become modality units.

    Parameters
    ----------
    bits_stored
        1 to 32.
    signed
        Pixel Representation (0028,0103) is 1.
    slope, intercept
        Rescale Slope and Intercept (0028,1053), (0028,1052).
    inverted
        True for MONOCHROME1.
    padding
        Lowest and highest stored value that stand for "no image here" (0028,0120), (0028,0121), or ``None``.
    """

    bits_stored: int
    signed: bool = False
    slope: float = 1.0
    intercept: float = 0.0
    inverted: bool = False
    padding: tuple[int, int] | None = None

    @property
    def stored_range(self) -> tuple[int, int]:
        """Smallest and largest stored value."""
        if self.signed:
            return -(2 ** (self.bits_stored - 1)), 2 ** (self.bits_stored - 1) - 1
        return 0, 2**self.bits_stored - 1

    @property
    def mirror(self) -> float:
        """The constant k with v = k - v', where v' is what the rescale alone, without turning, would give."""
        return self.slope * sum(self.stored_range) + 2 * self.intercept

    def modality_units(self, stored: NDArray[np.integer]) -> FloatImage:
        """Convert stored values.

        Parameters
        ----------
        stored
            Integers, any shape. Bits above ``bits_stored`` (old overlays) are cut off.

        Returns
        -------
        ndarray of float32, same shape
            Modality units. Padding gets the lowest value of the rest, so it is air.
        """
        values = np.asarray(stored).astype(np.int64) & (2**self.bits_stored - 1)
        if self.signed:
            values = np.where(values > self.stored_range[1], values - 2**self.bits_stored, values)
        turned = sum(self.stored_range) - values if self.inverted else values
        units = turned * self.slope + self.intercept
        if self.padding is not None:
            padded = (values >= self.padding[0]) & (values <= self.padding[1])
            if padded.any() and not padded.all():
                units[padded] = units[~padded].min()
        return np.asarray(units, dtype=np.float32)

    def turned_window(self, window: VOIWindow) -> VOIWindow:
        """Turn a window like the pixels, so that it shows the turned image with black and white exchanged."""
        if not self.inverted:
            return window
        # LINEAR is not symmetric about its center (PS3.3 C.11.2.1.2.1): its middle lies at center - 0.5.
        shift = 1.0 if window.function == "LINEAR" else 0.0
        return VOIWindow(self.mirror - window.center + shift, window.width, window.function)


def encoding_of(dataset: Dataset, name: str) -> PixelEncoding:
    """Read the pixel description of a header.

    Parameters
    ----------
    dataset
        A header; pixel data are not needed.
    name
        File name for messages.

    Raises
    ------
    UnreadableImageError
        Color, several frames, a modality LUT, or a header that contradicts itself.
    """
    photometric = str(dataset.get("PhotometricInterpretation", "")).strip().upper()
    if int(dataset.get("SamplesPerPixel", 1) or 1) != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        shown = photometric or "an unknown photometric interpretation"
        raise UnreadableImageError(f"{name} is a color image or screenshot ({shown}), not a grey-level mammogram.")
    if int(dataset.get("NumberOfFrames", 1) or 1) != 1:
        raise UnreadableImageError(f"{name} holds several frames (a tomosynthesis or a cine), not one mammogram.")
    if "ModalityLUTSequence" in dataset:
        raise UnreadableImageError(f"{name} needs a modality lookup table, which is not read; export it without one.")
    bits = int(dataset.get("BitsStored", 0) or 0)
    allocated = int(dataset.get("BitsAllocated", 0) or 0)
    slope = _number(dataset, "RescaleSlope", 1.0)
    if not 1 <= bits <= allocated <= 32 or allocated not in (8, 16, 32) or slope == 0.0:
        raise UnreadableImageError(f"{name} has a damaged header: bits stored {bits} of {allocated}, slope {slope:g}.")
    signed = int(dataset.get("PixelRepresentation", 0) or 0) == 1
    padding = None
    if dataset.get("PixelPaddingValue") is not None:
        first = int(dataset.PixelPaddingValue)
        last = int(dataset.get("PixelPaddingRangeLimit", first) or first)
        padding = (min(first, last), max(first, last))
    return PixelEncoding(
        bits, signed, slope, _number(dataset, "RescaleIntercept", 0.0), photometric == "MONOCHROME1", padding
    )


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
        No pixel data, or fewer bytes than rows x columns need, or fewer than the element announces.
    """
    name = path.name
    if "PixelData" not in dataset:
        raise UnreadableImageError(f"{name} holds no pixel data: it is no image or its end is missing; copy it again.")
    rows, columns = int(dataset.get("Rows", 0) or 0), int(dataset.get("Columns", 0) or 0)
    if rows < 1 or columns < 1:
        raise UnreadableImageError(f"{name} has a damaged header: {rows} rows and {columns} columns.")
    if dataset.file_meta.TransferSyntaxUID.is_compressed and str(dataset.file_meta.TransferSyntaxUID) != _DEFLATED:
        return
    needed = rows * columns * int(dataset.BitsAllocated) // 8
    element = dataset.get_item("PixelData", keep_deferred=True)
    if isinstance(element, pydicom.dataelem.RawDataElement):
        announced = element.length
        there = announced if element.value is not None else path.stat().st_size - element.value_tell
        if element.value is not None:
            there = len(element.value)
    else:
        announced = there = len(element.value) if element is not None and element.value is not None else 0
    if announced == _UNDEFINED_LENGTH:
        announced = there
    found = min(announced, there)
    if found < needed:
        raise UnreadableImageError(
            f"{name} is cut short: {found} of {needed} bytes of pixel data are there; copy it again from its source."
        )


def load_dicom_pixels(path: Path, encoding: PixelEncoding, shape: tuple[int, int]) -> FloatImage:
    """Read one DICOM file's pixels.

    Parameters
    ----------
    path
        The file.
    encoding
        From `encoding_of`.
    shape
        Rows and columns that the header gave.

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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings can quote a patient name
            dataset = pydicom.dcmread(path, force=True)
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
            check_length(dataset, path)
            stored = dataset.pixel_array
    except UnreadableImageError:
        raise
    except DECODING_ERRORS as error:
        raise UnreadableImageError(
            f"The pixel data of {path.name} cannot be decoded ({type(error).__name__}): they are damaged or "
            "compressed in a way for which no decoder is installed (pip install 'cemsynth[decoders]')."
        ) from error
    if stored.shape != shape:
        raise UnreadableImageError(
            f"{path.name} changed while it was in use: its matrix is {stored.shape}, not {shape}."
        )
    return encoding.modality_units(stored)


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    value = dataset.get(keyword)
    if value is None or value == "":
        return default
    number = float(value)
    return number if np.isfinite(number) else default
