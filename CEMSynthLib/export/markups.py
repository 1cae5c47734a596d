"""Markups out: write regions as Slicer ``.mrk.json`` files, and the ``regions.json`` that ties them to images."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from CEMSynthLib.export.files import write_text
from CEMSynthLib.measurement.errors import MarkupsError
from CEMSynthLib.measurement.markups import INDEX_FORMAT, INDEX_NAME, INDEX_VERSION, MARKUPS_SUFFIX, RegionTie
from CEMSynthLib.measurement.regions import Region, RegionRole
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Polygon, Rectangle

# What is written is told in the words of measurement; rooms that only know export (phantom) find them here.
__all__ = [
    "INDEX_NAME",
    "ClosedCurve",
    "Ellipse",
    "Polygon",
    "Rectangle",
    "Region",
    "RegionRole",
    "RegionTie",
    "write_region",
    "write_regions_index",
]

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
#: Slicer shows a box on a one-slice volume only if it reaches through the plane; scene units.
BOX_THICKNESS = 4.0
#: A polygon's edges are cut into pieces of about its perimeter over this, so that Slicer's spline follows them.
POLYGON_PIECES = 64

_UPRIGHT = [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0]


def write_region(path: Path, region: Region) -> None:
    """Write one region as a Slicer markups file: a rectangle as ROI, every other shape as closed curve.

    Parameters
    ----------
    path
        Ends with ``.mrk.json``; the file name should hold the word ``lesion`` or ``background``. The role is also
        written into the labels of the control points.
    region
        The region. Slicer opens a closed curve as a spline through its control points: a `ClosedCurve` comes back
        unchanged, an `Ellipse` to 0.003% of its radius, a `Polygon` with corners rounded within a hundredth of its
        perimeter.

    Raises
    ------
    MarkupsError
        The path has another ending.
    CEMSynthLib.export.errors.ExportError
        The file cannot be written.
    """
    if not path.name.endswith(MARKUPS_SUFFIX):
        raise MarkupsError(f"{path.name} does not end with {MARKUPS_SUFFIX}, so Slicer would not open it.")
    _write_json(path, {"@schema": SCHEMA, "markups": [_markup(region)]})


def write_regions_index(folder: Path, entries: Sequence[RegionTie]) -> Path:
    """Write ``regions.json`` (see `CEMSynthLib.measurement.markups`) into a folder and return its path."""
    regions = []
    for entry in entries:
        if entry.sop_instance_uid is None and entry.image is None:
            raise MarkupsError(f"{entry.file} is tied to nothing; give its SOP Instance UID or its image file.")
        fields = {"file": entry.file, "sop_instance_uid": entry.sop_instance_uid, "image": entry.image}
        regions.append({key: value for key, value in fields.items() if value is not None})
    path = folder / INDEX_NAME
    _write_json(path, {"format": INDEX_FORMAT, "version": INDEX_VERSION, "regions": regions})
    return path


def _markup(region: Region) -> dict[str, Any]:
    shape = region.shape
    if isinstance(shape, Rectangle):
        cosine, sine = math.cos(math.radians(shape.angle_degrees)), math.sin(math.radians(shape.angle_degrees))
        center = [*shape.center, 0.0]
        kind: dict[str, Any] = {
            "type": "ROI",
            "roiType": "Box",
            "center": center,
            "orientation": [-cosine, sine, 0.0, -sine, -cosine, 0.0, 0.0, 0.0, 1.0],
            "size": [*shape.size, BOX_THICKNESS],
            "insideOut": False,
        }
        positions = [center]
    else:
        kind = {"type": "ClosedCurve"}
        positions = [[x, y, 0.0] for x, y in _control_points(shape)]
    points = [
        {
            "id": str(number),
            "label": f"{region.role.value}-{number}",
            "position": position,
            "orientation": _UPRIGHT,
            "selected": True,
            "locked": False,
            "visibility": True,
            "positionStatus": "defined",
        }
        for number, position in enumerate(positions, start=1)
    ]
    common = {
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "labelFormat": f"{region.role.value}-%d",
        "lastUsedControlPointNumber": len(points),
    }
    return {**kind, **common, "controlPoints": points}


def _control_points(shape: Ellipse | Polygon | ClosedCurve) -> list[tuple[float, float]]:
    if isinstance(shape, ClosedCurve):
        return list(shape.control_points)
    if isinstance(shape, Ellipse):
        return list(shape.curve().control_points)
    corners = shape.points
    edges = list(zip(corners, (*corners[1:], corners[0]), strict=True))
    piece = sum(math.dist(a, b) for a, b in edges) / POLYGON_PIECES
    points = []
    for a, b in edges:
        pieces = max(1, round(math.dist(a, b) / piece))
        points += [
            (a[0] + (b[0] - a[0]) * part / pieces, a[1] + (b[1] - a[1]) * part / pieces) for part in range(pieces)
        ]
    return points


def _write_json(path: Path, document: dict[str, Any]) -> None:
    write_text(path, json.dumps(document, indent=2) + "\n")
