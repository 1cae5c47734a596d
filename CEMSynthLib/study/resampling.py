"""Resampling: a scale and a shift per axis, from the pixels of one grid to those of another."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from CEMSynthLib.study.model import FloatImage, Mask


@dataclass(frozen=True)
class AxisTransform:
    """Where a pixel of the fixed grid comes from: ``moving = scale * fixed + shift``, in pixels, (row, column)."""

    scale: tuple[float, float]
    shift: tuple[float, float]

    def after(self, first: "AxisTransform") -> "AxisTransform":
        """Apply ``first``, then this one."""
        (a, b), (c, d) = self.scale, first.scale
        (p, q), (r, s) = self.shift, first.shift
        return AxisTransform((a * c, b * d), (a * r + p, b * s + q))

    def inverse(self) -> "AxisTransform":
        """Go back from the moving to the fixed pixels."""
        (a, b), (p, q) = self.scale, self.shift
        return AxisTransform((1 / a, 1 / b), (-p / a, -q / b))


def resample(image: FloatImage, transform: AxisTransform, shape: tuple[int, ...]) -> FloatImage:
    """Linear resampling on a grid of ``shape``; beyond the image lies its lowest value (air)."""
    smoothed = image
    if max(transform.scale) > 1.5:  # a smaller grid: no aliasing
        smoothed = ndimage.gaussian_filter(image, [0.35 * max(0.0, s - 1.0) for s in transform.scale])
    return sampled(smoothed, transform, shape)


def sampled(image: FloatImage, transform: AxisTransform, shape: tuple[int, ...]) -> FloatImage:
    """Like `resample`, without smoothing for a smaller grid."""
    return np.asarray(
        ndimage.affine_transform(
            image,
            np.array(transform.scale),
            offset=np.array(transform.shift),
            output_shape=shape,
            order=1,
            mode="constant",
            cval=float(image.min()),
        ),
        dtype=np.float32,
    )


def mask_iou(first: Mask, second: Mask) -> float:
    """Intersection over union, 0 to 1 (1 where both are empty)."""
    union = int(np.count_nonzero(first | second))
    return 1.0 if union == 0 else int(np.count_nonzero(first & second)) / union


def covered(transform: AxisTransform, source: tuple[int, ...], target: tuple[int, ...]) -> Mask:
    """Mark the pixels of the ``target`` grid whose centers lie on the ``source`` image, to its outer borders."""
    axes = [
        transform.scale[i] * np.arange(target[i]) + transform.shift[i] for i in range(2)
    ]  # source positions of rows and columns
    inside = [(axis >= -0.5) & (axis <= source[i] - 0.5) for i, axis in enumerate(axes)]
    return np.asarray(inside[0][:, None] & inside[1][None, :])


def plain_resize(source: tuple[int, ...], target: tuple[int, ...]) -> AxisTransform:
    """The transform of a resize that lays the image borders on each other."""
    rows, columns = (s / t for s, t in zip(source, target, strict=True))
    return AxisTransform((rows, columns), ((rows - 1) / 2, (columns - 1) / 2))


def resample_mask(mask: Mask, transform: AxisTransform, shape: tuple[int, ...]) -> Mask:
    """Like `resample`, for a mask; beyond the image its border goes on."""
    moved = ndimage.affine_transform(
        mask.astype(np.float32),
        np.array(transform.scale),
        offset=np.array(transform.shift),
        output_shape=shape,
        order=1,
        mode="nearest",
    )
    return np.asarray(moved > 0.5)
