"""A lymph node: a bean of soft tissue around a fatty hilum."""

from dataclasses import dataclass

import numpy as np

from CEMSynthLib.phantom.lesion_body import Body, Volume, grid, rotation


@dataclass(frozen=True)
class Node:
    """Two bodies of one grid: ``cortex`` (tissue and uptake) and ``hilum`` (fat)."""

    cortex: Body
    hilum: Volume


def draw_node(rng: np.random.Generator, radius_mm: float) -> Node:
    """Draw a node; ``radius_mm`` is half its length."""
    voxel, places = grid(radius_mm)
    turned = np.tensordot(rotation(rng).astype(np.float32), places, axes=1)
    size = np.float32(radius_mm)
    width, thick = (np.float32(rng.uniform(*limits)) for limits in ((0.62, 0.75), (0.5, 0.65)))
    # A bean is bent: the ellipsoid's long axis follows a parabola.
    bent = turned[1] + np.float32(0.30) * turned[0] ** 2 / size
    away = np.sqrt((turned[0] / size) ** 2 + (bent / (width * size)) ** 2 + (turned[2] / (thick * size)) ** 2)
    whole = np.clip(np.float32(0.5) + (1 - away) * size * thick / np.float32(voxel), 0, 1)
    notch = np.sqrt(
        (turned[0] / (np.float32(0.62) * size)) ** 2
        + ((bent + np.float32(0.30) * width * size) / (np.float32(0.62) * width * size)) ** 2
        + (turned[2] / (np.float32(0.55) * thick * size)) ** 2
    )
    fat = whole * np.clip(np.float32(0.5) + (1 - notch) * size * np.float32(0.4) / np.float32(voxel), 0, 1)
    cortex = np.asarray(whole - fat, dtype=np.float32)
    return Node(Body(voxel, cortex, cortex), np.asarray(fat, dtype=np.float32))
