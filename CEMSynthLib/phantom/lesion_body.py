"""The 3-D shape of a mass: a voxel body with smooth, lobed or ragged surface, homogeneous, mottled or rim uptake."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.lesion_plan import LesionKind, LesionPlan, Margin, MassShape, Pattern

FloatArray = NDArray[np.float64]
Volume = NDArray[np.float32]

VOXELS = 48
#: The surface stays within this many mean radii.
FARTHEST = 1.5
# Width of the border in mm: from lesion to surroundings.
BORDER_MM = {Margin.CIRCUMSCRIBED: 0.0, Margin.IRREGULAR: 1.6, Margin.SPICULATED: 1.0}


@dataclass(frozen=True)
class Body:
    """Voxels of `voxel_mm`, axes (depth, lateral, cranial), the middle at the lesion's center.

    Parameters
    ----------
    tissue
        0 outside, 1 inside.
    uptake
        Iodine concentration relative to its mean over the body; 0 outside.
    """

    voxel_mm: float
    tissue: Volume
    uptake: Volume

    def project(self, field: Volume, compression: Compression) -> FloatArray:
        """Sum along the beam times mm, axes (depth, across) of the view: the body is turned, not squeezed."""
        along = field.reshape(field.shape[0], -1) @ _beam(compression.angle_deg, field.shape[1])
        return np.asarray(along * self.voxel_mm, dtype=np.float64)


@lru_cache(maxsize=8)
def _beam(angle_deg: float, voxels: int) -> Volume:
    """Shares (voxels^2, voxels) in which voxels (lateral, cranial) bring their content to places across the beam.

    The beam turns about the depth axis, so each slice of a body is projected alike. A voxel is four points, each shared
    between the two nearest places.
    """
    _, (_, lateral, cranial), _ = Compression(angle_deg, (0.0, 0.0)).axes
    middle = (voxels - 1) / 2
    axis = np.arange(voxels) - middle
    shares = np.zeros((voxels * voxels, voxels))
    rows = np.arange(voxels * voxels)
    for aside in (-0.25, 0.25):
        for up in (-0.25, 0.25):
            across = (lateral * (axis + aside)[:, None] + cranial * (axis + up)[None, :] + middle).ravel()
            low = np.floor(across).astype(int)
            for place, share in ((low, low + 1 - across), (low + 1, across - low)):
                inside = (place >= 0) & (place < voxels)
                np.add.at(shares, (rows[inside], place[inside]), share[inside] / 4)
    return shares.astype(np.float32)


@cache
def _refine(coarse: int, fine: int) -> Volume:
    """Linear interpolation from ``coarse`` to ``fine`` samples along one axis, a matrix."""
    places = (np.arange(fine) + 0.5) * coarse / fine - 0.5
    return np.stack([np.interp(places, np.arange(coarse), one) for one in np.eye(coarse)], axis=1).astype(np.float32)


def grid(radius_mm: float) -> tuple[float, Volume]:
    """Voxel size and the places (3, n, n, n) in mm of a cube that holds a body of the mean radius."""
    voxel = 2 * (FARTHEST + 0.1) * radius_mm / VOXELS
    axis = ((np.arange(VOXELS) - (VOXELS - 1) / 2) * voxel).astype(np.float32)
    return voxel, np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))


def rotation(rng: np.random.Generator) -> FloatArray:
    """A random rotation (3, 3)."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(q * np.sign(np.diag(r)))


def _waves(rng: np.random.Generator, directions: Volume, low: float, high: float, count: int) -> Volume:
    """Smooth noise on the sphere, standard deviation about 1: waves with ``low`` to ``high`` periods around it."""
    ways = rng.standard_normal((count, 3))
    ways *= (rng.uniform(low, high, count) / np.linalg.norm(ways, axis=1))[:, None]
    waves = ways.astype(np.float32) @ directions.reshape(3, -1)
    waves += rng.uniform(0, 2 * np.pi, (count, 1)).astype(np.float32)
    total = np.cos(waves, out=waves).sum(axis=0) * np.float32(np.sqrt(2 / count))
    return np.asarray(total.reshape(directions.shape[1:]))


def _surface(rng: np.random.Generator, plan: LesionPlan, directions: Volume) -> Volume:
    """Distance of the surface from the center, in mean radii."""
    stretch = np.ones(3)
    if plan.shape is not MassShape.ROUND:
        stretch = np.array([1.0, rng.uniform(0.72, 0.9), rng.uniform(0.6, 0.85)])
    stretch = (stretch / stretch.prod() ** (1 / 3)).astype(np.float32)
    turned = (rotation(rng).astype(np.float32) @ directions.reshape(3, -1)).reshape(directions.shape)
    surface = 1 / np.sqrt(((turned / stretch[:, None, None, None]) ** 2).sum(axis=0))
    if plan.shape is MassShape.IRREGULAR:
        surface = surface * (1 + np.float32(0.11) * _waves(rng, directions, 3.0, 5.5, 5))
        surface = surface * (1 + np.float32(0.06) * _waves(rng, directions, 8.0, 14.0, 6))
    elif plan.lobulated:
        surface = surface * (1 + np.float32(0.10) * _waves(rng, directions, 4.0, 5.5, 3))
    elif plan.kind is LesionKind.MASS:
        surface = surface * (1 + np.float32(0.025) * _waves(rng, directions, 2.0, 4.0, 3))
        if plan.margin is not Margin.CIRCUMSCRIBED:
            surface = surface * (1 + np.float32(0.07) * _waves(rng, directions, 7.0, 13.0, 6))
    return np.asarray(np.clip(surface, 0.45, FARTHEST), dtype=np.float32)


def _uptake(rng: np.random.Generator, plan: LesionPlan, depth: Volume) -> Volume:
    """Relative concentration; ``depth``: 0 at the center, 1 at the surface."""
    if plan.pattern is Pattern.HOMOGENEOUS:
        return np.ones_like(depth)
    coarse = ndimage.gaussian_filter(rng.standard_normal((12, 12, 12)).astype(np.float32), 0.7)
    coarse /= coarse.std()
    for _ in range(3):
        # Each turn refines the first axis and makes it the last.
        coarse = np.tensordot(coarse, _refine(12, VOXELS), axes=(0, 1))
    mottle = coarse
    if plan.pattern is Pattern.RIM:
        width = np.float32(0.10 if plan.kind is LesionKind.CYST else 0.17)
        inner = np.float32(0.0 if plan.kind is LesionKind.CYST else 0.15)
        shell = inner + np.exp(-(((depth - np.float32(0.86)) / width) ** 2))
        return np.asarray(shell * np.exp(np.float32(0.2) * mottle))
    return np.asarray(np.exp(np.float32(0.65) * mottle))


def draw_body(rng: np.random.Generator, plan: LesionPlan, radius_mm: float) -> Body:
    """Draw the body of a mass, a cyst or the core of a scar.

    Parameters
    ----------
    rng
        Source of the shape; the same in both views.
    radius_mm
        Mean radius (of a scar's core smaller than the plan's).
    """
    voxel, places = grid(radius_mm)
    away = np.sqrt((places**2).sum(axis=0))
    surface = _surface(rng, plan, places / away) * np.float32(radius_mm)
    # Noise and stretching keep the volume.
    surface *= np.float32(radius_mm / (surface.astype(np.float64) ** 3).mean() ** (1 / 3))
    border = np.float32(max(BORDER_MM[plan.margin or Margin.CIRCUMSCRIBED], voxel))
    tissue = np.clip(np.float32(0.5) + (surface - away) / border, 0, 1)
    if not plan.enhances:
        return Body(voxel, tissue, np.zeros_like(tissue))
    uptake = tissue * _uptake(rng, plan, away / surface)
    return Body(voxel, tissue, np.asarray(uptake * (tissue.sum() / uptake.sum()), dtype=np.float32))
