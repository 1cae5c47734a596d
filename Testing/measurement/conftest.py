"""Analytic breasts: a half disc with a painted profile, so that every number of the halo is known."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

ROWS, COLUMNS, RADIUS = 520, 300, 250
LEVEL = 100.0


@dataclass(frozen=True)
class Breast:
    mask: np.ndarray
    skin: np.ndarray
    depth: np.ndarray
    angle: np.ndarray


def half_disc(side: str = "left", scale: tuple[float, float] = (1.0, 1.0)) -> Breast:
    """A half disc at the chest wall; ``scale`` is the (row, column) spacing, the disc is round in those units."""
    row, column = np.mgrid[: round(ROWS / scale[0]), : round(COLUMNS / scale[1])].astype(float)
    y, x = row * scale[0] - ROWS / 2, column * scale[1]
    mask = np.hypot(x, y) < RADIUS
    skin = mask & ~binary_erosion(mask, border_value=1)
    skin[:, 0] = False
    depth = RADIUS - np.hypot(x, y)
    angle = np.degrees(np.arctan2(y, np.maximum(x, 1e-9)))
    fields = (mask, skin, depth, angle)
    return Breast(*(f[:, ::-1] if side == "right" else f for f in fields))


def paint(
    breast: Breast,
    band: tuple[float, float, float] = (10.0, 35.0, -30.0),
    rim: tuple[float, float, float] = (40.0, 60.0, 12.0),
    skin_line: float = 80.0,
) -> np.ndarray:
    """LEVEL with a bright skin line of 4 units and, from and to a depth, a dark band and a bright rim; air is 0."""
    image = np.full(breast.mask.shape, LEVEL)
    image[breast.depth < 4] += skin_line
    for start, stop, height in (band, rim):
        image[(breast.depth >= start) & (breast.depth < stop)] += height
    image[~breast.mask] = 0
    return image


def paint_along_rows(breast: Breast) -> np.ndarray:
    """The same profile as `paint`, but its depth counted along the row (chest wall at the left)."""
    front = breast.mask.shape[1] - 1 - np.argmax(breast.mask[:, ::-1], axis=1)
    along = front[:, None] - np.arange(breast.mask.shape[1])[None, :]
    return paint(Breast(breast.mask, breast.skin, along.astype(float), breast.angle))


@pytest.fixture(scope="session")
def analytic() -> SimpleNamespace:
    """The functions of this file."""
    return SimpleNamespace(half_disc=half_disc, paint=paint, paint_along_rows=paint_along_rows, level=LEVEL)
