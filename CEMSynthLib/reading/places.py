"""Places: where on a view the lesions lie that readers shall find, and whether a mark hits one of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Point = tuple[float, float]


@dataclass(frozen=True)
class MarkRadius:
    """How far outside a lesion's outline a mark still hits it.

    Parameters
    ----------
    mm
        Where the pixel spacing of the view is known.
    pixels
        Where it is not; 0 = inside only.
    """

    mm: float = 5.0
    pixels: float = 0.0

    @property
    def words(self) -> str:
        """For reports."""
        unknown = f"{self.pixels:g} pixels of it" if self.pixels else "its outline"
        return f"{self.mm:g} mm of its outline (within {unknown} where the pixel spacing is unknown)"


@dataclass(frozen=True)
class LesionPlaces:
    """The lesions of one view.

    Parameters
    ----------
    spacing_mm
        (row, column) of the low-energy image, or ``None``.
    outlines
        One closed line for each lesion, points (row, column) in pixels of the low-energy image.
    """

    spacing_mm: tuple[float, float] | None
    outlines: tuple[tuple[Point, ...], ...]

    def hit(self, row: float, column: float, radius: MarkRadius) -> bool:
        """Whether a mark lies in a lesion or within the radius of its outline."""
        scale = self.spacing_mm or (1.0, 1.0)
        reach = radius.mm if self.spacing_mm else radius.pixels
        mark = row * scale[0], column * scale[1]
        scaled = ([(p[0] * scale[0], p[1] * scale[1]) for p in outline] for outline in self.outlines)
        return any(_inside(mark, line) or _distance(mark, line) <= reach for line in scaled)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"spacing_mm": self.spacing_mm, "outlines": self.outlines}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "LesionPlaces":
        """Read back what `to_json` wrote; KeyError, TypeError or ValueError where it is something else."""
        spacing = values["spacing_mm"]
        return cls(
            None if spacing is None else (float(spacing[0]), float(spacing[1])),
            tuple(tuple((float(r), float(c)) for r, c in outline) for outline in values["outlines"]),
        )


def _inside(point: Point, line: list[Point]) -> bool:
    """Even-odd rule: how often a ray along the columns crosses the closed line."""
    row, column = point
    crossed = False
    for (r1, c1), (r2, c2) in pairwise([*line, line[0]]):
        if (r1 > row) != (r2 > row) and column < c1 + (row - r1) / (r2 - r1) * (c2 - c1):
            crossed = not crossed
    return crossed


def _distance(point: Point, line: list[Point]) -> float:
    """To the nearest point of the closed line."""
    nearest = math.inf
    for start, end in pairwise([*line, line[0]]):
        along = end[0] - start[0], end[1] - start[1]
        length = along[0] ** 2 + along[1] ** 2
        part = ((point[0] - start[0]) * along[0] + (point[1] - start[1]) * along[1]) / length if length else 0.0
        part = min(1.0, max(0.0, part))
        nearest = min(nearest, math.dist(point, (start[0] + part * along[0], start[1] + part * along[1])))
    return nearest
