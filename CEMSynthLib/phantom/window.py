"""A small window of the detector around a finding, and ways to lay small 3-D things into it.

Everything keeps its volume at any pixel spacing: what is thinner than a pixel is spread over it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.phantom.outline import Outline

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """Rows and columns of a view.

    Parameters
    ----------
    rows, columns
        In the arrays of the view.
    y_mm, x_mm
        Pixel centers, shapes (rows,) and (columns,).
    spacing_mm
        Pixel spacing.
    """

    rows: slice
    columns: slice
    y_mm: FloatArray
    x_mm: FloatArray
    spacing_mm: float

    @classmethod
    def around(cls, outline: Outline, center_mm: tuple[float, float], half_mm: float) -> "Window":
        """The part of the view within ``half_mm`` of a place (y, x); empty where that lies outside."""
        y, x = (axis.ravel() for axis in outline.coordinates())
        spacing = outline.spacing_mm
        sides = []
        for axis, center in ((y, center_mm[0]), (x, center_mm[1])):
            start = int(np.clip(np.floor((center - half_mm - axis[0]) / spacing), 0, axis.size))
            stop = int(np.clip(np.ceil((center + half_mm - axis[0]) / spacing) + 1, start, axis.size))
            sides.append(slice(start, stop))
        return cls(sides[0], sides[1], y[sides[0]], x[sides[1]], spacing)

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns, to index the view's arrays."""
        return self.rows, self.columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.y_mm.size, self.x_mm.size

    @property
    def empty(self) -> bool:
        """Whether it lies outside the view."""
        return 0 in self.shape

    def sample(self, projection: FloatArray, step_mm: float, center_mm: tuple[float, float]) -> FloatArray:
        """A projection with axes (depth, across) and its middle at ``center_mm``, on the pixels of the window."""
        if self.spacing_mm > step_mm:
            # The mean over a pixel, nearly.
            sigma = np.sqrt(self.spacing_mm**2 - step_mm**2) / step_mm / np.sqrt(12)
            projection = ndimage.gaussian_filter(projection, sigma, mode="constant")
        middle = (np.array(projection.shape) - 1) / 2
        depth = (center_mm[1] - self.x_mm) / step_mm + middle[0]
        across = (center_mm[0] - self.y_mm) / step_mm + middle[1]
        index = np.stack(np.broadcast_arrays(depth[None, :], across[:, None]))
        return np.asarray(np.clip(ndimage.map_coordinates(projection, index, order=3, mode="constant"), 0, None))

    def dust(self, points_yx: FloatArray, volume_mm3: FloatArray, sigma_mm: float) -> FloatArray:
        """Path length in mm through many tiny things, shape of the window, blurred by ``sigma_mm``."""
        rows, columns = self.shape
        row = (points_yx[:, 0] - self.y_mm[0]) / self.spacing_mm
        column = (points_yx[:, 1] - self.x_mm[0]) / self.spacing_mm
        top, left = np.floor(row).astype(int), np.floor(column).astype(int)
        total = np.zeros(rows * columns)
        for down in (0, 1):
            for right in (0, 1):
                share = np.abs(1 - down - (row - top)) * np.abs(1 - right - (column - left))
                r, c = top + down, left + right
                inside = (r >= 0) & (r < rows) & (c >= 0) & (c < columns)
                total += np.bincount((r * columns + c)[inside], (share * volume_mm3)[inside], minlength=rows * columns)
        path = total.reshape(rows, columns) / self.spacing_mm**2
        sigma = sigma_mm / self.spacing_mm
        return np.asarray(ndimage.gaussian_filter(path, sigma, mode="constant") if sigma > 0.3 else path)

    def balls(self, points_yx: FloatArray, radii_mm: FloatArray) -> FloatArray:
        """Path length in mm through balls; each keeps its volume."""
        path = np.zeros(self.shape)
        volumes = 4 / 3 * np.pi * radii_mm**3
        fine = radii_mm < 0.75 * self.spacing_mm
        if fine.any():
            path += self.dust(points_yx[fine], volumes[fine], 0.0)
        for (y, x), radius, volume in zip(points_yx[~fine], radii_mm[~fine], volumes[~fine], strict=True):
            rows, columns = self._near(y, x, radius + self.spacing_mm)
            away = (self.y_mm[rows, None] - y) ** 2 + (self.x_mm[None, columns] - x) ** 2
            chord = 2 * np.sqrt(np.clip(radius**2 - away, 0, None))
            whole = abs(y - np.clip(y, self.y_mm[0] + radius, self.y_mm[-1] - radius)) + abs(
                x - np.clip(x, self.x_mm[0] + radius, self.x_mm[-1] - radius)
            )
            if whole == 0:
                chord *= volume / (chord.sum() * self.spacing_mm**2)
            path[rows, columns] += chord
        return path

    def clumps(self, points_yx: FloatArray, sigma_mm: FloatArray, amount: FloatArray) -> FloatArray:
        """Sum of Gaussians; ``amount`` is the integral of each over the detector (per mm2 of the result)."""
        total = np.zeros(self.shape)
        wide = np.hypot(sigma_mm, self.spacing_mm / np.sqrt(12))
        for (y, x), sigma, mass in zip(points_yx, wide, amount, strict=True):
            rows, columns = self._near(y, x, 3.5 * sigma)
            down = np.exp(-((self.y_mm[rows] - y) ** 2) / (2 * sigma**2))
            right = np.exp(-((self.x_mm[columns] - x) ** 2) / (2 * sigma**2))
            total[rows, columns] += np.outer(mass / (2 * np.pi * sigma**2) * down, right)
        return total

    def _near(self, y: float, x: float, reach: float) -> tuple[slice, slice]:
        low = np.searchsorted(self.y_mm, y - reach), np.searchsorted(self.x_mm, x - reach)
        high = np.searchsorted(self.y_mm, y + reach), np.searchsorted(self.x_mm, x + reach)
        return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))

    def inside(self, polygon_yx: FloatArray) -> NDArray[np.bool_]:
        """Pixels whose center lies in a polygon, shape (points, 2), by the even-odd rule."""
        result = np.zeros(self.shape, dtype=bool)
        for (y0, x0), (y1, x1) in zip(polygon_yx, np.roll(polygon_yx, -1, axis=0), strict=True):
            rows = np.flatnonzero((self.y_mm < y0) != (self.y_mm < y1))
            if rows.size:
                crossing = x0 + (self.y_mm[rows] - y0) / (y1 - y0) * (x1 - x0)
                result[rows] ^= self.x_mm[None, :] < crossing[:, None]
        return result
