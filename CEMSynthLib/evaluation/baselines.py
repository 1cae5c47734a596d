"""Null baselines: images that hold no information about enhancement, which a model must beat."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.study.model import FloatImage, Mask, Side, VOIWindow

#: Rows and columns of the frame in which training images are averaged.
_FRAME = (256, 160)


class Baseline(Enum):
    """The null baselines, by the name that tables carry."""

    LOW_ENERGY = "LE itself"
    AFFINE = "LE mapped affinely"
    BLACK = "all black"
    FLAT = "flat breast at the training mean"
    NOISE = "flat breast with training noise"
    MEAN_IMAGE = "training-mean image"


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """One training pair, shape (rows, columns), modality units.

    ``low_energy_window`` maps LE to [0, 1]; ``chest_wall`` is the border it lies at.
    """

    low_energy: FloatImage
    low_energy_window: VOIWindow
    recombined: FloatImage
    mask: Mask
    chest_wall: Side


@dataclass(frozen=True, eq=False)
class NullBaselines:
    """What the null baselines know of the training images; in recombined units.

    Parameters
    ----------
    slope, intercept
        Least-squares recombined = slope * LE + intercept over breast pixels, each image with equal weight, LE mapped
        to [0, 1] by its own window (so that the map also serves pictures of another bit depth).
    level
        Mean over images of the mean in the breast.
    sd
        Root of the mean over images of the variance in the breast.
    air
        Mean over images of the median outside the breast (``level`` where no image has an outside).
    mean_image
        Mean of the images with the chest wall at the left, each breast's bounding box scaled to one frame.
    """

    slope: float
    intercept: float
    level: float
    sd: float
    air: float
    mean_image: NDArray[np.float64]

    @classmethod
    def learn(cls, images: Iterable[TrainingImage]) -> "NullBaselines":
        """Go once through the training images.

        Parameters
        ----------
        images
            Of training patients only; may be a generator.

        Returns
        -------
        NullBaselines

        Raises
        ------
        EvaluationError
            There is no image, or one whose mask is empty.
        """
        moments: list[NDArray[np.float64]] = []
        airs: list[float] = []
        total, weight = np.zeros(_FRAME), np.zeros(_FRAME)
        for image in images:
            if not image.mask.any():
                raise EvaluationError("A training image has an empty breast mask; check how it was made.")
            x = image.low_energy_window.apply(image.low_energy[image.mask])
            y = np.asarray(image.recombined[image.mask], dtype=np.float64)
            moments.append(np.array([x.mean(), y.mean(), (x * x).mean(), (x * y).mean(), y.var()]))
            if not image.mask.all():
                airs.append(float(np.median(image.recombined[~image.mask])))
            total += _to_frame(image.recombined * image.mask, image.mask, image.chest_wall)
            weight += _to_frame(image.mask.astype(np.float64), image.mask, image.chest_wall)
        if not moments:
            raise EvaluationError("There is no training image, so the null baselines know nothing to compare with.")
        mean_x, level, mean_xx, mean_xy, variance = np.mean(moments, axis=0)
        spread = mean_xx - mean_x**2
        slope = float((mean_xy - mean_x * level) / spread) if spread > 1e-12 else 0.0
        return cls(
            slope=slope,
            intercept=float(level - slope * mean_x),
            level=float(level),
            sd=float(np.sqrt(variance)),
            air=float(np.mean(airs)) if airs else float(level),
            mean_image=np.where(weight > 1e-6, total / np.maximum(weight, 1e-6), level),
        )

    def images(
        self,
        low_energy: FloatImage,
        low_energy_window: VOIWindow,
        mask: Mask,
        chest_wall: Side,
        window: VOIWindow,
        seed: int = 0,
    ) -> dict[Baseline, NDArray[np.float64]]:
        """Make the six baseline images for one LE image.

        Parameters
        ----------
        low_energy
            Modality units, shape (rows, columns).
        low_energy_window
            Maps LE itself to [0, 1].
        mask, chest_wall
            The breast.
        window
            Maps everything else to [0, 1].
        seed
            Of the noise.

        Returns
        -------
        dict of Baseline to ndarray of float64, shape (rows, columns)
            In [0, 1]. Outside the breast: air; LE and black stay as they are.
        """
        shape = low_energy.shape
        noise = np.random.default_rng(seed).normal(self.level, self.sd, shape)
        in_breast = {
            Baseline.AFFINE: self.slope * low_energy_window.apply(low_energy) + self.intercept,
            Baseline.FLAT: np.full(shape, self.level),
            Baseline.NOISE: noise,
            Baseline.MEAN_IMAGE: _from_frame(self.mean_image, mask, chest_wall),
        }
        made = {name: window.apply(np.where(mask, image, self.air)) for name, image in in_breast.items()}
        made[Baseline.LOW_ENERGY] = low_energy_window.apply(low_energy)
        made[Baseline.BLACK] = np.zeros(shape)
        return {name: made[name] for name in Baseline}


def _box(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _to_frame(image: NDArray[np.floating], mask: Mask, chest_wall: Side) -> NDArray[np.float64]:
    part = np.asarray(image[_box(mask)], dtype=np.float64)
    if chest_wall is Side.RIGHT:
        part = part[:, ::-1]
    return np.asarray(resize(part, _FRAME, order=1, mode="edge", anti_aliasing=True))  # type: ignore[no-untyped-call]


def _from_frame(frame: NDArray[np.float64], mask: Mask, chest_wall: Side) -> NDArray[np.float64]:
    image = np.zeros(mask.shape)
    box = _box(mask)
    part = resize(frame, image[box].shape, order=1, mode="edge", anti_aliasing=True)  # type: ignore[no-untyped-call]
    image[box] = part[:, ::-1] if chest_wall is Side.RIGHT else part
    return image
