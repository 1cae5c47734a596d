"""Pixels: the images of an acquisition as arrays, without a copy, with their spacing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import SHOWN_KINDS, AcquisitionVolumes
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
        if node is not None and node.GetScene() is not None and node.GetImageData() is not None:
            found.append(_pixels(kind, node))
    return found


def _pixels(kind: ImageKind, node: "vtkMRMLScalarVolumeNode") -> ImagePixels:
    from vtk.util.numpy_support import vtk_to_numpy

    image = node.GetImageData()
    columns, rows, _ = image.GetDimensions()
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(-1, columns)[:rows]
    column, row, _ = node.GetSpacing()
    known = node.GetAttribute(names.SPACING_KNOWN) == "yes"
    version = max(image.GetMTime(), image.GetPointData().GetScalars().GetMTime())
    return ImagePixels(kind, np.asarray(values), (row, column) if known else None, version)
