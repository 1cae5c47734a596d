"""Line by hand: a markups line across the skin edge, with its own profile and step on clinical and synthetic image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from CEMSynthLib.measurement.band import BandResult, band_profile
from CEMSynthLib.measurement.errors import MeasurementError
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.halo.edge import skin_path
from CEMSynthLib.scene.halo.measurement import HaloMeasurement
from CEMSynthLib.scene.halo.tables import CLINICAL, SYNTHETIC
from CEMSynthLib.study.model import FloatImage, Mask

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsLineNode

#: How far a new line begins in the air, and ends in the breast where no band was found, parts of the breast's height
#: (6 and 30 mm of 15 cm).
OUTSIDE, INSIDE = 0.04, 0.20
#: Where a band was found, a new line ends this far behind its rim, but no deeper than so many depths of its trough:
#: on a line that is much longer the dark band would be sought in the skin line's place.
BEHIND_RIM, BEHIND_TROUGH = 1.5, (2.0, 4.0)
#: A new line lies here along the skin edge, from its upper end: beside the nipple, not on it.
PLACE = 0.35
#: Width of a new band, as part of the breast's height.
WIDTH = 0.02


@dataclass(frozen=True, eq=False)
class LineResult:
    """The halo along a line.

    Parameters
    ----------
    results
        By `CLINICAL` and `SYNTHETIC`; ``None`` where there is no such image.
    problem
        Why there is nothing; empty where there is.
    """

    results: Mapping[str, BandResult | None]
    problem: str = ""


def new_line(measured: HaloMeasurement) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Where a new line is laid: across the skin edge, at a right angle.

    Returns
    -------
    start, end, width
        (x, y) in scene units, from the air inward, and the width of the band.
    """
    path = skin_path(measured.breast)[:, ::-1] * np.asarray((measured.input.spacing_mm or (1.0, 1.0))[::-1])
    at = round(PLACE * (len(path) - 1))
    reach = max(2, len(path) // 30)
    along = path[min(at + reach, len(path) - 1)] - path[max(at - reach, 0)]
    along /= np.hypot(*along)
    inward = np.asarray([-along[1], along[0]])
    # The path runs down: inward is toward the chest wall.
    if (inward[0] > 0) == (measured.breast.chest_wall.value == "left"):
        inward = -inward
    height = float(np.ptp(path[:, 1]))
    start, end = path[at] - OUTSIDE * height * inward, path[at] + _length(measured, height) * inward
    rows, columns = measured.breast.mask.shape
    spacing = measured.input.spacing_mm or (1.0, 1.0)
    limit = np.asarray([(columns - 1) * spacing[1], (rows - 1) * spacing[0]])
    margin = WIDTH * height
    start, end = (np.clip(p, margin, limit - margin) for p in (start, end))
    return (float(start[0]), float(start[1])), (float(end[0]), float(end[1])), WIDTH * height


def _length(measured: HaloMeasurement, height: float) -> float:
    """How far a new line goes into the breast, scene units."""
    for result in (measured.clinical, measured.synthetic):
        if result is not None and result.trough_depth and result.rim_depth:
            low, high = (part * result.trough_depth for part in BEHIND_TROUGH)
            # At least a tenth of the breast, so that there is something to drag.
            return float(max(0.1 * height, np.clip(BEHIND_RIM * result.rim_depth, low, high)))
    return INSIDE * height


def measure_line(node: "vtkMRMLMarkupsLineNode", measured: HaloMeasurement) -> LineResult:
    """Measure along a line node, from the end in the air to the one in the breast, whichever was drawn first.

    Parameters
    ----------
    node
        With two points; `names.BAND_WIDTH` is the width of its band.
    measured
        Images and breast of its acquisition.
    """
    if node.GetNumberOfDefinedControlPoints() < 2:
        return LineResult({}, "The line needs two points; place both.")
    ends = []
    for i in range(2):
        position = [0.0, 0.0, 0.0]
        node.GetNthControlPointPositionWorld(i, position)
        ends.append((-position[0], -position[1]))
    width = float(node.GetAttribute(names.BAND_WIDTH) or 0.0)
    images = {CLINICAL: measured.input.clinical, SYNTHETIC: measured.input.synthetic}
    mask, spacing = measured.breast.mask, measured.input.spacing_mm
    if _inside(mask, ends[0], spacing) and not _inside(mask, ends[1], spacing):
        ends.reverse()
    try:
        return LineResult(
            {w: None if i is None else _profile(i, mask, ends[0], ends[1], width, spacing) for w, i in images.items()}
        )
    except MeasurementError as error:
        return LineResult({}, str(error))


def _profile(
    image: FloatImage,
    mask: Mask,
    start: tuple[float, float],
    end: tuple[float, float],
    width: float,
    spacing_mm: tuple[float, float] | None,
) -> BandResult:
    """`band_profile` on the part of the image around the band: the same numbers, in 5 ms in place of 60."""
    sy, sx = spacing_mm or (1.0, 1.0)
    margin = width / 2 + 4 * max(sx, sy)
    low = (int(max(0, (min(start[1], end[1]) - margin) // sy)), int(max(0, (min(start[0], end[0]) - margin) // sx)))
    high = (int((max(start[1], end[1]) + margin) // sy) + 2, int((max(start[0], end[0]) + margin) // sx) + 2)
    part = (slice(low[0], max(high[0], low[0] + 1)), slice(low[1], max(high[1], low[1] + 1)))
    moved = [(x - low[1] * sx, y - low[0] * sy) for x, y in (start, end)]
    cut = image[part]
    if cut.size == 0:
        cut, part, moved = image, (slice(None), slice(None)), [start, end]
    return band_profile(cut, moved[0], moved[1], width, spacing_mm, mask[part])


def _inside(mask: Mask, point: tuple[float, float], spacing_mm: tuple[float, float] | None) -> bool:
    sy, sx = spacing_mm or (1.0, 1.0)
    row, column = round(point[1] / sy), round(point[0] / sx)
    return 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and bool(mask[row, column])
