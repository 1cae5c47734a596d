"""A biopsy clip: 2 to 3 mm of titanium wire in a shape that is recognized."""

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.compression import Compression
from CEMSynthLib.phantom.lesion_body import rotation
from CEMSynthLib.phantom.window import Window

FloatArray = NDArray[np.float64]
SHAPES = ("coil", "ribbon", "ring", "wing")
#: Radius of the wire; clips that are sold measure 2 to 3 mm. Chosen.
WIRE_MM = 0.12
STEP_MM = 0.06


def draw_clip(rng: np.random.Generator, shape: str) -> FloatArray:
    """Places (n, 3) in mm along the wire, from the clip's middle."""
    size = rng.uniform(2.0, 3.0)
    t = np.linspace(0, 1, 400)
    if shape == "coil":
        wire = np.column_stack([size * (t - 0.5), 0.55 * np.cos(6 * np.pi * t), 0.55 * np.sin(6 * np.pi * t)])
    elif shape == "ribbon":
        turn = np.pi * (1.75 * t - 0.375)
        wire = np.column_stack([0.5 * size * np.cos(turn) * (0.6 + 0.4 * t), 0.32 * size * np.sin(2 * turn), 0 * t])
    elif shape == "ring":
        wire = 0.45 * size * np.column_stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t), 0 * t])
    else:
        wire = 0.4 * size * np.column_stack([np.sin(2 * np.pi * t), np.sin(4 * np.pi * t), 0.2 * np.cos(2 * np.pi * t)])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(wire, axis=0), axis=1))])
    even = np.arange(0, length[-1], STEP_MM)
    return np.column_stack([np.interp(even, length, axis) for axis in wire.T]) @ rotation(rng)


def titanium_mm(
    wire_mm: FloatArray, compression: Compression, window: Window, center_mm: tuple[float, float]
) -> FloatArray:
    """Path length through the wire in mm, on the pixels of a window."""
    seen = np.array(center_mm) - (wire_mm @ compression.axes[:2].T)[:, ::-1]
    volume = np.full(len(wire_mm), np.pi * WIRE_MM**2 * STEP_MM)
    return window.dust(seen, volume, WIRE_MM / 2)
