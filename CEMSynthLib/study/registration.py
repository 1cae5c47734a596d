"""Registration: LE and recombined image of one acquisition on the low-energy grid.

DICOM pairs lie on one grid and are never resampled. In image folders each image was cropped (and perhaps resized) on
its own, so the recombined image is moved by a scale and a shift per axis: first its breast outline is laid on the LE's
(SimpleITK: mean squares of the clipped signed distances to the outlines, gradient descent, all pixels, one thread),
then the fine structure that both images show decides, where there is enough (`CEMSynthLib.study.fine_structure`). What
is left is reported, and a pair that does not fit is refused (`CEMSynthLib.study.residual`). No rotation: both images
come from one exposure of one detector.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

from CEMSynthLib.study.errors import BreastNotFoundError
from CEMSynthLib.study.fine_structure import FineStructure
from CEMSynthLib.study.mask import BreastMask, breast_mask
from CEMSynthLib.study.model import Acquisition, FloatImage, Mask
from CEMSynthLib.study.resampling import AxisTransform, covered, mask_iou, plain_resize, resample, resample_mask
from CEMSynthLib.study.residual import RegistrationResidual, outline_residual

# SimpleITK's wheel has no annotations of its own.
sitk: Any = SimpleITK

# Longest side of the masks that are registered.
_WORKING_SIZE = 256
# Distances to the outline are clipped at these parts of the longest side, one after the other: only the outline counts.
_CLIP_FRACTIONS = (0.04, 0.01)
# From this correlation on the fine structure decides (real pairs: 0.25 to 0.45; unrelated noise: 0.02).
_ENOUGH_STRUCTURE = 0.15
# Which of matrix (xx, xy, yx, yy) and shift (x, y) may move; no shear, no rotation: images were cropped and resized.
_SCALE_AND_SHIFT = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]
_SHIFT = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
_ITERATIONS = 200


@dataclass(frozen=True)
class AlignedPair:
    """LE and recombined image on the LE's grid.

    Parameters
    ----------
    low_energy
        Shape (rows, columns), modality units.
    recombined
        Same shape, modality units; ``None`` where there is none.
    resampled
        True where the recombined image was moved.
    mask_iou
        Intersection over union of the two breast masks after alignment, where both images are, 0 to 1; ``None`` where
        not computed.
    note
        What was done, in a sentence or two; empty where nothing was.
    covered
        Boolean, shape (rows, columns): where the recombined image reaches (it may be cropped more tightly than the LE);
        ``None`` where it reaches everywhere. Elsewhere ``recombined`` holds air and nothing should be measured.
    transform
        From pixels of the LE to pixels of the recombined file; ``None`` where they are the same, or nothing is known.
    residual
        What the registration left; ``None`` where there was none. A pair whose residual is not acceptable has no
        ``recombined``, and ``note`` says why.
    """

    low_energy: FloatImage
    recombined: FloatImage | None
    resampled: bool
    mask_iou: float | None
    note: str
    covered: Mask | None = None
    transform: AxisTransform | None = None
    residual: RegistrationResidual | None = None

    @property
    def refused(self) -> bool:
        """True where there is a recombined image that does not fit."""
        return self.residual is not None and not self.residual.acceptable


def on_low_energy_grid(acquisition: Acquisition) -> AlignedPair:
    """Read the pair and bring the recombined image to the LE's grid where it needs to be.

    Parameters
    ----------
    acquisition
        With a low-energy image.

    Returns
    -------
    AlignedPair
        Deterministic: the same files give the same bits.

    Raises
    ------
    UnreadableImageError
        Pixels cannot be read.
    ValueError
        The acquisition has no low-energy image.
    """
    low = acquisition.low_energy
    if low is None:
        raise ValueError(f"{acquisition.name} has no low-energy image")
    low_pixels = low.pixels()
    recombined = acquisition.recombined
    if recombined is None:
        return AlignedPair(low_pixels, None, False, None, "There is no recombined image.")
    moving = recombined.pixels()
    is_dicom = low.sop_instance_uid is not None and recombined.sop_instance_uid is not None
    if is_dicom and moving.shape == low_pixels.shape:
        return AlignedPair(low_pixels, moving, False, None, "")
    try:
        fixed = breast_mask(low_pixels, low.grid.spacing_mm)
        moving_mask = breast_mask(moving, recombined.grid.spacing_mm).mask
    except BreastNotFoundError:
        if moving.shape == low_pixels.shape:
            return AlignedPair(low_pixels, moving, False, None, "No breast was found, so the pair is not registered.")
        resized = resample(moving, plain_resize(moving.shape, low_pixels.shape), low_pixels.shape)
        return AlignedPair(
            low_pixels, resized, True, None, "No breast was found, so the recombined image is only resized."
        )
    return _registered(low_pixels, moving, fixed, moving_mask)


def _registered(low: FloatImage, moving: FloatImage, fixed: BreastMask, moving_mask: Mask) -> AlignedPair:
    """Find the transform, say what it left, and refuse a pair that does not fit."""
    plain = plain_resize(moving_mask.shape, fixed.mask.shape)
    before = overlap(fixed.mask, moving_mask, plain)
    candidates = outline_candidates(fixed.mask, moving_mask)
    structure = FineStructure(low, moving, fixed.mask, moving_mask)
    refined = structure.refined([*candidates, plain])
    transform, how = max(candidates, key=lambda c: overlap(fixed.mask, moving_mask, c)), "outline"
    if structure.correlation(refined) >= _ENOUGH_STRUCTURE and overlap(fixed.mask, moving_mask, refined) > before:
        transform, how = refined, "fine structure"
    after = overlap(fixed.mask, moving_mask, transform)
    if after <= before:
        transform, how, after = plain, "", before
    reach = covered(transform, moving.shape, low.shape)
    residual = outline_residual(
        fixed.mask,
        resample_mask(moving_mask, transform, low.shape),
        fixed.chest_wall,
        reach,
        structure.correlation(transform),
    )
    if not residual.acceptable:
        note = f"The recombined image does not fit the low-energy image and was left out: {_told(residual)}."
        return AlignedPair(low, None, False, after, note, residual=residual)
    if not how and moving.shape == low.shape:
        note = f"The pair fits as it is (mask overlap {before:.3f})."
        return AlignedPair(low, moving, False, before, note, transform=transform, residual=residual)
    moved = resample(moving, transform, low.shape)
    if not how:
        note = f"The recombined image was resized (overlap {before:.3f}); {_told(residual)}."
    else:
        note = (
            f"The recombined image was registered to the low-energy image by its {how} (mask overlap {before:.3f} to "
            f"{after:.3f}, correlation of fine structure {structure.correlation(plain):.2f} to "
            f"{structure.correlation(transform):.2f}); {_told(residual)}."
        )
    if not residual.confirmed:
        note += " What the two show inside the breast does not confirm it."
    missing = 1.0 - float(reach[fixed.mask].mean())
    if missing > 0.005:
        note += f" It was cropped more tightly: {missing:.0%} of the breast is not on it."
    return AlignedPair(low, moved, True, after, note, None if reach.all() else reach, transform, residual)


def _told(residual: RegistrationResidual) -> str:
    return (
        f"the outlines lie {residual.outline_pixels:.1f} pixels apart on average, "
        f"{residual.outline_share:.2%} of the breast's height"
    )


def outline_candidates(fixed_mask: Mask, moving_mask: Mask) -> list[AxisTransform]:
    """Lay the moving mask on the fixed one in two ways.

    Parameters
    ----------
    fixed_mask, moving_mask
        Breast masks, shapes may differ.

    Returns
    -------
    list of AxisTransform
        By a shift alone (right for images that were only cropped), and by a scale and a shift per axis. Near the chest
        wall no outline holds the scale, so the second can be off by some pixels there.
    """
    plain = plain_resize(moving_mask.shape, fixed_mask.shape)
    return [
        _search(fixed_mask, moving_mask, _centroid_shift(fixed_mask, moving_mask), _SHIFT),
        _search(fixed_mask, moving_mask, plain, _SCALE_AND_SHIFT),
    ]


def overlap(fixed_mask: Mask, moving_mask: Mask, transform: AxisTransform) -> float:
    """Intersection over union of the masks under a transform, there where the moving image reaches."""
    both = covered(transform, moving_mask.shape, fixed_mask.shape)
    return mask_iou(fixed_mask & both, resample_mask(moving_mask, transform, fixed_mask.shape) & both)


def _centroid_shift(fixed_mask: Mask, moving_mask: Mask) -> AxisTransform:
    fixed, moving = ndimage.center_of_mass(fixed_mask), ndimage.center_of_mass(moving_mask)
    return AxisTransform((1.0, 1.0), (float(moving[0] - fixed[0]), float(moving[1] - fixed[1])))


def _search(fixed_mask: Mask, moving_mask: Mask, start: AxisTransform, free: list[float]) -> AxisTransform:
    """Improve ``start`` in two stages, the second with the narrower rim about the outline."""
    factor = max(1.0, max(fixed_mask.shape) / _WORKING_SIZE)
    # The moving mask is brought to the fixed grid first, so that the search starts at the identity.
    moved = resample_mask(moving_mask, start, fixed_mask.shape)
    transform = sitk.AffineTransform(2)
    for clip in _CLIP_FRACTIONS:
        fixed, moving = _outline_image(fixed_mask, factor, clip), _outline_image(moved, factor, clip)
        center = [(size - 1) / 2 for size in fixed.GetSize()]
        transform.SetCenter(center)
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMeanSquares()
        method.SetMetricSamplingStrategy(method.NONE)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetNumberOfThreads(1)
        method.SetInitialTransform(transform, inPlace=True)
        method.SetOptimizerWeights(free)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=1.0, minStep=1e-3, numberOfIterations=_ITERATIONS, relaxationFactor=0.6
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.Execute(fixed, moving)
    (xx, _, _, yy), (tx, ty) = transform.GetMatrix(), transform.GetTranslation()
    # y = A (x - c) + c + t in coarse coordinates, then through ``start`` to moving pixels.
    scale = np.array([yy, xx])
    middle = np.array([center[1], center[0]])
    shift = middle - scale * middle + np.array([ty, tx])
    # A coarse pixel center i lies at factor * (i + 0.5) - 0.5 on the fixed grid.
    shift = factor * shift + (factor - 1) / 2 * (1 - scale)
    scale, shift = np.array(start.scale) * scale, np.array(start.scale) * shift + np.array(start.shift)
    return AxisTransform((float(scale[0]), float(scale[1])), (float(shift[0]), float(shift[1])))


def _outline_image(mask: Mask, factor: float, clip_fraction: float) -> Any:
    """Signed distance to the outline (inside positive), clipped, on the coarse grid; image borders are no outline."""
    shape = tuple(max(8, round(s / factor)) for s in mask.shape)
    coarse = resample_mask(mask, plain_resize(mask.shape, shape), shape)
    inside: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(coarse, 1, mode="edge"))[1:-1, 1:-1]
    outside: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(~coarse, 1, mode="edge"))[1:-1, 1:-1]
    clip = clip_fraction * max(shape)
    signed = np.clip(inside, 0, clip) - np.clip(outside, 0, clip)
    return sitk.GetImageFromArray(signed.astype(np.float32))
