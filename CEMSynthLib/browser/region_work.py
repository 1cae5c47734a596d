"""Region work: regions as plain values of JSON and back, so that none is lost when the server ends unasked."""

from typing import Any

from CEMSynthLib.measurement.errors import MeasurementError
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Points, Polygon, Rectangle
from CEMSynthLib.scene.regions.info import RegionInfo, RegionKind, Ring


def region_to_json(region: RegionInfo) -> dict[str, Any] | None:
    """A drawn region; ``None`` for a segment and for one that is not drawn yet.

    Parameters
    ----------
    region
        The region.
    """
    shape = region.shape
    if shape is None:
        return None
    values: dict[str, Any] = {}
    if isinstance(shape, Rectangle):
        values = {"center": shape.center, "size": shape.size, "angle": shape.angle_degrees}
    elif isinstance(shape, Ellipse):
        values = {"center": shape.center, "semi_axes": shape.semi_axes, "angle": shape.angle_degrees}
    else:
        spline = isinstance(shape, ClosedCurve)
        values = {"points": shape.control_points if isinstance(shape, ClosedCurve) else shape.points, "spline": spline}
    ring = region.ring
    return {
        "key": region.key,
        "name": region.name,
        "role": region.role.value,
        "kind": region.kind.value,
        "acquisition": region.acquisition,
        "shape": values,
        "color": region.color,
        "locked": region.locked,
        "background": region.background,
        "ring": None if ring is None else [ring.lesion, ring.gap, ring.width],
    }


def region_from_json(values: Any) -> RegionInfo | None:
    """What `region_to_json` gave; ``None`` where the values are damaged or of another version.

    Parameters
    ----------
    values
        From a file.
    """
    try:
        kind, ring = RegionKind(values["kind"]), values["ring"]
        red, green, blue = (float(part) for part in values["color"])
        return RegionInfo(
            key=str(values["key"]),
            name=str(values["name"]),
            role=RegionRole(values["role"]),
            kind=kind,
            acquisition=str(values["acquisition"]),
            shape=_shape(kind, values["shape"]),
            color=(red, green, blue),
            locked=bool(values["locked"]),
            background=str(values["background"]),
            ring=None if ring is None else Ring(str(ring[0]), float(ring[1]), float(ring[2])),
        )
    except (KeyError, TypeError, ValueError, IndexError, MeasurementError):
        return None


def _shape(kind: RegionKind, values: Any) -> Rectangle | Ellipse | Polygon | ClosedCurve:
    if kind is RegionKind.RECTANGLE:
        return Rectangle(_pair(values["center"]), _pair(values["size"]), float(values["angle"]))
    if kind is RegionKind.ELLIPSE:
        return Ellipse(_pair(values["center"]), _pair(values["semi_axes"]), float(values["angle"]))
    points: Points = tuple(_pair(point) for point in values["points"])
    return ClosedCurve(points) if values["spline"] else Polygon(points)


def _pair(values: Any) -> tuple[float, float]:
    x, y = values
    return float(x), float(y)
