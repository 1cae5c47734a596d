"""Pixels: the images of an acquisition as arrays, without a copy, with their spacing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    """

    kind: ImageKind
    values: NDArray[Any]
    spacing_mm: tuple[float, float] | None
    version: int


def images_of(volumes: AcquisitionVolumes | None) -> list[ImagePixels]:
    """The images that an acquisition has, in the order LE, clinical, synthetic."""
    if volumes is None:
        return []
    nodes = (volumes.low_energy, volumes.recombined, volumes.synthetic)
    found = []
    for kind, node in zip(SHOWN_KINDS, nodes, strict=True):
        # A node that was deleted by hand is still there for Python, but in no scene.
        pixels = _pixels(kind, node) if node is not None and node.GetScene() is not None else None
        if pixels is not None:
            found.append(pixels)
    return found


def _pixels(kind: ImageKind, node: "vtkMRMLScalarVolumeNode") -> ImagePixels | None:
    values = pixels_of(node)
    if values is None:
        return None
    image = node.GetImageData()
    column, row, _ = node.GetSpacing()
    known = node.GetAttribute(names.SPACING_KNOWN) == "yes"
    version = max(image.GetMTime(), image.GetPointData().GetScalars().GetMTime())
    return ImagePixels(kind, values, (row, column) if known else None, version)
