"""Samples: a picture of low energy, recombined and synthetic side by side, to watch a training by eye."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from CEMSynthLib.study.model import FloatImage


def sample_grid(rows: Sequence[tuple[FloatImage, ...]]) -> bytes:
    """Draw one row of images per case.

    Parameters
    ----------
    rows
        Each a tuple of float images in [0, 1] (0 black), all tuples of one length.

    Returns
    -------
    bytes
        An 8-bit gray PNG; images are padded with black to a common size.
    """
    height = max(image.shape[0] for row in rows for image in row)
    width = max(image.shape[1] for row in rows for image in row)
    sheet = np.zeros((len(rows) * (height + 4), len(rows[0]) * (width + 4)), dtype=np.uint8)
    for number, row in enumerate(rows):
        for place, image in enumerate(row):
            top, left = number * (height + 4), place * (width + 4)
            gray = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
            sheet[top : top + image.shape[0], left : left + image.shape[1]] = gray
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, format="PNG")
    return stream.getvalue()
