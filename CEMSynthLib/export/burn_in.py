"""Burn-in: the notice "SYNTHETIC - not for diagnosis", or a scale bar, drawn into the pixels of an image."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from CEMSynthLib.export.provenance import NOTICE
from CEMSynthLib.study.model import VOIWindow

#: Scale bars are one of these; the longest that is at most a quarter of the image's width.
BAR_LENGTHS_MM = (1, 2, 5, 10, 20, 50)
_SMALLEST_FONT = 6.0


def burn_notice(picture: Image.Image, text: str = NOTICE) -> None:
    """Draw a text in white on black across the top of a picture, over its full width if need be.

    Parameters
    ----------
    picture
        8-bit gray, changed in place.
    text
        What to draw.
    """
    label = _label(text, picture.height / 40, 0.96 * picture.width)
    picture.paste(label, ((picture.width - label.width) // 2, 0))


def with_notice(values: NDArray[np.floating], window: VOIWindow, text: str = NOTICE) -> NDArray[np.float32]:
    """Draw a text into an image that keeps its units: black and white are the ends of the window.

    Parameters
    ----------
    values
        Modality units, shape (rows, columns); not changed.
    window
        The window that the image is shown with.
    text
        What to draw across the top.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        The values, but for the box of the text.
    """
    rows, columns = values.shape
    label = np.asarray(_label(text, rows / 40, 0.96 * columns), dtype=np.float64) / 255
    marked = np.array(values, dtype=np.float32)
    height, width = min(rows, label.shape[0]), min(columns, label.shape[1])
    first = (columns - width) // 2
    marked[:height, first : first + width] = window.low + label[:height, :width] * (window.high - window.low)
    return marked


def draw_scale_bar(picture: Image.Image, spacing_mm: tuple[float, float]) -> float:
    """Draw a horizontal scale bar with its length into the darker of the two lower corners.

    Parameters
    ----------
    picture
        8-bit gray, changed in place.
    spacing_mm
        (row, column) distance of pixel centers in the detector plane.

    Returns
    -------
    float
        Length of the bar in mm; 0 where the image is too narrow for any.
    """
    lengths = [mm for mm in BAR_LENGTHS_MM if mm / spacing_mm[1] <= picture.width / 4]
    if not lengths:
        return 0.0
    length = lengths[-1]
    bar = round(length / spacing_mm[1])
    label = _label(f"{length} mm", picture.height / 50, picture.width / 3)
    thick = max(1, picture.height // 300)
    box = Image.new("L", (max(bar, label.width) + 4 * thick, label.height + 4 * thick), 0)
    box.paste(label, ((box.width - label.width) // 2, 0))
    left, top = (box.width - bar) // 2, label.height + thick
    ImageDraw.Draw(box).rectangle([left, top, left + bar - 1, top + thick - 1], fill=255)
    pixels, y = np.asarray(picture), picture.height - box.height
    corners = (0, picture.width - box.width)
    x = min(corners, key=lambda x: float(pixels[y:, x : x + box.width].mean()))
    picture.paste(box, (x, y))
    return float(length)


def _label(text: str, size: float, width: float) -> Image.Image:
    """White text on black, at most ``width`` pixels wide if its letters can still be read then."""
    size = max(8.0, size)
    while True:
        font = ImageFont.load_default(size=size)
        left, top, right, bottom = font.getbbox(text)
        if right - left <= width or size <= _SMALLEST_FONT:
            break
        size *= 0.9
    margin = (bottom - top) * 0.4
    label = Image.new("L", (round(right - left + 2 * margin), round(bottom - top + 2 * margin)), 0)
    ImageDraw.Draw(label).text((margin - left, margin - top), text, fill=255, font=font)
    return label
