"""Preprocessing: a low-energy image on its own grid to the network's grid and gray scale, and exactly back.

Steps forward: breast mask; flip so that the chest wall is on the left; crop to the breast; resample to the working
spacing; normalize by quantiles inside the mask; pad to what the network takes. Pixel centers are kept: the center of
working pixel ``j`` lies at ``(j + 0.5) / scale - 0.5`` of the crop. Resampling counts only pixels inside the mask, so
neither air nor markers leak over the skin edge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.generator.card import InputNormalization, ModelCard
from CEMSynthLib.generator.errors import PreparationError
from CEMSynthLib.study.mask import breast_mask
from CEMSynthLib.study.model import FloatImage, Mask, Side, VOIWindow

# A box of f pixels has the variance (f^2 - 1) / 12 above one pixel's; a Gaussian of this sigma replaces it.
_BOX_SIGMA = 12**-0.5
# The three stride-2 layers of a patch discriminator and the 7 x 7 reflection need some pixels to work on.
_SMALLEST = 32
# No detector is half as large (mm). A spacing written in the wrong unit would make a grid that no memory holds, and it
# is made before the memory for the network is estimated.
_LARGEST_MM = 1000.0


@dataclass(frozen=True)
class Geometry:
    """How one image lies on the network's grid.

    Parameters
    ----------
    mask
        Breast mask on the image's own grid, shape (rows, columns).
    flipped
        The columns were reversed to bring the chest wall to the left.
    rows, columns
        First and last (exclusive) row and column of the crop, after the flip.
    scale
        Working pixels per image pixel, along rows and columns.
    working_shape
        Rows and columns of the crop on the working grid, before padding.
    padded_shape
        The same, padded at the bottom and the right.
    """

    mask: Mask
    flipped: bool
    rows: tuple[int, int]
    columns: tuple[int, int]
    scale: tuple[float, float]
    working_shape: tuple[int, int]
    padded_shape: tuple[int, int]

    def crop(self, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """Flip and crop an array of the image's own grid."""
        turned = image[:, ::-1] if self.flipped else image
        return turned[self.rows[0] : self.rows[1], self.columns[0] : self.columns[1]]

    def pad(self, image: FloatImage, value: float) -> FloatImage:
        """Pad a working-grid array at the bottom and the right."""
        extra = [(0, full - size) for full, size in zip(self.padded_shape, image.shape, strict=True)]
        return np.pad(image, extra, constant_values=value)


@dataclass(frozen=True)
class Prepared:
    """What enters the network, and what is needed to go back.

    Parameters
    ----------
    image
        float32 in [-1, 1], shape ``geometry.padded_shape``, chest wall on the left, air outside the breast.
    mask
        The breast on the same grid.
    geometry
        How to go back.
    card
        The model card it was prepared for.
    warnings
        Sentences for the user.
    """

    image: FloatImage
    mask: Mask
    geometry: Geometry
    card: ModelCard
    warnings: tuple[str, ...] = ()


def prepare(
    low_energy: FloatImage, window: VOIWindow, spacing_mm: tuple[float, float] | None, card: ModelCard
) -> Prepared:
    """Bring a low-energy image to the form the network takes.

    Parameters
    ----------
    low_energy
        Shape (rows, columns), modality units, brighter = more attenuation.
    window
        Its VOI window. Only the curve of a SIGMOID window is used (exported 8-bit pictures went through it); linear
        windows change nothing, since the gray scale is set by quantiles.
    spacing_mm
        (between rows, between columns); ``None`` where unknown: then the breast is scaled to the card's median height.
    card
        Working spacing, normalization and network.

    Returns
    -------
    Prepared

    Raises
    ------
    CEMSynthLib.study.errors.BreastNotFoundError
        Nothing stands out from the air.
    PreparationError
        The breast has one gray value only, holds pixels that are not finite numbers, or is smaller than two working
        pixels or larger than 1 m.
    """
    found = breast_mask(low_energy, spacing_mm)
    geometry, warnings = _geometry(found.mask, found.chest_wall, spacing_mm, card)
    if not np.isfinite(low_energy[found.mask]).all():
        raise PreparationError("The low-energy image holds pixels that are not finite numbers.")
    values = window.apply(low_energy) if window.function == "SIGMOID" else low_energy
    resampled, mask = _to_working(np.asarray(values, dtype=np.float32), geometry)
    image = normalize_input(resampled, mask, card.input_normalization)
    padded_mask = geometry.pad(mask.astype(np.float32), 0.0) > 0.5
    padded = geometry.pad(image, card.input_normalization.air)
    return Prepared(image=padded, mask=padded_mask, geometry=geometry, card=card, warnings=warnings)


def prepare_target(recombined: FloatImage, prepared: Prepared) -> FloatImage:
    """Bring the recombined image of the same acquisition to the network's grid and gray scale (training only).

    Parameters
    ----------
    recombined
        On the grid of the low-energy image, modality units.
    prepared
        The prepared low-energy image.

    Returns
    -------
    ndarray of float32, shape ``prepared.image.shape``
        -1 at the card's output low, 1 at its high, clipped; -1 outside the mask.
    """
    scale = prepared.card.output_normalization
    resampled = resample_inside(recombined, prepared.geometry)
    normal = np.clip(2 * (resampled - scale.low) / (scale.high - scale.low) - 1, -1, 1).astype(np.float32)
    return np.where(prepared.mask, prepared.geometry.pad(normal, -1.0), np.float32(-1.0))


def resample_inside(image: FloatImage, geometry: Geometry) -> FloatImage:
    """Bring any image of the same grid to the working grid, modality units kept, shape ``geometry.working_shape``."""
    return _to_working(image, geometry)[0]


def restore(prepared: Prepared, network_output: FloatImage) -> FloatImage:
    """Bring the network's output to the low-energy image's own grid, in recombined units.

    Parameters
    ----------
    prepared
        What `prepare` returned.
    network_output
        Shape ``prepared.image.shape``, -1 to 1.

    Returns
    -------
    ndarray of float32, shape (rows, columns) of the low-energy image
        Recombined units; the card's air value outside the mask.
    """
    geometry, scale = prepared.geometry, prepared.card.output_normalization
    rows, columns = geometry.working_shape
    inside = prepared.mask[:rows, :columns]
    working = np.asarray(network_output[:rows, :columns], dtype=np.float32)
    if inside.any() and not inside.all():
        # Air beside the skin must not be mixed in when going up: the nearest breast pixel stands for it.
        nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
        working = working[tuple(nearest)]
    crop_shape = (geometry.rows[1] - geometry.rows[0], geometry.columns[1] - geometry.columns[0])
    # Center of crop pixel i on the working grid: (i + 0.5) * scale - 0.5.
    crop = ndimage.affine_transform(
        working,
        geometry.scale,
        offset=[0.5 * s - 0.5 for s in geometry.scale],
        output_shape=crop_shape,
        order=1,
        mode="nearest",
    )
    units = (scale.low + (crop + 1) / 2 * (scale.high - scale.low)).astype(np.float32)
    full = np.full(geometry.mask.shape, scale.air, dtype=np.float32)
    turned = full[:, ::-1] if geometry.flipped else full
    turned[geometry.rows[0] : geometry.rows[1], geometry.columns[0] : geometry.columns[1]] = units
    return np.where(geometry.mask, full, np.float32(scale.air))


def normalize_input(image: FloatImage, mask: Mask, normalization: InputNormalization) -> FloatImage:
    """Map two quantiles inside the mask to two values, the rest linearly, clip to [-1, 1]; air outside.

    Raises
    ------
    PreparationError
        The two quantiles are equal: the breast has one gray value only.
    """
    low, high = np.quantile(image[mask], [normalization.low_quantile, normalization.high_quantile])
    if not high > low:
        raise PreparationError(
            "The breast in the low-energy image has one gray value only, so it cannot be normalized."
        )
    slope = (normalization.high_value - normalization.low_value) / (high - low)
    scaled = np.clip(normalization.low_value + slope * (image - low), -1.0, 1.0)
    return np.where(mask, scaled, normalization.air).astype(np.float32)


def _geometry(
    mask: Mask, chest_wall: Side, spacing_mm: tuple[float, float] | None, card: ModelCard
) -> tuple[Geometry, tuple[str, ...]]:
    flipped = chest_wall is Side.RIGHT
    turned = mask[:, ::-1] if flipped else mask
    rows, columns = (np.flatnonzero(turned.any(axis=axis)) for axis in (1, 0))
    first_last = [(int(found[0]), int(found[-1]) + 1) for found in (rows, columns)]
    heights = [stop - start for start, stop in first_last]
    warnings: tuple[str, ...] = ()
    if spacing_mm is None:
        scale = (card.median_breast_height_px / heights[0],) * 2
        warnings = (
            "The pixel spacing is unknown, so the breast was scaled to the median breast height of the model's "
            f"training images ({card.median_breast_height_px * card.working_spacing_mm:.0f} mm); sizes may be wrong.",
        )
    else:
        scale = (spacing_mm[0] / card.working_spacing_mm, spacing_mm[1] / card.working_spacing_mm)
    if max(size * s for size, s in zip(heights, scale, strict=True)) * card.working_spacing_mm > _LARGEST_MM:
        size_mm = " x ".join(f"{n * s * card.working_spacing_mm:.0f}" for n, s in zip(heights, scale, strict=True))
        wrong = "its shape is no breast's" if spacing_mm is None else "the pixel spacing in the image cannot be right"
        raise PreparationError(f"The breast would be {size_mm} mm large, so {wrong}.")
    working = tuple(max(1, int(np.ceil(size * s - 1e-6))) for size, s in zip(heights, scale, strict=True))
    if min(working) < 2:
        raise PreparationError("The breast in the low-energy image is smaller than two pixels of the model's grid.")
    multiple = card.architecture.size_multiple
    smallest = max(_SMALLEST, 2 * multiple)
    padded = tuple(max(smallest, size) + -max(smallest, size) % multiple for size in working)
    return Geometry(
        mask=mask,
        flipped=flipped,
        rows=first_last[0],
        columns=first_last[1],
        scale=scale,
        working_shape=(working[0], working[1]),
        padded_shape=(padded[0], padded[1]),
    ), warnings


def _to_working(image: FloatImage, geometry: Geometry) -> tuple[FloatImage, Mask]:
    """Mean of the breast pixels around each working pixel (normalized convolution), and the mask there."""
    weight = np.ascontiguousarray(geometry.crop(geometry.mask), dtype=np.float32)
    inside = np.where(weight > 0, geometry.crop(image).astype(np.float32), np.float32(0))
    # Subtract a level first: float32 sums of 12-bit values would lose the small differences.
    level = np.float32(np.median(inside[weight > 0]))
    weighted, share = (_down((inside - level) * weight, geometry), _down(weight, geometry))
    mean = np.divide(weighted, share, out=np.zeros_like(weighted), where=share > 1e-3)
    mask: Mask = share > 0.5
    return mean + level, mask


def _down(image: FloatImage, geometry: Geometry) -> FloatImage:
    sigmas = [_BOX_SIGMA * np.sqrt(max(0.0, s**-2 - 1)) for s in geometry.scale]
    smooth = ndimage.gaussian_filter(image, sigmas, mode="nearest", truncate=3.0) if max(sigmas) > 0 else image
    factors = [1 / s for s in geometry.scale]
    down = ndimage.affine_transform(
        smooth,
        factors,
        offset=[0.5 * f - 0.5 for f in factors],
        output_shape=geometry.working_shape,
        order=1,
        mode="nearest",
    )
    return np.asarray(down, dtype=np.float32)
