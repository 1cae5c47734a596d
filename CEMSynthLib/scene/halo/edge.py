"""Skin edge by hand: the edge that was found as an open curve whose points the user drags, and back to a mask."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.shapes import Polygon, inside
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.halo.contours import contour_lines, runs
from CEMSynthLib.study.mask import BreastMask
from CEMSynthLib.study.model import Mask, Side

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsCurveNode, vtkMRMLScalarVolumeNode

FloatArray = NDArray[np.float64]

#: Points of the curve at first: one for each centimeter or so of a breast of 15 cm.
POINTS = 40
# Ends of the curve this close to the upper or lower border (part of the rows) belong to it; pixels this close to the
# chest-wall border (part of the columns) are no skin, as in `CEMSynthLib.study.mask.skin_edge`.
_BORDER = 0.02
# Longest side of the grid that the outline is traced on.
_TRACED = 1024


@dataclass(frozen=True, eq=False)
class SkinCurve:
    """A skin edge drawn by hand.

    Parameters
    ----------
    points
        (row, column) in pixels along the drawn curve, from one end to the other, shape (n, 2).
    chest_wall
        The border that the breast lies at.
    shape
        Rows and columns of the image.
    """

    points: FloatArray
    chest_wall: Side
    shape: tuple[int, int]

    def breast(self) -> BreastMask:
        """The breast that the curve bounds.

        Raises
        ------
        SceneError
            The curve encloses next to nothing.
        """
        rows, columns = self.shape
        wall = -1.0 if self.chest_wall is Side.LEFT else float(columns)
        ends = [_end(row, rows) for row in (self.points[0, 0], self.points[-1, 0])]
        first, last = self.points[0], self.points[-1]
        corners = [(first[1], ends[0]), *((c, r) for r, c in self.points), (last[1], ends[1])]
        corners += [(wall, ends[1]), (wall, ends[0])]
        polygon = Polygon(tuple((float(x), float(y)) for x, y in corners))
        mask: Mask = inside(polygon, (0, rows), (0, columns), (1.0, 1.0))
        if mask.sum() < 0.01 * mask.size:
            raise SceneError("The corrected skin edge encloses next to nothing; drag its points back or remove it.")
        return BreastMask(mask, self.chest_wall)


def skin_path(breast: BreastMask) -> FloatArray:
    """The skin edge of a mask as one line.

    Parameters
    ----------
    breast
        The breast.

    Returns
    -------
    ndarray, shape (n, 2)
        (row, column) in pixels, from the top of the image to the bottom; the longest stretch of the outline that lies
        on no border.

    Raises
    ------
    SceneError
        There is none.
    """
    mask = breast.mask
    factor = max(1, round(max(mask.shape) / _TRACED))
    rows, columns = mask.shape
    best = np.empty((0, 2))
    for line in contour_lines(np.pad(mask[::factor, ::factor], 1).astype(np.uint8), 0.5):
        path = (line[:-1] - 1.0) * factor
        wall = path[:, 1] if breast.chest_wall is Side.LEFT else columns - 1 - path[:, 1]
        free = (wall > max(factor, _BORDER * columns)) & (path[:, 0] > factor) & (path[:, 0] < rows - 1 - factor)
        front = columns - 1 - wall
        free &= front > factor
        if free.any() and not free.all():
            start = int(np.flatnonzero(~free)[0])
            path, free = np.roll(path, -start, axis=0), np.roll(free, -start)
        for piece in runs(free):
            if len(piece) > len(best):
                best = path[piece]
    if len(best) < POINTS:
        raise SceneError("No skin edge is seen that could be corrected.")
    return best if best[0, 0] <= best[-1, 0] else best[::-1]


def curve_points(path: FloatArray, count: int = POINTS) -> FloatArray:
    """Points at even distances along a line, both ends among them."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    wanted = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(wanted, along, path[:, axis]) for axis in (0, 1)], axis=1)


def write_skin_curve(node: "vtkMRMLMarkupsCurveNode", breast: BreastMask, low: "vtkMRMLScalarVolumeNode") -> None:
    """Lay a curve node along the skin edge of a mask."""
    sx, sy, _ = low.GetSpacing()
    node.SetAttribute(names.CHEST_WALL, breast.chest_wall.value)
    node.SetCurveTypeToLinear()
    was = node.StartModify()
    node.RemoveAllControlPoints()
    for row, column in curve_points(skin_path(breast)):
        node.AddControlPointWorld(-column * sx, -row * sy, 0.0)
    node.EndModify(was)


def read_skin_curve(
    node: "vtkMRMLMarkupsCurveNode", low: "vtkMRMLScalarVolumeNode", shape: tuple[int, int]
) -> SkinCurve:
    """The curve that a node draws.

    Raises
    ------
    SceneError
        It has too few points or does not say where the chest wall is.
    """
    from vtk.util.numpy_support import vtk_to_numpy

    side = next((side for side in Side if side.value == node.GetAttribute(names.CHEST_WALL)), None)
    drawn = node.GetCurvePointsWorld()
    if side is None or drawn is None or drawn.GetNumberOfPoints() < 3:
        raise SceneError(f"{node.GetName()} is no skin edge any more; remove it and correct the edge again.")
    sx, sy, _ = low.GetSpacing()
    points = vtk_to_numpy(drawn.GetData()).astype(np.float64)
    path = np.stack([-points[:, 1] / sy, -points[:, 0] / sx], axis=1)
    return SkinCurve(path if path[0, 0] <= path[-1, 0] else path[::-1], side, shape)


def _end(row: float, rows: int) -> float:
    """Where a curve that ends near the upper or lower border ends: on it."""
    if row < _BORDER * rows:
        return -1.0
    return float(rows) if row > (1.0 - _BORDER) * (rows - 1) else float(row)
