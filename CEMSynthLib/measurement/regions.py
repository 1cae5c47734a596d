"""Region: a named lesion or background shape, the pixels that belong to it, and which background goes with a lesion."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.measurement.errors import RegionError
from CEMSynthLib.measurement.shapes import ClosedCurve, Shape, bounds, first_pixel, inside

#: A mean or a standard deviation of fewer pixels than this is not reported.
MINIMUM_PIXELS = 20


class RegionRole(Enum):
    """What a region stands for in the contrast-to-noise ratio."""

    LESION = "lesion"
    BACKGROUND = "background"


@dataclass(frozen=True)
class Region:
    """One region of interest.

    Parameters
    ----------
    name
        Shown in tables, for example ``"L_CC_lesion_1"``.
    role
        Lesion or background.
    shape
        In scene units: mm, or pixels where the spacing is unknown.
    """

    name: str
    role: RegionRole
    shape: Shape


@dataclass(frozen=True, eq=False)
class RegionPatch:
    """The pixels of a region, and where in the image they lie.

    Parameters
    ----------
    rows, columns
        Index ranges of the smallest box of pixels around the region (first, one past the last).
    mask
        Which pixels of that box belong to the region.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    mask: NDArray[np.bool_]

    @property
    def place(self) -> tuple[slice, slice]:
        """What to index the image with."""
        return slice(*self.rows), slice(*self.columns)


def region_patch(region: Region, shape: tuple[int, int], spacing_mm: tuple[float, float] | None) -> RegionPatch:
    """Like `region_mask`, without the empty rest of the image: for what has to be fast.

    Parameters
    ----------
    region
        The region, in scene units.
    shape
        (rows, columns) of the image.
    spacing_mm
        (row, column) spacing in mm, or ``None`` where one scene unit is one pixel.

    Returns
    -------
    RegionPatch

    Raises
    ------
    RegionError
        The region leaves the image or holds fewer than 20 pixels.
    """
    spacing = spacing_mm or (1.0, 1.0)
    drawn = region.shape.polygon() if isinstance(region.shape, ClosedCurve) else region.shape  # the spline once
    x_low, y_low, x_high, y_high = bounds(drawn)
    rows = (first_pixel(y_low, spacing[0]), first_pixel(y_high, spacing[0]))
    columns = (first_pixel(x_low, spacing[1]), first_pixel(x_high, spacing[1]))
    if rows[0] < 0 or columns[0] < 0 or rows[1] > shape[0] or columns[1] > shape[1]:
        raise RegionError(
            f'The region "{region.name}" leaves the image of {shape[1]} x {shape[0]} pixels; '
            "move it inside, or check that it was drawn on this image."
        )
    mask = inside(drawn, rows, columns, spacing)
    require_enough_pixels(mask, region.name)
    return RegionPatch(rows, columns, mask)


def region_mask(region: Region, shape: tuple[int, int], spacing_mm: tuple[float, float] | None) -> NDArray[np.bool_]:
    """Tell which pixels belong to a region: those whose center lies inside, half-open on rectangle edges.

    A box of 10 x 10 mm on pixels of 0.1 mm has exactly 10,000 of them wherever it is placed.

    Parameters
    ----------
    region
        The region, in scene units.
    shape
        (rows, columns) of the image.
    spacing_mm
        (row, column) spacing in mm, or ``None`` where one scene unit is one pixel.

    Returns
    -------
    ndarray of bool, shape (rows, columns)

    Raises
    ------
    RegionError
        The region leaves the image or holds fewer than 20 pixels.
    """
    patch = region_patch(region, shape, spacing_mm)
    mask = np.zeros(shape, dtype=bool)
    mask[patch.place] = patch.mask
    return mask


def require_enough_pixels(mask: NDArray[np.bool_], name: str) -> int:
    """Count the pixels of a region.

    Raises
    ------
    RegionError
        There are fewer than 20.
    """
    count = int(np.count_nonzero(mask))
    if count < MINIMUM_PIXELS:
        raise RegionError(
            f'The region "{name}" holds {count} pixels; at least {MINIMUM_PIXELS} are needed, so draw it larger.'
        )
    return count


def pair_regions(regions: Sequence[Region]) -> tuple[tuple[Region, Region], ...]:
    """Give each lesion region of one acquisition its background.

    A single background serves all lesions. With several, ``..._lesion_2`` goes with ``..._background_2``: the names
    are equal once the role's word is taken out.

    Parameters
    ----------
    regions
        All regions of one acquisition.

    Returns
    -------
    tuple of (lesion, background)

    Raises
    ------
    RegionError
        There is no lesion, no background, or none whose name fits.
    """
    lesions = [region for region in regions if region.role is RegionRole.LESION]
    backgrounds = [region for region in regions if region.role is RegionRole.BACKGROUND]
    if not lesions:
        raise RegionError('There is no lesion region; draw one and put "lesion" into its file name.')
    if not backgrounds:
        raise RegionError('There is no background region; draw one and put "background" into its file name.')
    if len(backgrounds) == 1:
        return tuple((lesion, backgrounds[0]) for lesion in lesions)
    pairs = []
    for lesion in lesions:
        fitting = [background for background in backgrounds if _key(background) == _key(lesion)]
        if len(fitting) != 1:
            raise RegionError(
                f'The lesion region "{lesion.name}" fits {len(fitting)} of {len(backgrounds)} background regions; '
                "name one like it, with background in place of lesion, or keep a single background."
            )
        pairs.append((lesion, fitting[0]))
    return tuple(pairs)


def _key(region: Region) -> str:
    return re.sub(region.role.value, "", region.name, flags=re.IGNORECASE).casefold()
