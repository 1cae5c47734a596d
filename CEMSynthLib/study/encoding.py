"""Encoding: how stored values become modality units, brighter = more attenuation or more iodine.

With stored value p, rescale slope m and intercept b: v = m p + b; a turned image is turned before the rescale,
v = m (p_min + p_max - p) + b, where p_min and p_max are the ends of the stored range (PS3.3 C.7.6.3.1.2, C.11.1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.header import number, text, whole
from CEMSynthLib.study.model import FloatImage, VOIWindow

# Stored values of at most this many bits go through a table: exact, and without wide intermediate images.
_TABLE_BITS = 16
# 64 million pixels are 8000 x 8000; the largest detectors have 4096 x 3328, digitized films up to 24 million.
LARGEST_IMAGE = 64_000_000


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
        True where low stored values stand for more attenuation (MONOCHROME1, or a raw image that says so).
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
        stored = np.asarray(stored)
        stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)  # big endian files come as they are
        if stored.dtype.itemsize * 8 > _TABLE_BITS:
            units, padded = self._converted(stored.astype(np.int64))
            if padded is not None and padded.any() and not padded.all():
                units[padded] = units[~padded].min()
            return np.asarray(units, dtype=np.float32)
        codes = stored.view(f"u{stored.dtype.itemsize}")
        table, padded = self._converted(np.arange(2 ** (8 * codes.dtype.itemsize)))
        if padded is not None:
            there = np.bincount(codes.ravel(), minlength=table.size) > 0
            if (there & padded).any() and (there & ~padded).any():
                table[padded] = table[there & ~padded].min()
        return np.asarray(np.take(table.astype(np.float32), codes))

    def _converted(self, stored: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
        values = stored & (2**self.bits_stored - 1)
        if self.signed:
            values = np.where(values > self.stored_range[1], values - 2**self.bits_stored, values)
        turned = sum(self.stored_range) - values if self.inverted else values
        padded = None if self.padding is None else (values >= self.padding[0]) & (values <= self.padding[1])
        return turned * self.slope + self.intercept, padded

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
        Color, a modality LUT, a matrix beyond all measure, or a header that contradicts itself.
    """
    photometric = text(dataset, "PhotometricInterpretation").upper()
    if whole(dataset, "SamplesPerPixel", 1) != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        shown = photometric or "an unknown photometric interpretation"
        raise UnreadableImageError(f"{name} is a color image or screenshot ({shown}), not a grey-level mammogram.")
    if "ModalityLUTSequence" in dataset:
        raise UnreadableImageError(f"{name} needs a modality lookup table, which is not read; export it without one.")
    rows, columns = whole(dataset, "Rows", 0), whole(dataset, "Columns", 0)
    if rows < 1 or columns < 1 or rows * columns > LARGEST_IMAGE:
        raise UnreadableImageError(f"{name} has a damaged header: {rows} rows and {columns} columns.")
    bits, allocated = whole(dataset, "BitsStored", 0), whole(dataset, "BitsAllocated", 0)
    slope, intercept = number(dataset, "RescaleSlope"), number(dataset, "RescaleIntercept")
    slope = 1.0 if slope is None else slope
    if not 1 <= bits <= allocated <= 32 or allocated not in (8, 16, 32) or slope == 0.0:
        raise UnreadableImageError(f"{name} has a damaged header: bits stored {bits} of {allocated}, slope {slope:g}.")
    padding = None
    first, last = number(dataset, "PixelPaddingValue"), number(dataset, "PixelPaddingRangeLimit")
    if first is not None:
        ends = sorted((int(first), int(first if last is None else last)))
        padding = (ends[0], ends[1])
    return PixelEncoding(
        bits_stored=bits,
        signed=whole(dataset, "PixelRepresentation", 0) == 1,
        slope=slope,
        intercept=intercept or 0.0,
        inverted=polarity_of(dataset)[0],
        padding=padding,
    )


def polarity_of(dataset: Dataset) -> tuple[bool, str]:
    """Tell whether the stored values must be turned, and by which attribute.

    Pixel Intensity Relationship Sign (0028,1041) is 1 where higher values stand for more X-rays, that is less
    attenuation (PS3.3 C.8.11.3.1.2). In a raw image (FOR PROCESSING) it says what the values mean, while Photometric
    Interpretation is often left at MONOCHROME2. In an image FOR PRESENTATION only the latter counts.
    """
    sign = number(dataset, "PixelIntensityRelationshipSign")
    if text(dataset, "PresentationIntentType").upper() == "FOR PROCESSING" and sign in (1.0, -1.0):
        return sign == 1.0, f"Pixel Intensity Relationship Sign {sign:g} of a raw image"
    photometric = text(dataset, "PhotometricInterpretation").upper()
    return photometric == "MONOCHROME1", f"Photometric Interpretation {photometric}"
