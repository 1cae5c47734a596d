"""Shapes: rectangle, ellipse, polygon and closed curve in scene units, and which pixel centers lie inside.

Scene units are mm, or pixels where the spacing is unknown; x runs along columns, y along rows, and the center of
pixel (0, 0) is the origin. That is MRML's ``IJK to RAS = diag(-sx, -sy, 1)`` seen in LPS: ``x = column * sx``,
``y = row * sy``.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.errors import RegionError

Points = tuple[tuple[float, float], ...]

#: Edges are compared in pixels with this slack, far above the rounding of ``column * spacing`` (1e-12 pixels) and far
#: below anything drawn by hand, so that a pixel center "on" an edge is always found on it.
EDGE_SLACK_PIXELS = 1e-6

#: Slicer draws this many straight pieces between two control points (vtkMRMLMarkupsCurveNode's default).
CURVE_PIECES = 10

#: Control points of an ellipse that is drawn as a closed curve; the spline through 24 is off by less than 0.003% of the
#: radius.
ELLIPSE_POINTS = 24


@dataclass(frozen=True)
class Rectangle:
    """A rectangle; half-open: its low edges belong to it, its high edges do not.

    Parameters
    ----------
    center
        (x, y) in scene units.
    size
        (width along x, height along y) before the turn, scene units, above 0.
    angle_degrees
        Turn about the center from x toward y (clockwise as displayed).
    """

    center: tuple[float, float]
    size: tuple[float, float]
    angle_degrees: float = 0.0

    def __post_init__(self) -> None:
        _require_size(self.size)


@dataclass(frozen=True)
class Ellipse:
    """An ellipse; a center that lies exactly on the line does not belong to it.

    Parameters
    ----------
    center
        (x, y) in scene units.
    semi_axes
        Half the (width, height) before the turn, scene units, above 0.
    angle_degrees
        Turn about the center from x toward y (clockwise as displayed).
    """

    center: tuple[float, float]
    semi_axes: tuple[float, float]
    angle_degrees: float = 0.0

    def __post_init__(self) -> None:
        _require_size(self.semi_axes)

    def curve(self) -> "ClosedCurve":
        """The closed curve that stands for the ellipse in Slicer, its first point at the end of the first semi-axis."""
        turn = math.radians(self.angle_degrees)
        points = []
        for number in range(ELLIPSE_POINTS):
            angle = 2 * math.pi * number / ELLIPSE_POINTS
            along, across = self.semi_axes[0] * math.cos(angle), self.semi_axes[1] * math.sin(angle)
            x = self.center[0] + along * math.cos(turn) - across * math.sin(turn)
            y = self.center[1] + along * math.sin(turn) + across * math.cos(turn)
            points.append((x, y))
        return ClosedCurve(tuple(points))


@dataclass(frozen=True)
class Polygon:
    """A polygon by the even-odd rule, closed by itself; half-open like the rectangle.

    Parameters
    ----------
    points
        At least three (x, y) in scene units.
    """

    points: Points

    def __post_init__(self) -> None:
        _require_points(self.points)


@dataclass(frozen=True)
class ClosedCurve:
    """Slicer's closed markups curve: a periodic cardinal spline through the control points.

    Parameters
    ----------
    control_points
        At least three (x, y) in scene units.

    Notes
    -----
    vtkCardinalSpline with one unit of parameter for each control point, whatever their distance: a periodic cubic
    spline with continuous second derivative. Slicer replaces it by ten straight pieces for each control point.
    """

    control_points: Points

    def __post_init__(self) -> None:
        _require_points(self.control_points)

    def polygon(self) -> Polygon:
        """The polygon that Slicer draws and measures, ten corners for each control point."""
        knots = np.asarray((*self.control_points, self.control_points[0]), dtype=np.float64)
        # Imported here: it takes half a second, and only curves need it.
        from scipy.interpolate import CubicSpline

        spline = CubicSpline(np.arange(len(knots)), knots, bc_type="periodic")
        corners = spline(np.arange((len(knots) - 1) * CURVE_PIECES) / CURVE_PIECES)
        return Polygon(tuple((x, y) for x, y in corners.tolist()))


Shape = Rectangle | Ellipse | Polygon | ClosedCurve


def bounds(shape: Shape) -> tuple[float, float, float, float]:
    """The smallest upright box around a shape: (x low, y low, x high, y high) in scene units."""
    if isinstance(shape, ClosedCurve):
        shape = shape.polygon()
    if isinstance(shape, Polygon):
        corners = np.asarray(shape.points)
        low, high = corners.min(axis=0), corners.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])
    cosine, sine = _turn(shape.angle_degrees)
    if isinstance(shape, Ellipse):
        a, b = shape.semi_axes
        half_x, half_y = math.hypot(a * cosine, b * sine), math.hypot(a * sine, b * cosine)
    else:
        a, b = shape.size[0] / 2, shape.size[1] / 2
        half_x, half_y = abs(a * cosine) + abs(b * sine), abs(a * sine) + abs(b * cosine)
    x, y = shape.center
    return x - half_x, y - half_y, x + half_x, y + half_y


def first_pixel(edge: float, spacing: float) -> int:
    """The first pixel index whose center is not below an edge (half-open interval), the edge in scene units."""
    return math.ceil(edge / spacing - EDGE_SLACK_PIXELS)


def inside(
    shape: Shape, rows: tuple[int, int], columns: tuple[int, int], spacing: tuple[float, float]
) -> NDArray[np.bool_]:
    """Tell which pixel centers lie inside a shape.

    Parameters
    ----------
    shape
        In scene units.
    rows, columns
        Index ranges (first, one past the last); they may lie outside the image.
    spacing
        (row, column) spacing in scene units per pixel; (1, 1) where unknown.

    Returns
    -------
    ndarray of bool, shape (rows[1] - rows[0], columns[1] - columns[0])
    """
    if isinstance(shape, ClosedCurve):
        shape = shape.polygon()
    if isinstance(shape, Polygon):
        return _inside_polygon(shape, rows, columns, spacing)
    y = (np.arange(*rows) + EDGE_SLACK_PIXELS)[:, None] * spacing[0] - shape.center[1]
    x = (np.arange(*columns) + EDGE_SLACK_PIXELS)[None, :] * spacing[1] - shape.center[0]
    cosine, sine = _turn(shape.angle_degrees)
    along, across = x * cosine + y * sine, y * cosine - x * sine
    if isinstance(shape, Ellipse):
        return np.asarray((along / shape.semi_axes[0]) ** 2 + (across / shape.semi_axes[1]) ** 2 < 1.0)
    half_width, half_height = shape.size[0] / 2, shape.size[1] / 2
    return np.asarray((along >= -half_width) & (along < half_width) & (across >= -half_height) & (across < half_height))


def _inside_polygon(
    polygon: Polygon, rows: tuple[int, int], columns: tuple[int, int], spacing: tuple[float, float]
) -> NDArray[np.bool_]:
    """Even-odd rule: left of a pixel center lies an odd number of cuts; between two cuts the interval is half-open.

    All rows at once: a region follows the mouse, and one row at a time took 6 ms for a lesion of 120 rows.
    """
    start = np.asarray(polygon.points, dtype=np.float64) / (spacing[1], spacing[0])
    end = np.roll(start, -1, axis=0)
    height, width = max(0, rows[1] - rows[0]), max(0, columns[1] - columns[0])
    y = rows[0] + np.arange(height)[:, None] + EDGE_SLACK_PIXELS
    line, edge = np.nonzero((start[:, 1] > y) != (end[:, 1] > y))
    a, b = start[edge], end[edge]
    x = a[:, 0] + (y[line, 0] - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    cuts = np.clip(np.ceil(x - EDGE_SLACK_PIXELS).astype(np.int64) - columns[0], 0, width)
    count = np.bincount(line * (width + 1) + cuts, minlength=height * (width + 1)).reshape(height, width + 1)
    return np.asarray(np.cumsum(count[:, :width], axis=1) % 2 == 1)


def _turn(angle_degrees: float) -> tuple[float, float]:
    """Cosine and sine, exact for multiples of a right angle."""
    quarter, rest = divmod(angle_degrees, 90.0)
    if rest == 0.0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(quarter) % 4]
    radians = math.radians(angle_degrees)
    return math.cos(radians), math.sin(radians)


def _require_size(size: tuple[float, float]) -> None:
    if not all(math.isfinite(value) and value > 0 for value in size):
        raise RegionError("A region has no width or no height; draw it again.")


def _require_points(points: Points) -> None:
    if len(points) < 3:
        raise RegionError(f"A region is drawn with {len(points)} points; it needs at least three.")
    if not np.isfinite(np.asarray(points, dtype=np.float64)).all():
        raise RegionError("A region has a corner without a position; draw it again.")
