"""Annotations: lesion regions from a CSV of the VGG Image Annotator, as CDD-CESM has them.

Columns (VIA 2.0): #filename, file_size, file_attributes, region_count, region_id, region_shape_attributes and
region_attributes, the last two as JSON. Shapes: polygon, polyline, ellipse, circle, rect and point. Coordinates are
pixels (x along columns, y along rows) of the image file that the row names; a whole number is the center of a pixel.
"""

import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from CEMSynthLib.measurement.errors import MarkupsError, RegionError
from CEMSynthLib.measurement.markups import TiedRegion
from CEMSynthLib.measurement.regions import Region, RegionRole
from CEMSynthLib.measurement.shapes import Ellipse, Polygon, Rectangle, Shape

#: A point marks a place, not an area: it is read as a disk of so many pixels' radius (29 pixels, above the least 20).
POINT_RADIUS = 3.0
ANNOTATION_SUFFIX = ".csv"
_FILE, _SHAPE, _MEANING = "filename", "region_shape_attributes", "region_attributes"
# The public table has 2,971 rows; a polygon of 10,000 corners is no drawing.
_MOST_CORNERS = 10_000


@dataclass(frozen=True)
class Annotations:
    """What an annotation file holds.

    Parameters
    ----------
    regions
        Each tied to its image file, in pixels of that file.
    left_out
        Sentences about rows whose shape encloses nothing (a polygon of two points).
    """

    regions: tuple[TiedRegion, ...]
    left_out: tuple[str, ...]


def read_annotations(path: Path) -> Annotations:
    """Read the regions of one annotation file.

    Parameters
    ----------
    path
        A ``.csv`` file. A region is a background where its attributes hold the word "background", else a lesion. It is
        named after its image: ``P12_L_CM_MLO_lesion_1``.

    Raises
    ------
    MarkupsError
        The file cannot be read, has other columns, or a row that cannot be understood, named with its line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MarkupsError(f"{path.name} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise MarkupsError(f"{path.name} is not a CSV file in UTF-8; export it anew.") from error
    rows = csv.DictReader(io.StringIO(text))
    rows.fieldnames = [(name or "").strip().lstrip("#").casefold() for name in rows.fieldnames or ()]
    missing = [name for name in (_FILE, _SHAPE) if name not in rows.fieldnames]
    if missing:
        raise MarkupsError(
            f"{path.name} has no column {' and '.join(missing)}; export the annotations as CSV from the VGG Image "
            "Annotator."
        )
    regions: list[TiedRegion] = []
    left_out: list[str] = []
    numbers: dict[tuple[str, RegionRole], int] = {}
    try:
        for row in rows:
            attributes = _json(row.get(_SHAPE))
            if not attributes:  # an image without regions
                continue
            file = (row.get(_FILE) or "").strip()
            if not file:
                raise MarkupsError("it names no file")
            image = PureWindowsPath(file).name
            meaning = (row.get(_MEANING) or "").casefold()
            role = RegionRole.BACKGROUND if RegionRole.BACKGROUND.value in meaning else RegionRole.LESION
            stem = PureWindowsPath(image).stem.strip()
            number = numbers[stem, role] = numbers.get((stem, role), 0) + 1
            try:
                region = Region(f"{stem}_{role.value}_{number}", role, _shape(attributes))
            except RegionError as error:
                left_out.append(f"{path.name}, line {rows.line_num} ({image}): {error}")
            else:
                regions.append(TiedRegion(region, path, image=image, in_pixels=True))
    except (MarkupsError, csv.Error) as error:
        raise MarkupsError(f"{path.name}, line {rows.line_num}: {error}.") from error
    return Annotations(tuple(regions), tuple(left_out))


def _json(cell: str | None) -> dict[str, Any]:
    try:
        content = json.loads(cell or "{}")
    except json.JSONDecodeError as error:
        raise MarkupsError("its region_shape_attributes are no JSON") from error
    if not isinstance(content, dict):
        raise MarkupsError("its region_shape_attributes are no JSON object")
    return content


def _shape(attributes: dict[str, Any]) -> Shape:
    kind = attributes.get("name")
    if kind in ("polygon", "polyline"):
        xs, ys = (_numbers(attributes.get(key), key) for key in ("all_points_x", "all_points_y"))
        if len(xs) != len(ys):
            raise MarkupsError(f"its {kind} has {len(xs)} x and {len(ys)} y")
        points = tuple(zip(xs, ys, strict=True))
        return Polygon(points[:-1] if len(points) > 1 and points[0] == points[-1] else points)
    if kind == "rect":
        x, y, width, height = (_number(attributes, key) for key in ("x", "y", "width", "height"))
        return Rectangle((x + width / 2, y + height / 2), (width, height))
    if kind in ("circle", "ellipse", "point"):
        center = (_number(attributes, "cx"), _number(attributes, "cy"))
        if kind == "point":
            return Ellipse(center, (POINT_RADIUS, POINT_RADIUS))
        if kind == "circle":
            radius = _number(attributes, "r")
            return Ellipse(center, (radius, radius))
        turn = math.degrees(_number(attributes, "theta")) if "theta" in attributes else 0.0
        return Ellipse(center, (_number(attributes, "rx"), _number(attributes, "ry")), turn)
    raise MarkupsError(f'its shape is "{kind}", not polygon, polyline, ellipse, circle, rect or point')


def _number(attributes: dict[str, Any], key: str) -> float:
    return _numbers([attributes.get(key)], key)[0]


def _numbers(values: Any, key: str) -> list[float]:
    if not isinstance(values, list) or len(values) > _MOST_CORNERS:
        raise MarkupsError(f"its {key} is no list of numbers")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
            raise MarkupsError(f"its {key} is no number")
    return [float(value) for value in values]
