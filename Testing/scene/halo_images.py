"""Images with a halo whose step and depths are known."""

from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt

from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, Laterality, PixelGrid, ViewPosition, VOIWindow

#: The dark band lies up to 8 mm behind the skin, the rim from 12 mm on.
TROUGH_MM, RIM_MM = 8.0, 12.0
STEPS = (40.0, 20.0)


def breast(shape, spacing, side="left") -> tuple[np.ndarray, np.ndarray]:
    """A half ellipse at the chest wall, and the depth behind its skin."""
    rows, columns = shape
    y = (np.arange(rows)[:, None] - (rows - 1) / 2) * spacing[0]
    x = np.arange(columns)[None, :] * spacing[1] + 0.0 * y
    x = x if side == "left" else x[:, ::-1]
    inside = (y / (0.42 * rows * spacing[0])) ** 2 + (x / (0.8 * columns * spacing[1])) ** 2 < 1
    wall = ((0, 0), (1, 0)) if side == "left" else ((0, 0), (0, 1))
    depth = distance_transform_edt(np.pad(inside, wall, constant_values=True), sampling=spacing)
    return inside, depth[:, 1:] if side == "left" else depth[:, :-1]


def iodine(inside, depth, step, noise, seed, where=True) -> np.ndarray:
    """2060 in the band, ``step`` more behind it."""
    ramp = np.clip((depth - TROUGH_MM) / (RIM_MM - TROUGH_MM), 0, 1) - np.clip((depth - 1.5) / 1.5, 0, 1)
    values = 2060 + step + np.where(where, step * ramp, 0.0)
    return np.where(inside, values + np.random.default_rng(seed).normal(0, noise, inside.shape), 2000)


def halo_acquisition(
    folder: Path, shape=(300, 230), spacing=(0.8, 0.8), steps=STEPS, sop="1.2", side="left", synthetic=True, upper=False
) -> tuple[Acquisition, CEMImage | None]:
    """An acquisition with its synthetic image; with ``upper`` the clinical halo is in the upper half only."""
    inside, depth = breast(shape, spacing or (0.8, 0.8), side)
    where = np.arange(shape[0])[:, None] < shape[0] / 2 if upper else True
    low = np.where(inside, 900 + np.random.default_rng(0).normal(0, 10, shape), 0)

    def image(kind: ImageKind, pixels: np.ndarray, window: VOIWindow, **attributes: str) -> CEMImage:
        path = folder / f"{sop}_{kind.value}.dcm"
        path.write_bytes(kind.value.encode())
        return CEMImage(
            path, kind, PixelGrid(*shape, spacing), window, None, 12, False, f"{sop}.{list(ImageKind).index(kind)}",
            attributes, lambda: pixels.astype(np.float32),
        )  # fmt: skip

    window = VOIWindow(2120.0, 321.0)
    clinical = image(ImageKind.RECOMBINED, np.rint(iodine(inside, depth, steps[0], 3.0, 1, where)), window)
    made = image(ImageKind.SYNTHETIC, iodine(inside, depth, steps[1], 0.5, 2), window, SourceSOPInstanceUID=f"{sop}.0")
    pair = Acquisition(
        Laterality.LEFT if side == "left" else Laterality.RIGHT,
        ViewPosition.CC,
        image(ImageKind.LOW_ENERGY, np.rint(low), VOIWindow(600.0, 1000.0)),
        None,
        clinical,
    )
    return pair, made if synthetic else None
