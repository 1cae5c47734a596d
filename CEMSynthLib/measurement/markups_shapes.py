"""Turn one markup of a Slicer markups file into a shape in the image plane."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.errors import MarkupsError
from CEMSynthLib.measurement.shapes import ClosedCurve, Rectangle

#: Slicer's names and numbers (vtkMRMLStorageNode) of a coordinate system, and what turns its x and y into LPS.
_TO_LPS = {"LPS": 1.0, "1": 1.0, "RAS": -1.0, "0": -1.0}
#: How far an axis may lean out of the image plane (sine of the angle), 0.06 degrees.
_LEAN = 1e-3


def shape_of(markup: dict[str, Any]) -> Rectangle | ClosedCurve:
    """Read an ROI or a closed curve.

    Parameters
    ----------
    markup
        One element of ``"markups"`` of a file that follows Slicer's markups schema 1.0.x. The file does not say which
        kind of curve is meant, and Slicer itself opens every closed curve as a spline: so does this.

    Returns
    -------
    Rectangle or ClosedCurve
        In scene units, LPS; the position across the image plane is not used.

    Raises
    ------
    MarkupsError
        Another kind of markup, coordinate system or unit, a box that is inside out or tilted out of the image plane,
        or a number that is missing.
    """
    sign = _TO_LPS.get(str(markup.get("coordinateSystem", "LPS")).upper())
    if sign is None:
        raise MarkupsError(f'its coordinate system is "{markup.get("coordinateSystem")}", not LPS or RAS.')
    kind = markup.get("type")
    if kind == "ROI":
        return _box(markup, sign)
    if kind == "ClosedCurve":
        return _curve(markup, sign)
    raise MarkupsError(f'it is a "{kind}"; a region is drawn as an ROI or as a closed curve.')


def _box(markup: dict[str, Any], sign: float) -> Rectangle:
    if markup.get("roiType", "Box") not in ("Box", "BoundingBox"):
        raise MarkupsError(f'its ROI type is "{markup.get("roiType")}", not Box.')
    if markup.get("insideOut", False):
        raise MarkupsError("the ROI is inside out; switch that off in Slicer.")
    center = _numbers(markup.get("center"), 3, "center")
    size = _numbers(markup.get("size"), 3, "size")
    flip = np.diag([sign, sign, 1.0])
    orientation = markup.get("orientation")
    axes = flip @ _numbers(orientation, 9, "orientation").reshape(3, 3) if orientation is not None else np.eye(3)
    across = int(np.argmax(np.abs(axes[2])))
    first, second = (axis for axis in range(3) if axis != across)
    if max(abs(axes[2, first]), abs(axes[2, second])) > _LEAN:
        raise MarkupsError("the ROI is tilted out of the image plane; turn it back in Slicer.")
    width, height = float(size[first]), float(size[second])
    angle = math.degrees(math.atan2(axes[1, first], axes[0, first]))
    # A box is the same after half a turn; upright ones keep angle 0 so that their edges are half-open exactly.
    angle = angle % 180.0
    if abs(angle - 90.0) < 1e-6:
        width, height, angle = height, width, 0.0
    elif min(angle, 180.0 - angle) < 1e-6:
        angle = 0.0
    # Slicer keeps the center of a box in single precision: 41.2 comes back as 41.20000076, which would move a pixel
    # center that lies on an edge across it. Rounding to what single precision still tells brings 41.2 back.
    digits = 4 if np.abs(center[:2]).max() < 512 else 3
    x, y = (round(sign * float(value), digits) for value in center[:2])
    return Rectangle((x, y), (width, height), angle)


def _curve(markup: dict[str, Any], sign: float) -> ClosedCurve:
    points = markup.get("controlPoints")
    if not isinstance(points, list):
        raise MarkupsError("it has no control points.")
    positions = [
        _numbers(point.get("position"), 3, "control point")
        for point in points
        if isinstance(point, dict) and point.get("positionStatus", "defined") == "defined"
    ]
    return ClosedCurve(tuple((sign * float(position[0]), sign * float(position[1])) for position in positions))


def _numbers(value: Any, count: int, what: str) -> NDArray[np.float64]:
    ok = isinstance(value, list) and len(value) == count and all(isinstance(v, int | float) for v in value)
    if not ok or not np.isfinite(value).all():
        raise MarkupsError(f"its {what} is missing or is not {count} numbers.")
    return np.asarray(value, dtype=np.float64)
