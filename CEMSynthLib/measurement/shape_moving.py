"""Moving a shape: a scale and a shift along each axis, ``x' = scale_x * x + shift_x`` and the same for y."""

import math

import numpy as np

from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Points, Polygon, Rectangle, Shape


def scaled_and_shifted(shape: Shape, scale: tuple[float, float], shift: tuple[float, float]) -> Shape:
    """Move a shape from one grid to another.

    Parameters
    ----------
    shape
        Any shape.
    scale, shift
        (x, y); scales above 0.

    Returns
    -------
    Shape
        Of the same kind, but for a turned rectangle under unequal scales, which becomes a polygon of four corners.

    Raises
    ------
    ValueError
        A scale is not above 0.
    """
    if not min(scale) > 0:
        raise ValueError(f"scales above 0 are needed, not {scale}")

    def moved(points: Points) -> Points:
        return tuple((scale[0] * x + shift[0], scale[1] * y + shift[1]) for x, y in points)

    if isinstance(shape, Polygon):
        return Polygon(moved(shape.points))
    if isinstance(shape, ClosedCurve):  # a spline through moved points is the moved spline
        return ClosedCurve(moved(shape.control_points))
    (center,) = moved((shape.center,))
    if isinstance(shape, Ellipse):
        # The unit circle under scale * turn * semi-axes; its singular values are the new semi-axes.
        u, axes, _ = np.linalg.svd(np.diag(scale) @ _turn(shape.angle_degrees) @ np.diag(shape.semi_axes))
        return Ellipse(center, (float(axes[0]), float(axes[1])), math.degrees(math.atan2(u[1, 0], u[0, 0])))
    if shape.angle_degrees % 180 == 0:
        return Rectangle(center, (scale[0] * shape.size[0], scale[1] * shape.size[1]), shape.angle_degrees)
    if scale[0] == scale[1]:
        return Rectangle(center, (scale[0] * shape.size[0], scale[0] * shape.size[1]), shape.angle_degrees)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(shape.size) / 2
    corners = half @ _turn(shape.angle_degrees).T + np.array(shape.center)
    return Polygon(moved(tuple((float(x), float(y)) for x, y in corners)))


def _turn(angle_degrees: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    radians = math.radians(angle_degrees)
    return np.array([[math.cos(radians), -math.sin(radians)], [math.sin(radians), math.cos(radians)]])
