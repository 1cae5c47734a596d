"""Breast box: the part of an image that the breast takes, so that views are filled with breast and not with air."""

from typing import TYPE_CHECKING

import numpy as np

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import find_acquisition
from CEMSynthLib.scene.pixels import pixels_of
from CEMSynthLib.scene.zoom import Box, image_box, volume_to_ras
from CEMSynthLib.study.errors import BreastNotFoundError
from CEMSynthLib.study.model import Side

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

#: Air that is left around the breast, of its larger side; none at the chest wall, where the image ends.
MARGIN = 0.04
# The outline is looked for on about so many pixels along the longer side: 10 ms, and off by less than the margin.
_SIZE = 256


class BreastBoxes:
    """Finds breasts once for each image."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Box]] = {}

    def box(self, volume: "vtkMRMLScalarVolumeNode") -> Box:
        """Where the breast lies, the same for all images of an acquisition; the whole image where none is found.

        Parameters
        ----------
        volume
            Any image of an acquisition.

        Returns
        -------
        float, float, float, float
            As `image_box`.
        """
        scene = volume.GetScene()
        acquisition = find_acquisition(scene, names.acquisition_of(volume)) if scene is not None else None
        # Skin is seen best in the low-energy image.
        best = acquisition.low_energy if acquisition is not None and acquisition.low_energy is not None else volume
        if best.GetImageData() is None:
            return image_box(volume)
        time = int(best.GetImageData().GetMTime())
        known = self._known.get(best.GetID())
        if known is None or known[0] != time:
            known = self._known[best.GetID()] = (time, breast_box(best))
        return known[1]

    def forget(self) -> None:
        """The scene closes."""
        self._known.clear()


def breast_box(volume: "vtkMRMLScalarVolumeNode") -> Box:
    """R and A of the borders of the breast with some air: lowest R, highest R, lowest A, highest A.

    Parameters
    ----------
    volume
        An image; where no breast is found in it, all of it is meant.
    """
    # Imported here: it takes a third of a second, and opening the module must not.
    from CEMSynthLib.study.mask import breast_mask

    whole, pixels = image_box(volume), pixels_of(volume)
    if pixels is None:
        return whole
    step = max(1, round(max(pixels.shape) / _SIZE))
    try:
        found = breast_mask(pixels[::step, ::step].astype(np.float32))
    except BreastNotFoundError:
        return whole
    rows, columns = (np.flatnonzero(found.mask.any(axis=axis)) * step for axis in (1, 0))
    margin = MARGIN * max(np.ptp(rows), np.ptp(columns)) + step
    left, right = columns[0] - margin, columns[-1] + margin
    if found.chest_wall is Side.LEFT:
        left = -0.5
    else:
        right = pixels.shape[1] - 0.5
    to_ras = volume_to_ras(volume)
    corners = [to_ras.MultiplyPoint((i, j, 0, 1)) for i in (left, right) for j in (rows[0] - margin, rows[-1] + margin)]
    across, along = [c[0] for c in corners], [c[1] for c in corners]
    return (
        max(min(across), whole[0]),
        min(max(across), whole[1]),
        max(min(along), whole[2]),
        min(max(along), whole[3]),
    )
