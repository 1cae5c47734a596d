"""The null baselines know the training images' averages and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from CEMSynthLib.evaluation.baselines import Baseline, NullBaselines, TrainingImage
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.study.model import Side, VOIWindow

LE_WINDOW, WINDOW = VOIWindow.from_range(0, 1000), VOIWindow.from_range(2000, 2400)


def half_disc(shape=(90, 60), radius=38, side=Side.LEFT):
    y, x = np.mgrid[: shape[0], : shape[1]]
    mask = (y - shape[0] / 2) ** 2 + x**2 < radius**2
    return mask if side is Side.LEFT else mask[:, ::-1].copy()


def pair(seed, side=Side.LEFT, slope=0.2, offset=2050.0, noise=0.0, radius=38):
    rng = np.random.default_rng(seed)
    mask = half_disc(radius=radius, side=side)
    le = (rng.uniform(300, 800, mask.shape) * mask).astype(np.float32)
    recombined = np.where(mask, slope * le + offset + rng.normal(0, noise, mask.shape), 2000.0).astype(np.float32)
    return TrainingImage(le, LE_WINDOW, recombined, mask, side)


def make(learned, image, **changes):
    given = {
        "low_energy": image.low_energy,
        "low_energy_window": LE_WINDOW,
        "mask": image.mask,
        "chest_wall": image.chest_wall,
        "window": WINDOW,
    }
    return learned.images(**(given | changes))


def test_an_affine_relation_is_found_exactly():
    learned = NullBaselines.learn(pair(i) for i in range(4))
    assert learned.slope == pytest.approx(0.2 * 1000, rel=1e-4)  # LE is mapped to [0, 1] by its window of 1000
    assert learned.intercept == pytest.approx(2050, rel=1e-5)
    image = pair(9)
    affine = make(learned, image)[Baseline.AFFINE]
    np.testing.assert_allclose(affine, WINDOW.apply(image.recombined), atol=1e-4)


def test_flat_level_noise_and_air():
    pairs = [pair(i, slope=0.0, offset=2100.0 + 10 * i, noise=20.0) for i in range(5)]
    learned = NullBaselines.learn(pairs)
    assert learned.level == pytest.approx(2120, abs=1)
    assert learned.sd == pytest.approx(20, rel=0.02)
    assert learned.air == 2000
    image = pairs[0]
    made = make(learned, image)
    assert set(np.unique(made[Baseline.FLAT])) == {0.0, float(WINDOW.apply(np.array(learned.level)))}
    noisy = made[Baseline.NOISE][image.mask]
    assert noisy.std() * 400 == pytest.approx(20, rel=0.05)
    np.testing.assert_array_equal(noisy, make(learned, image)[Baseline.NOISE][image.mask])
    assert not np.array_equal(noisy, make(learned, image, seed=1)[Baseline.NOISE][image.mask])


def test_black_and_low_energy_stay_as_they_are():
    image = pair(1)
    made = make(NullBaselines.learn([image]), image)
    assert made[Baseline.BLACK].max() == 0
    np.testing.assert_array_equal(made[Baseline.LOW_ENERGY], LE_WINDOW.apply(image.low_energy))
    assert set(made) == set(Baseline)
    assert all(v.min() >= 0 and v.max() <= 1 for v in made.values())


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("radius", [25, 38])
def test_the_mean_image_is_aligned_whatever_side_and_size(side, radius):
    """Training breasts are brighter toward the nipple; so must the mean be, laid on a test breast of either side."""

    def ramp(mask, at):
        x = np.broadcast_to(np.arange(mask.shape[1]), mask.shape)
        depth = x if at is Side.LEFT else mask.shape[1] - 1 - x
        extent = depth[mask].max() + 1
        return np.where(mask, 2100 + 200 * depth / extent, 2000).astype(np.float32)

    training = []
    for s, r in ((Side.LEFT, 30), (Side.RIGHT, 38), (Side.RIGHT, 34)):
        mask = half_disc(radius=r, side=s)
        training.append(TrainingImage(np.ones(mask.shape, np.float32), LE_WINDOW, ramp(mask, s), mask, s))
    learned = NullBaselines.learn(training)
    mask = half_disc(radius=radius, side=side)
    made = learned.images(np.ones(mask.shape, np.float32), LE_WINDOW, mask, side, WINDOW)[Baseline.MEAN_IMAGE]
    truth = WINDOW.apply(ramp(mask, side))
    assert np.abs(made - truth)[mask].mean() < 0.01
    assert made[~mask].max() == 0


def test_a_constant_low_energy_image_gives_the_level():
    mask = half_disc()
    flat = np.full(mask.shape, 2100, np.float32)
    image = TrainingImage(np.full(mask.shape, 5, np.float32), LE_WINDOW, flat, mask, Side.LEFT)
    learned = NullBaselines.learn([image])
    assert (learned.slope, learned.intercept) == (0.0, 2100.0)


def test_no_images_or_an_empty_mask_are_refused():
    with pytest.raises(EvaluationError, match="no training image"):
        NullBaselines.learn([])
    image = pair(0)
    with pytest.raises(EvaluationError, match="empty"):
        NullBaselines.learn([replace(image, mask=image.mask & False)])
