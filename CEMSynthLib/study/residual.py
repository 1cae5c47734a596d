"""Residual: how far the outlines of a registered pair lie apart, and from which distance on the pair is refused.

The residual is the symmetric mean distance of the two skin edges (each point of one to the nearest of the other), in
pixels of the low-energy image and as a part of the breast's height. What it is for a pair that belongs together and
for one that does not, measured on the four shared real pairs: 0.2 to 0.5% of the height, with a correlation of fine
structure of 0.26 to 0.44; in the twelve ways to pair them wrongly 0.7 to 5.9%, with a correlation below 0.06 (once
0.20, at 5.9%); upside down or mirrored 1.2 to 4.4%. So a pair is refused above 0.55% where the content does not
confirm it (correlation below 0.1), and above 2% where it does: the skin is not seen alike in both images.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from CEMSynthLib.study.mask import skin_edge
from CEMSynthLib.study.model import Mask, Side

#: Part of the breast's height above which a pair is refused, whatever the content says.
LIMIT = 0.02
#: The same where the content does not confirm the registration.
LIMIT_UNCONFIRMED = 0.0055
#: From this correlation of fine structure on the content confirms.
CONFIRMING_CORRELATION = 0.10


@dataclass(frozen=True)
class RegistrationResidual:
    """What a registration left.

    Parameters
    ----------
    outline_pixels
        Symmetric mean distance of the skin edges, pixels of the low-energy image.
    outline_share
        The same as a part of the breast's height.
    correlation
        Pearson correlation of the fine structure inside, -1 to 1; ``None`` where it was not computed.
    """

    outline_pixels: float
    outline_share: float
    correlation: float | None

    @property
    def confirmed(self) -> bool:
        """True where what both images show inside lies on each other."""
        return self.correlation is not None and self.correlation >= CONFIRMING_CORRELATION

    @property
    def acceptable(self) -> bool:
        """False where the pair is to be refused."""
        return self.outline_share <= (LIMIT if self.confirmed else LIMIT_UNCONFIRMED)


def outline_residual(
    fixed: Mask, moved: Mask, chest_wall: Side, reach: Mask, correlation: float | None
) -> RegistrationResidual:
    """Measure the distance of the skin edges of two masks on one grid.

    Parameters
    ----------
    fixed, moved
        Breast masks, shape (rows, columns).
    chest_wall
        Of the fixed mask.
    reach
        Where the moved image reaches; its borders are no skin.
    correlation
        Of the fine structure, to be kept with the residual.

    Returns
    -------
    RegistrationResidual
        Infinite where one of the edges is not seen.
    """
    clear = ndimage.binary_erosion(reach, iterations=3, border_value=1)
    first, second = skin_edge(fixed & reach, chest_wall) & clear, skin_edge(moved & reach, chest_wall) & clear
    height = int(np.count_nonzero(fixed.any(axis=1)))
    if not first.any() or not second.any() or height == 0:
        return RegistrationResidual(float("inf"), float("inf"), correlation)
    to_first, to_second = ndimage.distance_transform_edt(~first), ndimage.distance_transform_edt(~second)
    total = float(to_second[first].sum() + to_first[second].sum())
    distance = total / int(np.count_nonzero(first) + np.count_nonzero(second))
    return RegistrationResidual(distance, distance / height, correlation)
