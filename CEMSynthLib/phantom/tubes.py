"""Vessels and ducts: winding 3-D tubes, drawn once for a breast and seen in both views of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.outline import Outline

FloatArray = NDArray[np.float64]
STEP_MM = 1.0


@dataclass(frozen=True)
class Tube:
    """A vessel or a duct.

    Parameters
    ----------
    places_mm
        (n, 3): (depth, lateral, cranial) of its axis, mm from the nipple.
    radii_mm
        (n,): its radius there.
    """

    places_mm: FloatArray
    radii_mm: FloatArray


def _winding(rng: np.random.Generator, steps: int) -> FloatArray:
    """Sideways slope along the way: slow and quick turns, the quick ones smaller."""
    slow = ndimage.gaussian_filter1d(rng.standard_normal(steps + 200), 16)[100:-100]
    quick = ndimage.gaussian_filter1d(rng.standard_normal(steps + 200), 4)[100:-100]
    return np.asarray(0.30 * slow / slow.std() + 0.17 * quick / quick.std())


def _way(rng: np.random.Generator, start: FloatArray, end: FloatArray, wind: float) -> FloatArray:
    """A winding way of about `STEP_MM` steps between two places."""
    straight = end - start
    length = float(np.linalg.norm(straight))
    steps = max(8, int(length / STEP_MM))
    t = np.linspace(0, 1, steps)[:, None]
    along = straight / length
    aside = np.linalg.svd(along[None, :])[2][1:]
    bridge = np.zeros((steps, 2))
    for axis in range(2):
        walk = np.cumsum(_winding(rng, steps)) * STEP_MM * wind
        bridge[:, axis] = walk - walk[-1] * t[:, 0]
    return np.asarray(start + t * straight + bridge @ aside)


def draw_vessels(rng: np.random.Generator, depth_mm: float, radius_mm: float) -> tuple[Tube, ...]:
    """Three to six veins under the skin, 1 to 2.4 mm wide, from chest wall toward nipple, most with branches."""
    vessels = []
    for _ in range(int(rng.integers(3, 7))):
        angle = rng.uniform(0, 2 * np.pi)
        side = np.array([0.0, np.cos(angle), np.sin(angle)])
        start = np.array([depth_mm * rng.uniform(0.85, 1.0), 0, 0]) + side * radius_mm * rng.uniform(0.35, 0.72)
        end = np.array([depth_mm * rng.uniform(0.12, 0.4), 0, 0]) + side * radius_mm * rng.uniform(0.1, 0.38)
        way = _way(rng, start, end, 1.0)
        radii = rng.uniform(0.5, 1.2) * np.linspace(1, 0.5, len(way))
        vessels.append(Tube(way, radii))
        for _ in range(int(rng.integers(0, 3))):
            fork = int(rng.uniform(0.2, 0.7) * len(way))
            turn = angle + rng.choice([-1, 1]) * rng.uniform(0.35, 0.8)
            tip = np.array([way[fork, 0] * rng.uniform(0.25, 0.6), 0, 0])
            tip = tip + np.array([0.0, np.cos(turn), np.sin(turn)]) * np.hypot(*way[fork, 1:]) * rng.uniform(0.6, 0.95)
            branch = _way(rng, way[fork], tip, 0.9)
            vessels.append(Tube(branch, radii[fork] * rng.uniform(0.5, 0.8) * np.linspace(1, 0.5, len(branch))))
    return tuple(vessels)


def draw_ducts(rng: np.random.Generator, depth_mm: float, radius_mm: float) -> tuple[Tube, ...]:
    """Eight to fourteen ducts that fan out behind the nipple, 0.6 to 1.6 mm wide."""
    ducts = []
    for _ in range(int(rng.integers(8, 15))):
        angle, spread = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.42) * radius_mm
        end = np.array([depth_mm * rng.uniform(0.22, 0.5), spread * np.cos(angle), spread * np.sin(angle)])
        way = _way(rng, np.array([0.0, 0.0, 0.0]), end, 0.5)
        ducts.append(Tube(way, rng.uniform(0.3, 0.8) * np.linspace(1, 0.35, len(way))))
    return tuple(ducts)


def chords(tubes: tuple[Tube, ...], compression: Compression, outline: Outline) -> FloatArray:
    """Length of the beam's way through tubes, cm; where tubes cross, the longer one.

    A tube is the envelope of balls along its axis, wide enough apart to be quick and near enough to look smooth.
    """
    spacing = outline.spacing_mm
    length = np.zeros(outline.shape)
    y0, x0 = outline.origin_mm
    for tube in tubes:
        places = compression.project(tube.places_mm)
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(places, axis=0).T))])
        # A tube thinner than a pixel keeps its cross-section but is drawn a pixel wide.
        fine = np.arange(0, way[-1], max(0.35 * float(tube.radii_mm.min()), 0.5 * spacing))
        radii = np.interp(fine, way, tube.radii_mm)
        wide = np.maximum(radii, 0.75 * spacing)
        for y, x, radius, drawn in zip(
            np.interp(fine, way, places[:, 0]), np.interp(fine, way, places[:, 1]), radii, wide, strict=True
        ):
            top, left = int((y - y0 - drawn) / spacing), int((x - x0 - drawn) / spacing)
            bottom, right = int((y - y0 + drawn) / spacing) + 1, int((x - x0 + drawn) / spacing) + 1
            if top < 0 or left < 0 or bottom > outline.shape[0] or right > outline.shape[1]:
                continue
            dy = (np.arange(top, bottom) + 0.5) * spacing + y0 - y
            dx = (np.arange(left, right) + 0.5) * spacing + x0 - x
            inside = drawn**2 - dy[:, None] ** 2 - dx[None, :] ** 2
            chord = 0.2 * np.sqrt(np.clip(inside, 0, None)) * (radius / drawn) ** 2
            part = length[top:bottom, left:right]
            np.maximum(part, chord, out=part)
    return length
