"""Thumbnails: a small picture of an acquisition, as the text of a data address."""

import base64
import io

from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.model import Acquisition

HEIGHT = 128


def thumbnail(acquisition: Acquisition) -> str:
    """A picture of the clinical image, else of the first one, with its own window.

    Returns
    -------
    str
        ``data:image/jpeg;base64,...``; empty where the image cannot be read.
    """
    from PIL import Image

    image = acquisition.recombined or acquisition.images[0]
    step = max(1, image.grid.rows // HEIGHT)
    try:
        gray = image.window.apply(image.pixels()[::step, ::step])
    except UnreadableImageError:
        return ""
    stream = io.BytesIO()
    Image.fromarray((gray * 255).round().astype("uint8")).save(stream, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
