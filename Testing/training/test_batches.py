"""Batches: each image once, both images alike, nothing but air outside."""

# ruff: noqa: E402
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from CEMSynthLib.generator.card import OutputNormalization
from CEMSynthLib.study.model import VOIWindow
from CEMSynthLib.training.batches import single, training_batches
from CEMSynthLib.training.data import Pair, output_normalization

SCALE = OutputNormalization(low=0.0, high=2.0, air=0.0)


def pairs() -> list[Pair]:
    """Seven images of different sizes whose recombined value is 1 + low energy, so that they can be compared."""
    made = []
    for number in range(7):
        rows, columns = 40 + 13 * number, 30 + 7 * number
        y, x = np.mgrid[0:rows, 0:columns]
        mask = ((y / rows - 0.5) / 0.5) ** 2 + (x / columns) ** 2 < 1
        low = np.where(mask, 0.8 * np.sin(0.15 * y + 0.1 * x + number), -1).astype(np.float32)
        made.append(Pair(f"P{number}", "L CC", low, low + 1, mask, VOIWindow(1, 2), 0.0, float(rows), None))
    return made


@pytest.mark.parametrize("seed", range(5))
def test_an_epoch(seed: int) -> None:
    count = 0
    for batch in training_batches(pairs(), SCALE, 3, 4, np.random.default_rng(seed)):
        count += len(batch.mask)
        low, iodine, mask = (t.numpy() for t in (batch.low_energy, batch.recombined, batch.mask))
        assert low.shape == iodine.shape == mask.shape
        assert low.shape[2] % 16 == low.shape[3] % 16 == 0
        assert set(np.unique(mask)) <= {0.0, 1.0}
        assert np.all(low[mask == 0] == -1)
        assert np.all(iodine[mask == 0] == -1)
        for image in range(len(mask)):
            inside = mask[image] > 0
            # Jitter of the low energy is a gamma and a shift, so the two images keep their order of gray levels.
            assert np.corrcoef(low[image][inside], iodine[image][inside])[0, 1] > 0.97
            assert inside[0, :, 0].sum() > 0.8 * inside[0].any(axis=1).sum()  # the chest wall stays on the left
    assert count == 7


def test_epochs_differ_and_seeds_repeat() -> None:
    random = np.random.default_rng(0)
    first, second = (next(training_batches(pairs(), SCALE, 3, 4, random)).low_energy for _ in range(2))
    again = next(training_batches(pairs(), SCALE, 3, 4, np.random.default_rng(0))).low_energy
    assert torch.equal(first, again)
    assert first.shape != second.shape or not torch.equal(first, second)


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
