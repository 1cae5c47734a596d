"""From the breast to a view of it: where a point of the 3-D breast comes to lie between the paddles.

Places in the breast are (depth, lateral, cranial) in mm from the nipple: toward the chest wall, outward, upward, in
the breast as it is spread by compression, so that lengths across the beam are those on the detector. A view looks
along one axis through the breast: cranial in CC, turned outward by the C-arm's angle in MLO. Compression flattens
the breast along that axis and pushes what lies above and below the middle away from the nipple, so that a place
keeps its distance from the nipple better than its shadow would; radiologists use that to find a lesion again in the
other view (within about 10 mm; see the tests for what this model gives).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

#: 0: places are projected along the beam; 1: distances from the nipple are kept.
PUSH = 0.6


@dataclass(frozen=True)
class Compression:
    """One view of a breast.

    Parameters
    ----------
    angle_deg
        Of the beam from the vertical: 0 in CC.
    nipple_mm
        (y, x) of the nipple on the detector, chest wall at the left (x = 0), lateral (CC) or axilla (MLO) at the top.
    """

    angle_deg: float
    nipple_mm: tuple[float, float]

    @property
    def axes(self) -> FloatArray:
        """Rotation (3, 3) from (depth, lateral, cranial) to (depth, across, along): across points to the top of the
        image, along points against the beam.
        """
        c, s = np.cos(np.radians(self.angle_deg)), np.sin(np.radians(self.angle_deg))
        return np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])

    def project(self, points_mm: FloatArray) -> FloatArray:
        """(y, x) on the detector in mm, shape (n, 2), of places in the breast, shape (n, 3)."""
        depth, across, along = (np.atleast_2d(points_mm) @ self.axes.T).T
        flat = np.hypot(depth, across)
        reach = (1 - PUSH) * flat + PUSH * np.sqrt(flat**2 + along**2)
        share = reach / np.maximum(flat, 1e-9)
        return np.column_stack([self.nipple_mm[0] - across * share, self.nipple_mm[1] - depth * share])

    def nipple_distance(self, points_mm: FloatArray) -> FloatArray:
        """Distance from the nipple on the detector in mm, shape (n,)."""
        there = self.project(points_mm) - np.asarray(self.nipple_mm)
        return np.asarray(np.hypot(there[:, 0], there[:, 1]))

    def places(self, y_mm: FloatArray, x_mm: FloatArray, along_mm: FloatArray) -> FloatArray:
        """Places in the breast, shape (3, ...), that come to lie at (y, x); the inverse of `project`.

        Parameters
        ----------
        y_mm, x_mm
            On the detector; arrays that broadcast with ``along_mm``.
        along_mm
            Against the beam, from the middle plane, before compression.
        """
        across, depth = self.nipple_mm[0] - y_mm, self.nipple_mm[1] - x_mm
        reach = np.hypot(across, depth)
        # (1 - k) r + k sqrt(r^2 + n^2) = reach, solved for r.
        k = PUSH
        a, b, c = k**2 - (1 - k) ** 2, 2 * (1 - k) * reach, k**2 * along_mm**2 - reach**2
        flat = 2 * np.clip(-c, 0, None) / (b + np.sqrt(np.clip(b**2 - 4 * a * c, 0, None)) + 1e-12)
        share = flat / np.maximum(reach, 1e-9)
        turned = np.stack(np.broadcast_arrays(depth * share, across * share, along_mm))
        return np.asarray(np.tensordot(self.axes.T, turned, axes=1))
