"""Band by hand: depth profile and halo step along a line, or a band of some width, laid across the breast's edge."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from CEMSynthLib.measurement.errors import PixelValueError, RegionError
from CEMSynthLib.measurement.profile import DepthProfile, find_band, make_profile

#: Parts of the line's length behind the skin: skin line and trough are sought up to these, the rim up to the end.
SKIN_LINE_FRACTION = 0.2
TROUGH_FRACTION = 0.6
#: The shortest line, pixels.
MINIMUM_DEPTHS = 20


@dataclass(frozen=True, eq=False)
class BandResult:
    """The halo at one place, see `CEMSynthLib.measurement.halo` for the words.

    Parameters
    ----------
    step
        P(rim) - P(trough), image units; 0 where P does not rise behind the trough.
    trough_depth, rim_depth, band_width
        Depth along the line behind its first point in the breast, scene units; ``None`` where there is no band.
    rim_is_maximum
        True where P falls again behind the rim.
    profile
        P(d) for plotting.
    formula
        The name that exported numbers carry.
    """

    step: float
    trough_depth: float | None
    rim_depth: float | None
    band_width: float | None
    rim_is_maximum: bool
    profile: DepthProfile
    formula: str = "halo_rim_minus_trough_band"


def band_profile(
    image: NDArray[np.floating],
    start_xy: tuple[float, float],
    end_xy: tuple[float, float],
    width: float,
    spacing_mm: tuple[float, float] | None,
    breast: NDArray[np.bool_] | None = None,
) -> BandResult:
    """Measure the halo along a band from outside (or the skin) to the inside of the breast.

    Parameters
    ----------
    image
        Modality units, shape (rows, columns).
    start_xy, end_xy
        (x, y) of the ends of the band's middle line in scene units (mm, or pixels where the spacing is unknown),
        from the skin inward.
    width
        Width of the band across the line, scene units; 0 for a line.
    spacing_mm
        (row, column) spacing in mm or ``None``.
    breast
        Breast mask; depth 0 is then the first point of the middle line inside it, so that the line may start in the
        air. Without it depth 0 is the start.

    Returns
    -------
    BandResult
        P(d): median across the band of the image interpolated bilinearly, one value per pixel of the finer spacing.

    Raises
    ------
    RegionError
        The band leaves the image, misses the breast, or is shorter than 20 pixels behind the skin.
    PixelValueError
        Pixels that are not numbers.
    """
    spacing = spacing_mm or (1.0, 1.0)
    pixel = min(spacing)
    length = math.dist(start_xy, end_xy)
    count = math.floor(length / pixel + 1e-6) + 1
    if count < MINIMUM_DEPTHS:
        raise RegionError(f"The band is {count} pixels long; at least {MINIMUM_DEPTHS} are needed, so draw it longer.")
    along = np.arange(count) * pixel
    half = math.floor(max(width, 0.0) / 2 / pixel + 1e-6)
    across = np.arange(-half, half + 1) * pixel
    ux, uy = (end_xy[0] - start_xy[0]) / length, (end_xy[1] - start_xy[1]) / length
    x = start_xy[0] + along[:, None] * ux - across[None, :] * uy
    y = start_xy[1] + along[:, None] * uy + across[None, :] * ux
    rows, columns = y / spacing[0], x / spacing[1]
    if (
        min(rows.min(), columns.min()) < -0.5
        or rows.max() > image.shape[0] - 0.5
        or columns.max() > image.shape[1] - 0.5
    ):
        raise RegionError("The band leaves the image; draw it inside.")
    first = 0
    if breast is not None:
        middle = np.clip(np.rint([rows[:, half], columns[:, half]]).astype(int).T, 0, np.asarray(image.shape) - 1)
        inside = np.flatnonzero(breast[middle[:, 0], middle[:, 1]])
        if inside.size == 0:
            raise RegionError("The band misses the breast; lay it across the skin edge.")
        first = int(inside[0])
    if count - first < MINIMUM_DEPTHS:
        raise RegionError(f"Less than {MINIMUM_DEPTHS} pixels of the band lie in the breast; draw it further inward.")
    samples = map_coordinates(
        np.asarray(image, dtype=np.float64), [rows[first:], columns[first:]], order=1, mode="nearest"
    )
    if not np.isfinite(samples).all():
        raise PixelValueError("The band holds pixels that are not numbers; check the image.")
    size = count - first
    profile = make_profile(pixel, np.median(samples, axis=1), np.full(size, len(across), dtype=np.int64))
    last = size - 1
    found = find_band(profile, round(SKIN_LINE_FRACTION * last), round(TROUGH_FRACTION * last), last)
    return BandResult(
        step=found.step,
        trough_depth=None if found.rim is None else float(profile.depth[found.trough]),
        rim_depth=None if found.rim is None else float(profile.depth[found.rim]),
        band_width=found.width,
        rim_is_maximum=found.rim_is_maximum,
        profile=profile,
    )
