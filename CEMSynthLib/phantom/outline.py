"""The compressed breast from outside: outline, distance to the skin, thickness with its rounded free edge.

Chest wall at the left border (column 0), nipple to the right; x runs along columns, y along rows, in mm.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.phantom.patient import Patient
from CEMSynthLib.phantom.texture import Grid, enlarge

FloatArray = NDArray[np.float64]

DETECTOR_MM = (306.2, 239.4)  # rows, columns: 24 x 30.7 cm
SKIN_MM = 1.5
DISTANCE_MM = 0.4


@dataclass(frozen=True)
class Outline:
    """The outside of one compressed breast on a detector.

    Parameters
    ----------
    mask
        True where there is breast.
    skin_distance_mm
        Distance to the skin (not to the chest wall or the image border), 0 outside.
    nipple_mm
        (y, x) of the nipple's base.
    spacing_mm
        Pixel spacing.
    origin_mm
        (y, x) of the corner of the first pixel: not 0 in a part of the detector.
    """

    mask: NDArray[np.bool_]
    skin_distance_mm: FloatArray
    nipple_mm: tuple[float, float]
    spacing_mm: float
    origin_mm: tuple[float, float] = (0.0, 0.0)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return (self.mask.shape[0], self.mask.shape[1])

    def coordinates(self) -> tuple[FloatArray, FloatArray]:
        """(y, x) of the pixel centers in mm, as open grids."""
        y: FloatArray = (np.arange(self.shape[0], dtype=np.float64) + 0.5) * self.spacing_mm + self.origin_mm[0]
        x: FloatArray = (np.arange(self.shape[1], dtype=np.float64) + 0.5) * self.spacing_mm + self.origin_mm[1]
        return y[:, None], x[None, :]

    @property
    def grid(self) -> Grid:
        """For random fields that are the same at any pixel spacing."""
        return Grid(DETECTOR_MM, self.shape, self.spacing_mm, self.origin_mm)

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns that hold the breast."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def part(self, box: tuple[slice, slice]) -> "Outline":
        """The part of the detector in ``box`` (starts and stops given)."""
        origin = tuple(o + s.start * self.spacing_mm for o, s in zip(self.origin_mm, box, strict=True))
        return replace(
            self,
            mask=self.mask[box],
            skin_distance_mm=self.skin_distance_mm[box],
            origin_mm=(float(origin[0]), float(origin[1])),
        )


def detector_shape(spacing_mm: float) -> tuple[int, int]:
    """Rows and columns of the detector at a pixel spacing."""
    return round(DETECTOR_MM[0] / spacing_mm), round(DETECTOR_MM[1] / spacing_mm)


def _wobble(rng: np.random.Generator, t: FloatArray, amplitude: float) -> FloatArray:
    total = np.zeros_like(t)
    for k in range(1, 5):
        total += rng.normal(0, amplitude / k**1.5) * np.sin(np.pi * k * t + rng.uniform(0, 2 * np.pi))
    return total


def breast_outline(patient: Patient, view: str, rng: np.random.Generator, spacing_mm: float) -> Outline:
    """The outline of one view: an uneven half ellipse in CC, an axilla that leaves the image at the top in MLO."""
    shape = detector_shape(spacing_mm)
    y: FloatArray = (np.arange(shape[0], dtype=np.float64) + 0.5) * spacing_mm
    x: FloatArray = (np.arange(shape[1], dtype=np.float64) + 0.5) * spacing_mm
    depth, half = 10 * patient.depth * rng.normal(1, 0.03), 10 * patient.half_height * rng.normal(1, 0.03)
    if view == "MLO":
        depth *= 1.05
        bottom = DETECTOR_MM[0] * 0.5 + half * 0.95 + rng.normal(0, 6)
        nipple_y = bottom - half * rng.uniform(0.54, 0.70)
        axilla = depth * rng.uniform(0.36, 0.55)
        t = np.clip(y / nipple_y, 0, 1)
        upper = axilla + (depth - axilla) * np.sin(np.pi / 2 * t ** rng.uniform(1.0, 1.25)) ** rng.uniform(1.1, 1.35)
        s = np.clip((y - nipple_y) / (bottom - nipple_y), 0, 1)
        lower = depth * np.sqrt(np.clip(1 - s ** rng.uniform(2.1, 2.6), 0, 1))
        extent = np.where(y <= nipple_y, upper, np.where(y < bottom, lower, 0.0))
        extent = extent * (1 + _wobble(rng, y / bottom, 0.012))
    else:
        middle = DETECTOR_MM[0] * 0.5 + rng.normal(0, 5)
        nipple_y = middle + rng.normal(0, 5)
        above, below = half * rng.normal(1, 0.04), half * rng.normal(1, 0.04)
        t = np.where(y < nipple_y, (nipple_y - y) / above, (y - nipple_y) / below)
        power = rng.uniform(2.0, 2.45)
        extent = depth * np.clip(1 - np.clip(t, 0, 1) ** power, 0, 1) ** rng.uniform(0.5, 0.6)
        extent = extent * (1 + _wobble(rng, y / DETECTOR_MM[0], 0.010))
    nipple_x = float(np.interp(nipple_y, y, extent))
    height_mm, base_mm = rng.uniform(3.0, 8.0), rng.uniform(4.5, 7.0)
    extent = extent + height_mm * np.exp(-(((y - nipple_y) / base_mm) ** 4)) * (extent > 0)
    mask = x[None, :] < extent[:, None]
    nipple = (float(nipple_y), nipple_x)
    return Outline(mask, np.where(mask, _skin_distance(y, extent, shape, spacing_mm), 0.0), nipple, spacing_mm)


def _skin_distance(y: FloatArray, extent: FloatArray, shape: tuple[int, int], spacing_mm: float) -> FloatArray:
    """Distance to the skin inside the breast, found on a grid of `DISTANCE_MM` (finer pixels gain nothing by more)."""
    coarse_mm = max(spacing_mm, DISTANCE_MM)
    rows, columns = (int(np.ceil(n * spacing_mm / coarse_mm)) + 1 for n in shape)
    y_coarse, x_coarse = (np.arange(rows) + 0.5) * coarse_mm, (np.arange(columns) + 0.5) * coarse_mm
    inside = x_coarse[None, :] < np.interp(y_coarse, y, extent)[:, None]
    # The image border and the chest wall are not skin: continue the breast beyond them before taking distances.
    margin = int(np.ceil(60 / coarse_mm))
    top = margin if inside[0].any() else 1
    beyond = np.pad(inside, ((top, 1), (margin, 1)), mode="edge")
    if not inside[0].any():
        beyond[0] = False
    beyond[-1] = False
    distance = ndimage.distance_transform_edt(beyond) * coarse_mm - coarse_mm / 2
    distance = distance[top : top + rows, margin : margin + columns]
    smooth = ndimage.gaussian_filter(distance, 0.8 / coarse_mm)
    if coarse_mm > spacing_mm:
        smooth = enlarge(smooth, coarse_mm, shape, spacing_mm)
    return np.asarray(np.maximum(smooth[: shape[0], : shape[1]], spacing_mm / 4))


def edge_profile(distance_mm: FloatArray, radius_mm: float) -> FloatArray:
    """Height of a rounded edge relative to the flat part: a quarter circle of ``radius_mm``, 1 further inside."""
    inside = np.clip(distance_mm / radius_mm, 0, 1)
    return np.asarray(np.sqrt(1 - (1 - inside) ** 2))


def thickness_maps(patient: Patient, view: str, outline: Outline) -> tuple[FloatArray, FloatArray]:
    """Compressed thickness in cm, outer (with skin) and inner (without), of one view.

    Between the paddles the breast is flat but for the tilt of the flexible paddle along x; at the free edge it is
    rounded with a radius of ``roll_off`` half thicknesses.
    """
    flat = patient.thickness(view)
    _, x = outline.coordinates()
    reach = outline.nipple_mm[1]
    # The tilt is about the middle of the breast, positive: thicker toward the nipple.
    plane = flat * (1 + patient.tilt * (x / reach - 0.5) * 2)
    radius_mm = patient.roll_off * flat * 10 / 2
    skin_cm = SKIN_MM / 10
    outer = plane * edge_profile(outline.skin_distance_mm, radius_mm)
    under_skin = np.clip(outline.skin_distance_mm - SKIN_MM, 0, None)
    inner = (plane - 2 * skin_cm) * edge_profile(under_skin, radius_mm - SKIN_MM)
    outer = np.where(outline.mask, outer, 0.0)
    inner = np.where(outline.mask, np.clip(np.minimum(inner, outer - 2 * skin_cm), 0, None), 0.0)
    return outer, inner
