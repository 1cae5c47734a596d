"""Pixels: the images of an acquisition as arrays, without a copy, with their spacing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import SHOWN_KINDS, AcquisitionVolumes
from CEMSynthLib.scene.pixels import pixels_of
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


@dataclass(frozen=True, eq=False)
class ImagePixels:
    """One image.

    Parameters
    ----------
    kind
        Which image of the acquisition.
    values
        Shape (rows, columns), in pixel values of the volume; shares its memory.
    spacing_mm
        (row, column) spacing in mm; ``None`` where unknown.
    version
        Another number after the pixels have changed.
    windows
        Of a synthetic image whose gray levels have no unit: low and high of the clinical window and of its own one,
        which are laid on each other.
    """

    kind: ImageKind
    values: NDArray[Any]
    spacing_mm: tuple[float, float] | None
    version: int
    windows: tuple[tuple[float, float], tuple[float, float]] | None = None

    def part(self, place: tuple[slice, slice]) -> NDArray[Any]:
        """A part of the image, in the clinical image's units where it has none of its own."""
        values = self.values[place]
        if self.windows is None:
            return values
        clinical, own = self.windows
        # In float32, as the command line does it: the numbers are to be the same.
        scale = (clinical[1] - clinical[0]) / (own[1] - own[0])
        return np.asarray(clinical[0] + scale * (values.astype(np.float32) - own[0]), dtype=np.float32)


def images_of(volumes: AcquisitionVolumes | None) -> list[ImagePixels]:
    """The images that an acquisition has, in the order LE, clinical, synthetic."""
    if volumes is None:
        return []
    nodes = (volumes.low_energy, volumes.recombined, volumes.synthetic)
    found = []
    for kind, node in zip(SHOWN_KINDS, nodes, strict=True):
        # A node that was deleted by hand is still there for Python, but in no scene.
        pixels = None
        if node is not None and node.GetScene() is not None:
            clinical = volumes.recombined if kind is ImageKind.SYNTHETIC else None
            pixels = _pixels(kind, node, _windows(clinical, node) if clinical is not None else None)
        if pixels is not None:
            found.append(pixels)
    return found


def _windows(
    clinical: "vtkMRMLScalarVolumeNode", synthetic: "vtkMRMLScalarVolumeNode"
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    if all(node.GetAttribute(names.UNITS) == names.MODALITY_UNITS for node in (clinical, synthetic)):
        return None
    windows = names.window_of(clinical), names.window_of(synthetic)
    return None if windows[0] is None or windows[1] is None else (windows[0], windows[1])


def _pixels(
    kind: ImageKind,
    node: "vtkMRMLScalarVolumeNode",
    windows: tuple[tuple[float, float], tuple[float, float]] | None,
) -> ImagePixels | None:
    values = pixels_of(node)
    if values is None:
        return None
    image = node.GetImageData()
    column, row, _ = node.GetSpacing()
    known = node.GetAttribute(names.SPACING_KNOWN) == "yes"
    version = max(image.GetMTime(), image.GetPointData().GetScalars().GetMTime())
    return ImagePixels(kind, values, (row, column) if known else None, version, windows)
