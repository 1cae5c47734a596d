"""Batches: each image once, all planes alike, nothing but air outside, the same on one process and on several."""

# ruff: noqa: E402
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from CEMSynthLib.generator.card import OutputNormalization
from CEMSynthLib.study.model import VOIWindow
from CEMSynthLib.training.batches import Worker, single, steps_per_epoch, training_batches
from CEMSynthLib.training.data import Pair, output_normalization
from CEMSynthLib.training.plan import PRESETS

SCALE = OutputNormalization(low=0.0, high=2.0, air=0.0)
PLAN = replace(PRESETS["demo"], batch_size=3)


def pairs(count: int = 7) -> list[Pair]:
    """Images of different sizes whose recombined value is 1 + low energy, a bright lesion and a ring around it."""
    made = []
    for number in range(count):
        rows, columns = 40 + 13 * number, 30 + 7 * number
        y, x = np.mgrid[0:rows, 0:columns]
        mask = ((y / rows - 0.5) / 0.5) ** 2 + (x / columns) ** 2 < 1
        low = np.where(mask, 0.8 * np.sin(0.15 * y + 0.1 * x + number), -1).astype(np.float32)
        away = np.hypot(y - rows / 2, x - columns / 3)
        regions = np.select([away < 4, away < 8], [1, 2], 0).astype(np.uint8)
        window = VOIWindow(1, 2)
        made.append(
            Pair(f"P{number}", None, "L CC", low, low + 1, mask, regions, window, 0.0, float(rows), None, ("", ""), {})
        )
    return made


@pytest.mark.parametrize("epoch", range(5))
def test_an_epoch(epoch: int) -> None:
    count = 0
    for batch in training_batches(pairs(), SCALE, PLAN, epoch):
        count += len(batch.mask)
        low, iodine, mask, regions = (
            t.numpy() for t in (batch.low_energy, batch.recombined, batch.mask, batch.regions)
        )
        assert low.shape == iodine.shape == mask.shape == regions.shape
        assert low.shape[2] % 16 == low.shape[3] % 16 == 0
        assert set(np.unique(mask)) <= {0.0, 1.0}
        assert np.all(low[mask == 0] == -1)
        assert np.all(iodine[mask == 0] == -1)
        assert np.all(regions[mask == 0] == 0)
        assert set(np.unique(regions)) == {0, 1, 2}
        for image in range(len(mask)):
            inside = mask[image] > 0
            # Jitter of the low energy is a gamma and a shift, so the two images keep their order of gray levels.
            assert np.corrcoef(low[image][inside], iodine[image][inside])[0, 1] > 0.97
            assert inside[0, :, 0].sum() > 0.8 * inside[0].any(axis=1).sum()  # the chest wall stays on the left
            rows, columns = np.nonzero(regions[image, 0] == 1)
            breast_rows, breast_columns = np.nonzero(inside[0])
            assert abs(rows.mean() - breast_rows.mean()) < 2  # lesions stay where the breast's middle is
            assert abs(columns.mean() - breast_columns.max() / 3) < 2.5
    assert count == 7


def test_epochs_differ_and_repeat() -> None:
    first, again, second = (next(training_batches(pairs(), SCALE, PLAN, epoch)).low_energy for epoch in (1, 1, 2))
    assert torch.equal(first, again)
    assert first.shape != second.shape or not torch.equal(first, second)
    other = next(training_batches(pairs(), SCALE, replace(PLAN, seed=1), 1)).low_energy
    assert first.shape != other.shape or not torch.equal(first, other)


@pytest.mark.parametrize("patch", [None, 32])
@pytest.mark.parametrize("images", [7, 8, 10])
def test_processes_share_the_batches_of_one(images: int, patch: int | None) -> None:
    plan = replace(PLAN, batch_size=4, patch_px=patch)
    alone = list(training_batches(pairs(images), SCALE, plan, 3))
    parts = [list(training_batches(pairs(images), SCALE, plan, 3, Worker(rank, 2))) for rank in (0, 1)]
    assert len(parts[0]) == len(parts[1]) == steps_per_epoch(images, 4, 2)
    for whole, first, second in zip(alone, *parts, strict=True):
        joined = torch.empty_like(whole.low_energy)
        joined[0::2], joined[1::2] = first.low_energy, second.low_energy
        assert torch.equal(joined, whole.low_energy)
        # Mean over processes of share x mean over own images = mean over all images.
        mean = (first.share * first.low_energy.mean() + second.share * second.low_energy.mean()) / 2
        assert float(mean) == pytest.approx(float(whole.low_energy.mean()), abs=1e-6)


def test_a_last_batch_with_fewer_images_than_processes_is_left_out_by_all() -> None:
    parts = [list(training_batches(pairs(5), SCALE, replace(PLAN, batch_size=4), 0, Worker(r, 2))) for r in (0, 1)]
    assert [len(part) for part in parts] == [1, 1]
    assert steps_per_epoch(5, 4, 2) == 1
    assert steps_per_epoch(5, 4, 1) == 2


def test_patches_hold_breast_and_keep_planes_together() -> None:
    plan = replace(PLAN, patch_px=32, augment=False)
    for batch in training_batches(pairs(), SCALE, plan, 0):
        assert batch.mask.shape[-2:] == (32, 32)
        assert bool((batch.mask.sum(dim=(1, 2, 3)) > 0).all())
        inside = batch.mask > 0
        assert torch.allclose(batch.recombined[inside], batch.low_energy[inside], atol=1e-6)  # 2 (x + 1) / 2 - 1 = x


def test_single_is_not_augmented() -> None:
    pair = pairs()[3]
    batch = single(pair, SCALE, 4)
    rows, columns = pair.mask.shape
    assert np.array_equal(batch.low_energy[0, 0, :rows, :columns].numpy(), pair.low_energy)
    assert batch.mask.sum() == pair.mask.sum()
    np.testing.assert_allclose(
        batch.recombined[0, 0, :rows, :columns].numpy()[pair.mask], pair.low_energy[pair.mask], atol=1e-6
    )


def test_output_range_holds_window_and_values() -> None:
    scale, window = output_normalization(pairs())
    assert (window.low, window.high) == (0.0, 1.0)  # LINEAR, center 1, width 2: PS3.3 C.11.2.1.2
    values = np.concatenate([pair.recombined[pair.mask] for pair in pairs()])
    assert scale.low < np.quantile(values, 0.01)
    assert scale.high > np.quantile(values, 0.99)
    assert scale.low <= window.low < window.high <= scale.high
