"""A lesion in a view: its 3-D shape projected along the beam, what it brings, and the truth about it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.lesion_body import Body, draw_body
from CEMSynthLib.phantom.lesion_plan import LesionKind, LesionPlan, Margin
from CEMSynthLib.phantom.non_mass import Clumps, draw_clumps
from CEMSynthLib.phantom.spicules import Spicules, draw_spicules
from CEMSynthLib.phantom.window import Window

FloatArray = NDArray[np.float64]
OUTLINE_POINTS = 64
#: A lesion ends where it is this share of its strongest place: path through a mass, iodine of non-mass enhancement.
MASS_EDGE, NON_MASS_EDGE = 0.12, 0.2
#: A scar is a small core with long spicules.
SCAR_CORE = 0.45
#: Path through non-mass enhancement where its iodine is that of the plan, mm.
NON_MASS_TISSUE_MM = 6.0
#: Iodine of spicules relative to the mass.
SPICULE_UPTAKE = 0.6


@dataclass(frozen=True)
class Lesion:
    """A lesion in one view.

    Parameters
    ----------
    plan
        What it is.
    number
        Its place in ``Patient.lesions``, from 1; the same in both views.
    center_mm
        (y, x) on the detector, chest wall at the left.
    nipple_distance_mm
        From the nipple on the detector.
    mask, corner
        Where it is, without spicules (bool), and the (row, column) of its first pixel in the arrays of the view, chest
        wall at the left.
    outline_mm
        Array (points, 2) of (y, x): a closed curve around the mask.
    background_center_mm, background_radius_mm
        A disc in lesion-free tissue at the same distance to the skin, for CNR; the center is ``None`` where the
        breast has no room for one.
    iodine, peak_iodine
        Mean and largest areal density in the outline, mg/cm2: of the lesion alone, without background enhancement.
    """

    plan: LesionPlan
    number: int
    center_mm: tuple[float, float]
    nipple_distance_mm: float
    mask: NDArray[np.bool_]
    corner: tuple[int, int]
    outline_mm: FloatArray
    background_center_mm: tuple[float, float] | None
    background_radius_mm: float
    iodine: float
    peak_iodine: float


@dataclass(frozen=True)
class LesionShape:
    """The 3-D shape of a lesion: a body with or without spicules, or a cloud of clumps."""

    body: Body | None = None
    spicules: Spicules | None = None
    clumps: Clumps | None = None

    @property
    def reach_mm(self) -> float:
        """How far it reaches from its center."""
        parts: list[float] = [part.reach_mm for part in (self.spicules, self.clumps) if part is not None]
        if self.body is not None:
            parts.append(self.body.voxel_mm * self.body.tissue.shape[0] / 2)
        return max(parts)


@dataclass(frozen=True)
class Projection:
    """What a lesion brings to the pixels of a window.

    Parameters
    ----------
    tissue_mm
        Path through its tissue, spicules included.
    body_mm
        The same without spicules (0 for non-mass enhancement): what displaces other tissue.
    iodine
        mg/cm2.
    mask
        Where it is.
    """

    tissue_mm: FloatArray
    body_mm: FloatArray
    iodine: FloatArray
    mask: NDArray[np.bool_]


def draw_shape(rng: np.random.Generator, plan: LesionPlan) -> LesionShape:
    """Draw the 3-D shape of a lesion; ``rng`` must be the same for both views."""
    if plan.kind is LesionKind.NON_MASS:
        return LesionShape(clumps=draw_clumps(rng, plan))
    core = plan.radius_mm * (SCAR_CORE if plan.kind is LesionKind.SCAR else 1.0)
    body = draw_body(rng, plan, core)
    spicules = None
    if plan.margin is Margin.SPICULATED:
        length = rng.uniform(1.1, 1.8) * plan.radius_mm * (1.2 if plan.kind is LesionKind.SCAR else 1.0)
        spicules = draw_spicules(rng, core, max(float(length), 6.0), int(rng.integers(22, 36)))
    return LesionShape(body=body, spicules=spicules)


def project(
    shape: LesionShape, plan: LesionPlan, compression: Compression, window: Window, center_mm: tuple[float, float]
) -> Projection:
    """Project a lesion along the beam onto the pixels of a window."""

    def seen(places_mm: FloatArray) -> FloatArray:
        """(y, x) on the detector of places given from the lesion's center: turned, not squeezed."""
        depth_across = places_mm @ compression.axes[:2].T
        return np.array(center_mm) - depth_across[:, ::-1]

    if shape.clumps is not None:
        cloud = window.clumps(seen(shape.clumps.places_mm), shape.clumps.sigma_mm, shape.clumps.amount)
        mask = _filled(cloud, NON_MASS_EDGE)
        return Projection(NON_MASS_TISSUE_MM * cloud, np.zeros_like(cloud), plan.iodine * cloud, mask)
    assert shape.body is not None
    body = shape.body
    path = window.sample(body.project(body.tissue, compression), body.voxel_mm, center_mm)
    # mg/ml times mm is 0.1 mg/cm2; a ball of the plan's radius has the plan's iodine at its center.
    concentration = plan.iodine / (2 * plan.radius_mm)
    iodine = np.zeros_like(path)
    if plan.enhances:
        iodine = concentration * window.sample(body.project(body.uptake, compression), body.voxel_mm, center_mm)
    tissue = path
    if shape.spicules is not None:
        strands = shape.spicules
        threads = window.dust(seen(strands.places_mm), strands.volume_mm3, strands.width_mm)
        # Inside the body they are part of it.
        threads = threads * np.clip(1 - path / (0.6 * max(float(path.max()), 1e-9)), 0, 1)
        tissue = path + threads
        iodine = iodine + SPICULE_UPTAKE * concentration * threads
    return Projection(tissue, path, iodine, _filled(path, MASS_EDGE))


def _filled(image: FloatArray, edge: float) -> NDArray[np.bool_]:
    peak = float(image.max(initial=0.0))
    if peak <= 0:
        return np.zeros(image.shape, dtype=bool)
    return np.asarray(ndimage.binary_fill_holes(image >= edge * peak))


def _even(polygon: FloatArray) -> FloatArray:
    """`OUTLINE_POINTS` points at equal steps along a polygon: Slicer's spline through them follows it."""
    closed = np.vstack([polygon, polygon[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    steps = np.linspace(0, length[-1], OUTLINE_POINTS, endpoint=False)
    return np.column_stack([np.interp(steps, length, axis) for axis in closed.T])


def curve_around(mask: NDArray[np.bool_], window: Window, center_mm: tuple[float, float], hull: bool) -> FloatArray:
    """Closed curve around a mask, (points, 2) of (y, x).

    Parameters
    ----------
    hull
        The convex hull, for clumps apart; else the farthest pixel seen from the center on `OUTLINE_POINTS` rays (the
        shadow of a body without holes or overhangs has none either).
    """
    edge = mask & ~ndimage.binary_erosion(mask)
    rows, columns = np.nonzero(edge)
    half = window.spacing_mm / 2
    corners = [
        np.column_stack([window.y_mm[rows] + dy, window.x_mm[columns] + dx])
        for dy in (-half, half)
        for dx in (-half, half)
    ]
    points = np.concatenate(corners)
    if hull:
        return _even(points[ConvexHull(points).vertices])
    away = points - np.array(center_mm)
    distance, angle = np.hypot(away[:, 0], away[:, 1]), np.arctan2(away[:, 0], away[:, 1])
    step = 2 * np.pi / OUTLINE_POINTS
    # The curve goes through the farthest pixel near each ray.
    rays = np.arange(OUTLINE_POINTS) * step
    nearest = np.round(angle / step).astype(int) % OUTLINE_POINTS
    reach = np.zeros(OUTLINE_POINTS)
    np.maximum.at(reach, nearest, distance)
    known = reach > 0
    reach = np.interp(rays, rays[known], reach[known], period=2 * np.pi)
    return np.asarray(np.array(center_mm) + reach[:, None] * np.column_stack([np.sin(rays), np.cos(rays)]))
