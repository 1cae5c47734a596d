"""Volumes: one image is one scalar volume node of one slice, exact pixels, seen unflipped in an Axial slice view.

An image of shape (rows, columns) becomes a volume that `slicer.util.arrayFromVolume` shows as (1, rows, columns), with
IJK to RAS ``diag(-sx, -sy, 1)``: sx the distance of columns, sy of rows in mm, both 1 where the source has no spacing
(then one scene unit is one pixel).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.scene.attributes import SPACING_KNOWN, WINDOW, WINDOW_FUNCTION, window_text
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.study.model import PixelGrid, VOIWindow

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene

_GREY = "vtkMRMLColorTableNodeGrey"


def compact(pixels: NDArray[Any]) -> NDArray[Any]:
    """Cast to the smallest pixel type that holds every value exactly.

    Parameters
    ----------
    pixels
        Real numbers, any shape.

    Returns
    -------
    ndarray of uint16, int16 or float32, C-contiguous
        float32 where a value is not whole, not finite or out of range.
    """
    values = np.asarray(pixels)
    if values.size and np.isfinite(values).all() and (np.rint(values) == values).all():
        low, high = float(values.min()), float(values.max())
        for kind in (np.uint16, np.int16):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return np.ascontiguousarray(values, dtype=kind)
    return np.ascontiguousarray(values, dtype=np.float32)


def add_volume(
    scene: "vtkMRMLScene",
    name: str,
    pixels: NDArray[Any],
    grid: PixelGrid,
    window: VOIWindow,
    attributes: Mapping[str, str],
) -> "vtkMRMLScalarVolumeNode":
    """Add one image to a scene, with its display node.

    Parameters
    ----------
    scene
        The scene.
    name
        Node name; a number is appended where the scene has it already.
    pixels
        Shape (rows, columns).
    grid
        Matrix and spacing.
    window
        What the display shows as black and white at first.
    attributes
        Names of `CEMSynthLib.scene.attributes` and their values.

    Returns
    -------
    vtkMRMLScalarVolumeNode
        Complete: nothing is added to the scene before the pixels are in it.

    Raises
    ------
    SceneError
        The pixels do not have the grid's shape.
    """
    import slicer

    node = slicer.vtkMRMLScalarVolumeNode()
    set_image(node, pixels, grid)
    node.SetName(scene.GenerateUniqueName(name) if scene.GetFirstNodeByName(name) else name)
    for key, value in attributes.items():
        node.SetAttribute(key, value)
    node.SetAttribute(SPACING_KNOWN, "no" if grid.spacing_mm is None else "yes")
    node = scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    if scene.GetNodeByID(_GREY) is not None:
        display.SetAndObserveColorNodeID(_GREY)
    set_window(node, window)
    return node


def set_image(node: "vtkMRMLScalarVolumeNode", pixels: NDArray[Any], grid: PixelGrid) -> None:
    """Give a volume node pixels and geometry, in place of what it has.

    Parameters
    ----------
    node
        In a scene or not.
    pixels
        Shape (rows, columns); copied.
    grid
        Matrix and spacing.

    Raises
    ------
    SceneError
        The pixels do not have the grid's shape.
    """
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    values = compact(pixels)
    if values.shape != grid.shape:
        raise SceneError(f"The image has the shape {values.shape}, its grid {grid.shape}; read the study again.")
    image = vtk.vtkImageData()
    image.SetDimensions(grid.columns, grid.rows, 1)
    scalars = numpy_to_vtk(values.ravel(), deep=True)
    scalars.SetName("ImageScalars")
    image.GetPointData().SetScalars(scalars)
    row, column = grid.spacing_mm or (1.0, 1.0)
    matrix = vtk.vtkMatrix4x4()
    for axis, value in enumerate((-column, -row, 1.0)):
        matrix.SetElement(axis, axis, value)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(image)


def set_window(node: "vtkMRMLScalarVolumeNode", window: VOIWindow) -> None:
    """Show a volume with a window, and keep the window as the one to come back to."""
    node.SetAttribute(WINDOW, window_text(window))
    node.SetAttribute(WINDOW_FUNCTION, window.function)
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(window.low, window.high)
