"""What a structured report says: values in groups, each about one region or the whole breast of one image."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from CEMSynthLib.export.sr_codes import TERMS
from CEMSynthLib.export.tables import MeasurementRow
from CEMSynthLib.measurement.halo import HaloVerdict
from CEMSynthLib.measurement.regions import Region, RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle, Shape
from CEMSynthLib.study.model import Laterality

BREAST_PLACE = "breast mask"
_KNOWN = {(term.quantity, term.formula) for term in TERMS}


@dataclass(frozen=True)
class Outline:
    """A region as DICOM draws it (PS3.3 C.18.6.1): ``POLYLINE`` or ``ELLIPSE``, (column, row) in float32.

    (0, 0) is the upper left corner of the image, (0.5, 0.5) the center of its first pixel. A polyline is closed: its
    last point is its first. An ellipse has four points, the ends of its major axis, then of its minor one.
    """

    kind: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class MeasuredValue:
    """A number with the name of its formula, its unit, and its 95% interval where there is one.

    ``background`` is the tracking UID of the background region that a lesion's figure was measured against.
    """

    quantity: str
    formula: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    background: str | None = None


@dataclass(frozen=True)
class MeasuredGroup:
    """What was measured on one image at one place.

    Parameters
    ----------
    image_uid
        SOP Instance UID of the image.
    laterality
        Of the breast.
    place
        Name of the region, or ``breast mask``.
    tracking_uid
        The same for one region on all images of its acquisition.
    values
        At least one, or a verdict.
    role, outline
        Of a region; ``None`` for the whole breast.
    verdict
        Of the halo; only for the whole breast.
    """

    image_uid: str
    laterality: Laterality | None
    place: str
    tracking_uid: str
    values: tuple[MeasuredValue, ...]
    role: RegionRole | None = None
    outline: Outline | None = None
    verdict: HaloVerdict | None = None


def outline_of(shape: Shape, spacing_mm: tuple[float, float] | None) -> Outline:
    """Turn a shape in scene units into image coordinates.

    Parameters
    ----------
    shape
        In scene units: mm, or pixels where the spacing is unknown; (0, 0) is the center of the first pixel.
    spacing_mm
        (row, column) of the image, or ``None``.

    Returns
    -------
    Outline
        An ellipse where pixels are square or the ellipse is not turned; everything else as a polyline: a closed curve
        as the polygon that Slicer draws and CEMSynth measures.
    """
    rows, columns = spacing_mm or (1.0, 1.0)
    if isinstance(shape, Ellipse) and (rows == columns or shape.angle_degrees % 90 == 0):
        (a, b), turn = shape.semi_axes, np.radians(shape.angle_degrees)
        along, across = np.array([np.cos(turn), np.sin(turn)]) * a, np.array([-np.sin(turn), np.cos(turn)]) * b
        size = [float(np.hypot(axis[0] / columns, axis[1] / rows)) for axis in (along, across)]
        axes = (along, across) if size[0] >= size[1] else (across, along)
        corners = [shape.center + sign * axis for axis in axes for sign in (-1, 1)]
        return Outline("ELLIPSE", _image_points(np.array(corners), rows, columns))
    points = np.array(_corners(shape))
    return Outline("POLYLINE", _image_points(np.vstack([points, points[:1]]), rows, columns))


def shape_of(outline: Outline, spacing_mm: tuple[float, float] | None) -> Polygon | Ellipse:
    """Turn an outline back into a shape in scene units.

    Parameters
    ----------
    outline
        As in a structured report.
    spacing_mm
        (row, column) of the image it was drawn on, or ``None``.

    Returns
    -------
    Polygon or Ellipse
        Polygons and ellipses hold the same pixels as the shape that `outline_of` was given, unless a pixel center lies
        within the rounding of float32 (about 0.0002 pixels) of the edge.
    """
    rows, columns = spacing_mm or (1.0, 1.0)
    points = (np.array(outline.points) - 0.5) * (columns, rows)
    if outline.kind == "POLYLINE":
        return Polygon(tuple((float(x), float(y)) for x, y in points[:-1]))
    center = points.mean(axis=0)
    major, minor = points[1] - points[0], points[3] - points[2]
    return Ellipse(
        (float(center[0]), float(center[1])),
        (float(np.hypot(*major)) / 2, float(np.hypot(*minor)) / 2),
        float(np.degrees(np.arctan2(major[1], major[0]))),
    )


def measured_groups(
    rows: Iterable[MeasurementRow],
    regions: Sequence[Region],
    spacing_mm: tuple[float, float] | None,
    image_uids: Mapping[str, str],
    verdicts: Mapping[str, HaloVerdict],
) -> list[MeasuredGroup]:
    """Sort the rows of one acquisition's table into groups.

    Parameters
    ----------
    rows
        As in ``measurements.csv``. Used are the quantities of `sr_codes.TERMS`, with a value, of the images and
        regions named below; similarity and sectors of the halo stay in the table.
    regions
        The regions of the acquisition, in scene units of its low-energy image.
    spacing_mm
        Of that image.
    image_uids
        ``low_energy``, ``recombined``, ``synthetic`` -> SOP Instance UID, of images on one grid.
    verdicts
        The same words -> halo verdict.

    Returns
    -------
    list of MeasuredGroup
        In the order of the images, the whole breast last.
    """
    rows = list(rows)
    side = next((Laterality(row.laterality) for row in rows if row.laterality), None)
    anchor = next(iter(image_uids.values()), "")
    groups = []
    for image, uid in image_uids.items():
        of_image = [row for row in rows if row.image == image]
        for region in regions:
            values = _values_of(region, regions, of_image, anchor)
            if values:
                outline = outline_of(region.shape, spacing_mm)
                groups.append(
                    MeasuredGroup(
                        uid, side, region.name, _tracking_uid(anchor, region.name), values, region.role, outline
                    )
                )
        halo = tuple(_value(r) for r in of_image if r.place == BREAST_PLACE and _told(r))
        if halo or image in verdicts:
            tracking = _tracking_uid(anchor, BREAST_PLACE)
            groups.append(MeasuredGroup(uid, side, BREAST_PLACE, tracking, halo, verdict=verdicts.get(image)))
    return groups


def _values_of(
    region: Region, regions: Sequence[Region], rows: Sequence[MeasurementRow], anchor: str
) -> tuple[MeasuredValue, ...]:
    against = {f"{region.name} / {other.name}": _tracking_uid(anchor, other.name) for other in regions}
    own = [row for row in rows if row.place == region.name and _told(row)]
    values = {(row.quantity, row.formula): _value(row) for row in own}
    pixels = next((row.n_pixels for row in own if row.n_pixels is not None), None)
    if pixels is not None:
        values["pixels", "pixel_count"] = MeasuredValue("pixels", "pixel_count", float(pixels), "pixels")
    for row in rows:
        if row.place in against and _told(row):
            values[row.quantity, row.formula] = replace(_value(row), background=against[row.place])
    return tuple(values.values())


def _told(row: MeasurementRow) -> bool:
    return row.value is not None and (row.quantity, row.formula) in _KNOWN


def _value(row: MeasurementRow) -> MeasuredValue:
    if row.value is None:
        raise ValueError(f"{row.quantity} of {row.place} has no value")
    return MeasuredValue(row.quantity, row.formula, row.value, row.unit, row.low, row.high)


def _tracking_uid(anchor: str, name: str) -> str:
    return str(generate_uid(entropy_srcs=["CEMSynth region", anchor, name]))


def _corners(shape: Shape) -> tuple[tuple[float, float], ...]:
    if isinstance(shape, ClosedCurve):
        return shape.polygon().points
    if isinstance(shape, Polygon):
        return shape.points
    turn = np.radians(shape.angle_degrees)
    if isinstance(shape, Rectangle):
        local = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(shape.size) / 2
    else:
        angles = np.linspace(0, 2 * np.pi, 240, endpoint=False)
        local = np.stack([np.cos(angles), np.sin(angles)], axis=1) * shape.semi_axes
    quarter = shape.angle_degrees % 90 == 0
    cosine, sine = (round(float(v)) if quarter else float(v) for v in (np.cos(turn), np.sin(turn)))
    points = local @ np.array([[cosine, sine], [-sine, cosine]]) + shape.center
    return tuple((float(x), float(y)) for x, y in points)


def _image_points(points: NDArray[np.float64], rows: float, columns: float) -> tuple[tuple[float, float], ...]:
    image = (points / (columns, rows) + 0.5).astype(np.float32)
    return tuple((float(x), float(y)) for x, y in image)
