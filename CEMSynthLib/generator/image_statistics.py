"""Image statistics: simple figures of a prepared low-energy image, and whether they lie in the range of the training.

Out of the range does not mean that the synthetic image is wrong, and inside does not mean that it is right: the figures
only tell whether the generator has met images like this one.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from scipy import ndimage

from CEMSynthLib.generator.preprocessing import Prepared

#: Name of a figure -> smallest and largest value of the training, widened (see `training_range`).
TrainingRange = Mapping[str, tuple[float, float]]

#: The figures with their units, in words for people.
NAMES = {
    "spacing_mm": "pixel spacing on the network's grid (mm)",
    "breast_area_cm2": "breast area (cm2)",
    "gray_quantile_10": "10% quantile of the normalized gray scale",
    "gray_quantile_25": "25% quantile of the normalized gray scale",
    "gray_quantile_50": "median of the normalized gray scale",
    "gray_quantile_75": "75% quantile of the normalized gray scale",
    "gray_quantile_90": "90% quantile of the normalized gray scale",
    "texture_fine": "fine texture of the low-energy image",
    "texture_coarse": "coarse texture of the low-energy image",
}

# Bands of the texture, in working pixels (sigma of the two Gaussians whose difference is the band).
_FINE, _COARSE = (0.0, 1.0), (2.0, 4.0)
# Working pixels left out along the edge of the breast, where the step to the air would count as texture.
_EDGE = 6
# The range of the training is widened at both ends by a quarter of its width, so that with some hundred training images
# hardly any further image of the same kind lies outside in any of the nine figures, and by 1% of the value, since
# headers round the spacing.
_WIDENED, _ROUNDED = 0.25, 0.01


def image_statistics(prepared: Prepared, spacing_mm: tuple[float, float] | None) -> dict[str, float]:
    """Compute the figures of one image as the network gets it.

    Parameters
    ----------
    prepared
        What `preprocessing.prepare` returned.
    spacing_mm
        Of the image's own grid, (between rows, between columns); ``None`` where unknown: then the spacing and the area
        are left out.

    Returns
    -------
    dict of str to float
        The keys are those of `NAMES`: gray scale in network units (-1 to 1), texture as standard deviation in them.
    """
    inside = prepared.image[prepared.mask]
    figures: dict[str, float] = {}
    if spacing_mm is not None:
        # The network sees its own grid: finer pixels are averaged to it, only coarser ones bring less than it knows.
        figures["spacing_mm"] = max(float(np.sqrt(spacing_mm[0] * spacing_mm[1])), prepared.card.working_spacing_mm)
        figures["breast_area_cm2"] = float(prepared.geometry.mask.sum() * spacing_mm[0] * spacing_mm[1] / 100)
    for percent in (10, 25, 50, 75, 90):
        figures[f"gray_quantile_{percent}"] = float(np.quantile(inside, percent / 100))
    core = ndimage.binary_erosion(prepared.mask, iterations=_EDGE)
    place = core if core.any() else prepared.mask
    for name, (narrow, wide) in (("texture_fine", _FINE), ("texture_coarse", _COARSE)):
        band = _smooth(prepared, narrow) - _smooth(prepared, wide)
        figures[name] = float(band[place].std())
    return figures


def training_range(images: Iterable[Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    """Give the range of each figure over the training images, widened by a quarter of its width and 1% of the value.

    Parameters
    ----------
    images
        What `image_statistics` gave for each of them. A figure that no image has is left out.

    Returns
    -------
    dict of str to (float, float)
        For `card.ModelCard.training_range`.
    """
    values: dict[str, list[float]] = {}
    for figures in images:
        for name, value in figures.items():
            values.setdefault(name, []).append(value)
    ranges = {}
    for name, found in values.items():
        margin = _WIDENED * (max(found) - min(found)) + _ROUNDED * max(abs(value) for value in found)
        ranges[name] = (float(f"{min(found) - margin:.6g}"), float(f"{max(found) + margin:.6g}"))
    return ranges


def outside_training_range(figures: Mapping[str, float], known: TrainingRange) -> tuple[str, ...]:
    """Name the figures that lie outside, as half sentences; empty where all lie inside.

    A figure that the image or the training lacks is not judged.
    """
    return tuple(
        f"{NAMES.get(name, name)} is {value:.3g}, in training {known[name][0]:.3g} to {known[name][1]:.3g}"
        for name, value in figures.items()
        if name in known and not known[name][0] <= value <= known[name][1]
    )


def _smooth(prepared: Prepared, sigma: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The image blurred, counting only the breast."""
    if sigma == 0:
        return prepared.image
    weight = ndimage.gaussian_filter(prepared.mask.astype(np.float32), sigma)
    blurred = ndimage.gaussian_filter(np.where(prepared.mask, prepared.image, 0).astype(np.float32), sigma)
    return np.asarray(np.divide(blurred, weight, out=np.zeros_like(blurred), where=weight > 1e-6), dtype=np.float32)
