"""Halo drawing: distance lines, and the skin edge colored by the step of each sector, over the images.

Line models in the plane of the image, projected into the slice views. They are made again in no time, so they are not
saved with the scene.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.halo import HaloResult
from CEMSynthLib.scene.halo import nodes as roles
from CEMSynthLib.scene.halo.edge import curve_points, skin_path
from CEMSynthLib.scene.halo.measurement import HaloMeasurement
from CEMSynthLib.scene.halo.tables import LINE_COLORS
from CEMSynthLib.study.mask import BreastMask
from CEMSynthLib.study.model import ImageKind, Side

if TYPE_CHECKING:
    from slicer import vtkMRMLModelNode, vtkMRMLScene

FloatArray = NDArray[np.float64]

#: Nine colors of viridis, dark to bright; read alike by color-blind readers and in gray.
SECTOR_COLORS = (
    (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129), (92, 200, 99),
    (170, 220, 50), (253, 231, 37),
)  # fmt: skip
_COLOR_COUNT = 64
_MODEL, _COLOR_TABLE = "vtkMRMLModelNode", "vtkMRMLColorTableNode"
_ARRAY = "step"
# A point of the colored skin edge for so many of its pixels.
_POINT_EVERY = 6


def draw_lines(scene: "vtkMRMLScene", measured: HaloMeasurement) -> None:
    """Make the distance lines of an acquisition, in place of older ones."""
    key, name = measured.input.key, measured.input.name
    roles.remove_nodes(scene, key, roles.DISTANCE, _MODEL)
    for line, color in zip(measured.lines, LINE_COLORS, strict=False):
        if line.pieces:
            role = f"{roles.DISTANCE} {line.distance:g}"
            node = _model(scene, key, role, f"{name} {line.distance:g} {line.unit} behind the skin")
            node.SetAndObservePolyData(_poly_data(line.pieces, measured.input.spacing_mm))
            node.GetDisplayNode().SetColor(*color)
            node.GetDisplayNode().SetSliceIntersectionThickness(2)


def draw_sectors(scene: "vtkMRMLScene", measured: HaloMeasurement, units: str) -> None:
    """Color the skin edge by the step of each sector, for each image, all by one scale with a legend in the view.

    Parameters
    ----------
    scene
        The scene.
    measured
        The measurement.
    units
        Of the image, in words.
    """
    key, name = measured.input.key, measured.input.name
    roles.remove_nodes(scene, key, roles.SECTORS, _MODEL)
    top = sector_scale(measured)
    if top is None:
        return
    colors = _colors(scene, key, f"{name} halo step")
    path = skin_path(measured.breast)
    # Without the steps of the pixels.
    path = curve_points(path, max(2, len(path) // _POINT_EVERY))
    sectors = sectors_of(path, measured.breast, measured.input.spacing_mm)
    results = {ImageKind.RECOMBINED: measured.clinical, ImageKind.SYNTHETIC: measured.synthetic}
    for kind, result in results.items():
        if result is None or not result.sectors:
            continue
        pieces = _pieces(path, sectors, result)
        label = f"{'SYNTHETIC ' if kind is ImageKind.SYNTHETIC else ''}{name} halo step by sector"
        node = _model(scene, key, f"{roles.SECTORS} {kind.value}", label)
        data = _poly_data([piece for piece, _ in pieces], measured.input.spacing_mm)
        _color_cells(data, [step for _, step in pieces])
        node.SetAndObservePolyData(data)
        display = node.GetDisplayNode()
        display.SetSliceIntersectionThickness(6)
        display.SetActiveScalar(_ARRAY, 1)  # vtkDataObject::CELL: of the attribute's place
        display.SetAndObserveColorNodeID(colors.GetID())
        display.SetScalarRangeFlag(display.UseManualScalarRange)
        display.SetScalarRange(0.0, top)
        display.SetScalarVisibility(True)
        _add_legend(scene, node, f"step ({units})", measured.breast.chest_wall)


def sector_scale(measured: HaloMeasurement) -> float | None:
    """The step shown by the brightest color: the largest of any sector, at least twice the threshold."""
    results = [r for r in (measured.clinical, measured.synthetic) if r is not None]
    steps = [s.step for r in results for s in r.sectors if s.step is not None]
    return max(*steps, 2.0 * results[0].threshold, 1e-9) if steps else None


def sectors_of(path: FloatArray, breast: BreastMask, spacing_mm: tuple[float, float] | None) -> NDArray[np.float64]:
    """The angle of each point of a line as `HaloSector.angles_degrees` counts it: -90 up, 0 to the front.

    Parameters
    ----------
    path
        (row, column), shape (n, 2).
    breast
        The breast.
    spacing_mm
        (row, column) spacing or ``None``.
    """
    spacing = spacing_mm or (1.0, 1.0)
    rows = np.flatnonzero(breast.mask.any(axis=1))
    column = path[:, 1] if breast.chest_wall is Side.LEFT else breast.mask.shape[1] - 1 - path[:, 1]
    y = (path[:, 0] - (rows[0] + rows[-1]) / 2) * spacing[0]
    return np.asarray(np.degrees(np.arctan2(y, np.maximum(column * spacing[1], 1e-9))))


def _pieces(path: FloatArray, angles: FloatArray, result: HaloResult) -> list[tuple[FloatArray, float]]:
    """The stretch of the skin of each sector with its step; sectors that are not seen are left out."""
    found = []
    for sector in result.sectors:
        low, high = sector.angles_degrees
        inside = np.flatnonzero((angles >= low) & (angles < high))
        if sector.step is None or inside.size < 2:
            continue
        for run in np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1):
            # One point of the next sector, so that the line has no gaps.
            stretch = path[run[0] : min(run[-1] + 2, len(path))]
            if len(stretch) > 1:
                found.append((stretch, max(0.0, sector.step)))
    return found


def _model(scene: "vtkMRMLScene", key: str, role: str, name: str) -> "vtkMRMLModelNode":
    node = roles.ensure_node(scene, key, role, _MODEL, name, temporary=True)
    node.SetSelectable(False)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    # Hidden until it is tied to slice views, never in a 3-D view.
    display.SetVisibility(False)
    display.SetVisibility3D(False)
    display.SetVisibility2D(True)
    # A line in the plane of the slice has no intersection with it that could be seen.
    display.SetSliceDisplayModeToProjection()
    return node


def _poly_data(pieces: Sequence[FloatArray], spacing_mm: tuple[float, float] | None) -> Any:
    """Lines in RAS."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    sy, sx = spacing_mm or (1.0, 1.0)
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    stacked = np.concatenate([*pieces, np.empty((0, 2))])
    world = np.stack([-stacked[:, 1] * sx, -stacked[:, 0] * sy, np.zeros(len(stacked))], axis=1)
    points.SetData(numpy_to_vtk(world, deep=True))
    first = 0
    for piece in pieces:
        cells.InsertNextCell(len(piece))
        for i in range(first, first + len(piece)):
            cells.InsertCellPoint(i)
        first += len(piece)
    data = vtk.vtkPolyData()
    data.SetPoints(points)
    data.SetLines(cells)
    return data


def _add_legend(scene: "vtkMRMLScene", node: "vtkMRMLModelNode", title: str, chest_wall: Side) -> None:
    """A color legend in the slice views of the model, as `vtkSlicerColorLogic` would add it."""
    import slicer

    legend = slicer.vtkMRMLColorLegendDisplayNode()
    legend.SetSaveWithScene(False)
    legend.SetVisibility(False)
    legend = scene.AddNode(legend)
    display = node.GetDisplayNode()
    legend.SetAndObservePrimaryDisplayNode(display)
    legend.SetAndObserveColorNodeID(display.GetColorNodeID())
    legend.SetTitleText(title)
    legend.SetLabelFormat("%.3g")
    legend.SetNumberOfLabels(3)
    legend.SetMaxNumberOfColors(_COLOR_COUNT)
    # In the air beside the breast, below the label of a synthetic image.
    legend.SetSize(0.12, 0.28)
    legend.SetPosition(0.97 if chest_wall is Side.LEFT else 0.03, 0.88)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetFontSize(12)
        text.SetShadow(False)
    node.AddAndObserveDisplayNodeID(legend.GetID())


def _color_cells(data: Any, steps: Sequence[float]) -> None:
    from vtk.util.numpy_support import numpy_to_vtk

    values = numpy_to_vtk(np.asarray(steps, dtype=np.float64), deep=True)
    values.SetName(_ARRAY)
    data.GetCellData().SetScalars(values)


def _colors(scene: "vtkMRMLScene", key: str, name: str) -> Any:
    node = roles.ensure_node(scene, key, roles.COLORS, _COLOR_TABLE, name)
    node.SetSaveWithScene(False)
    node.SetTypeToUser()
    node.SetNumberOfColors(_COLOR_COUNT)
    anchors = np.asarray(SECTOR_COLORS) / 255.0
    places = np.linspace(0, len(anchors) - 1, _COLOR_COUNT)
    for i, place in enumerate(places):
        low = min(math.floor(place), len(anchors) - 2)
        red, green, blue = anchors[low] + (place - low) * (anchors[low + 1] - anchors[low])
        node.SetColor(i, f"{i}", float(red), float(green), float(blue), 1.0)
    return node
