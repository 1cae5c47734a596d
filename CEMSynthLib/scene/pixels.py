"""Pixels: the image of a volume node of one slice as an array."""

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


def pixels_of(volume: "vtkMRMLScalarVolumeNode") -> NDArray[Any] | None:
    """The pixels as VTK holds them: a view, to be read only.

    Returns
    -------
    ndarray of shape (rows, columns) or None
        ``None`` where the node holds no image of one slice.
    """
    from vtk.util.numpy_support import vtk_to_numpy

    image = volume.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return None
    columns, rows, slices = image.GetDimensions()
    if slices != 1:
        return None
    pixels: NDArray[Any] = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns)
    return pixels
