"""A view while findings are laid into it: tissue is exchanged, never added, so that the thickness stays."""

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.anatomy import Anatomy
from CEMSynthLib.phantom.window import Window

FloatArray = NDArray[np.float64]


class Canvas:
    """Copies of what findings change.

    Parameters
    ----------
    anatomy
        Of the view; it is not changed.
    """

    def __init__(self, anatomy: Anatomy) -> None:
        self.outline = anatomy.outline
        self.adipose, self.glandular = anatomy.adipose.copy(), anatomy.glandular.copy()
        self.bpe = anatomy.iodine_bpe.copy()
        self.iodine = np.zeros(anatomy.outline.shape)
        self.calcification: FloatArray | None = None
        self.titanium: FloatArray | None = None

    def to_gland(self, window: Window, path_mm: FloatArray, density: float) -> None:
        """Turn ``density`` of the fat along a path to gland; the thickness stays."""
        changed = density * self._share(window, path_mm) * self.adipose[window.box]
        self.adipose[window.box] -= changed
        self.glandular[window.box] += changed

    def to_fat(self, window: Window, path_mm: FloatArray) -> None:
        """Turn gland along a path to fat."""
        changed = self._share(window, path_mm) * self.glandular[window.box]
        self.glandular[window.box] -= changed
        self.adipose[window.box] += changed

    def displace(self, window: Window, path_mm: FloatArray) -> None:
        """Take away the background's iodine along a path."""
        self.bpe[window.box] *= 1 - self._share(window, path_mm)

    def to_calcification(self, window: Window, path_mm: FloatArray) -> None:
        """Add hydroxyapatite."""
        self.calcification = self._plus(self.calcification, window, path_mm)

    def to_titanium(self, window: Window, path_mm: FloatArray) -> None:
        """Add titanium."""
        self.titanium = self._plus(self.titanium, window, path_mm)

    def _plus(self, image: FloatArray | None, window: Window, path_mm: FloatArray) -> FloatArray:
        image = np.zeros(self.outline.shape) if image is None else image
        image[window.box] += path_mm / 10 * self.outline.mask[window.box]
        return image

    def _share(self, window: Window, path_mm: FloatArray) -> FloatArray:
        inner = self.adipose[window.box] + self.glandular[window.box]
        return np.asarray(np.minimum(path_mm / 10 / np.maximum(inner, 1e-6), 1) * (inner > 0))
