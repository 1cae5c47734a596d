"""Blinded images: pixels that tell neither by their values nor by their framing how an iodine image was made."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.reading.case_images import ShownImage, ShownView
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.study.model import Acquisition, CEMImage, FloatImage, ImageKind, PixelGrid, VOIWindow

#: What the window that an image begins with shows as black and as white, in the values of the node: a clinical image
#: has whole numbers, a synthetic one fractions, and Slicer shows the value under the mouse.
WINDOW = VOIWindow.from_range(10_000.0, 11_000.0)


@dataclass(frozen=True, eq=False)
class BlindedImage:
    """One image ready to be shown.

    Parameters
    ----------
    label
        ``Low energy`` or ``Iodine image``.
    pixels
        Shape (rows, columns), whole numbers from 0 to 65535: thousandths of the window, plus 10,000.
    """

    label: str
    pixels: NDArray[np.uint16]


def blinded_images(view: ShownView) -> tuple[PixelGrid, list[BlindedImage]]:
    """Read the images of one view, all on one grid.

    Parameters
    ----------
    view
        From `CEMSynthLib.reading.case_images.CaseImages.views`.

    Returns
    -------
    grid, images

    Raises
    ------
    SceneError
        They do not fit on each other.
    CEMSynthLib.study.errors.UnreadableImageError
        Pixels cannot be read.
    """
    first = view.images[0].image
    made = []
    for shown in view.images:
        pixels = _on_first_grid(first, shown.image)
        if pixels.shape != first.grid.shape:
            raise SceneError(f"The images of the view {view.name} do not fit on each other; tell who made the study.")
        made.append(BlindedImage(shown.label, _neutral(pixels, shown)))
    return first.grid, made


def _on_first_grid(first: CEMImage, image: CEMImage) -> FloatImage:
    """A clinical image of an image folder was cropped in its own way, which would tell it from a synthetic one."""
    same = first.grid.shape == image.grid.shape and None not in (first.sop_instance_uid, image.sop_instance_uid)
    if image.kind is not ImageKind.RECOMBINED or first.kind is not ImageKind.LOW_ENERGY or same:
        return image.pixels()
    # Imported here: SimpleITK takes half a second, and DICOM pairs do not need it.
    from CEMSynthLib.study.registration import on_low_energy_grid

    pair = on_low_energy_grid(Acquisition(None, None, low_energy=first, recombined=image))
    if pair.recombined is None:
        raise SceneError("An iodine image does not fit on its low-energy image; tell who made the study.")
    return pair.recombined


def _neutral(pixels: FloatImage, shown: ShownImage) -> NDArray[np.uint16]:
    low, high = shown.window.low, shown.window.high
    span = max(high - low, 1e-6)
    values = np.rint(WINDOW.low + (WINDOW.high - WINDOW.low) * (np.nan_to_num(pixels, nan=low) - low) / span)
    return np.asarray(np.clip(values, 0, 65535), dtype=np.uint16)
