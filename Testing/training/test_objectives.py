"""Losses and image pool: known answers."""

# ruff: noqa: E402
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from CEMSynthLib.generator.card import Architecture
from CEMSynthLib.measurement.similarity import ssim_map
from CEMSynthLib.training.batches import Batch
from CEMSynthLib.training.cyclegan import CycleGAN, ImagePool, adversarial_loss
from CEMSynthLib.training.objectives import inside, learning_rate_factor, masked_dissimilarity, masked_l1
from CEMSynthLib.training.plan import PRESETS
from CEMSynthLib.training.precision import Precision

CPU = torch.device("cpu")


def test_least_squares() -> None:
    judged = torch.tensor([0.0, 1.0, 3.0])
    assert float(adversarial_loss(judged, True)) == pytest.approx((1 + 0 + 4) / 3)
    assert float(adversarial_loss(judged, False)) == pytest.approx((0 + 1 + 9) / 3)


def test_paired_loss_counts_the_breast_only() -> None:
    a, b = torch.tensor([[0.0, 0.5, 9.0]]), torch.tensor([[1.0, 0.0, -9.0]])
    mask = torch.tensor([[1.0, 1.0, 0.0]])
    assert float(masked_l1(a, b, mask)) == pytest.approx(0.75)
    assert inside(a, mask).tolist() == [[0.0, 0.5, -1.0]]
    assert float(masked_l1(a, b, torch.zeros(1, 3))) == 0


def test_structure_loss_is_one_minus_the_ssim_of_the_measurements() -> None:
    random = np.random.default_rng(0)
    a = random.random((64, 48))
    b = np.clip(a + 0.1 * random.normal(size=a.shape), 0, 1)
    mask = np.zeros(a.shape, dtype=bool)
    mask[8:50, 8:40] = True
    tensors = [torch.tensor(image, dtype=torch.float32)[None, None] for image in (a, b, mask)]
    assert float(masked_dissimilarity(*tensors)) == pytest.approx(1 - ssim_map(a, b)[mask].mean(), abs=1e-5)
    assert float(masked_dissimilarity(tensors[0], tensors[0], tensors[2])) == pytest.approx(0, abs=1e-6)


def test_learning_rate_is_kept_then_falls() -> None:
    assert [learning_rate_factor(part) for part in (0.0, 0.5, 0.75)] == [1.0, 1.0, 0.5]
    assert 0 < learning_rate_factor(1.0) < 0.01


def test_image_pool_keeps_its_size_and_gives_older_images_half_of_the_time() -> None:
    pool = ImagePool(50, np.random.default_rng(0))
    batches = [torch.full((2, 1, 1, 1), float(number)) for number in range(2000)]
    shown = [pool.exchange(batch) for batch in batches]
    assert all(torch.equal(a, b) for a, b in zip(batches[:25], shown[:25], strict=True))  # filling: 25 batches of 2
    newest = [torch.equal(a, b) for a, b in zip(batches[25:], shown[25:], strict=True)]
    assert 0.45 < np.mean(newest) < 0.55
    ages = [float(a[0] - b[0]) for a, b in zip(batches[25:], shown[25:], strict=True)]
    assert min(ages) >= 0
    assert len({float(b[0]) for b in shown[25:]}) == len(shown[25:])  # each image leaves the pool once
    assert ImagePool(0, np.random.default_rng(0)).exchange(batches[5]) is batches[5]


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    mask = torch.zeros(2, 1, 48, 40)
    mask[:, :, 4:40, :30] = 1
    low, iodine = (inside(torch.rand(2, 1, 48, 40) - 0.5, mask) for _ in range(2))
    return Batch(low, iodine, mask)


def test_a_full_step_moves_all_four_networks_and_the_warm_up_only_the_generators(batch: Batch) -> None:
    plan = replace(
        PRESETS["demo"],
        architecture=Architecture("resnet", 4, 1),
        inverse_filters=4,
        discriminator_filters=4,
        precision="float32",
    )
    for part_done, expected in ((0.0, (True, True, False, False)), (0.9, (True, True, True, True))):
        objective = CycleGAN(plan, CPU, Precision(CPU, "float32"))
        networks = (
            objective.generator,
            objective._inverse,
            objective._judge_recombined,
            objective._judge_low_energy,
        )
        before = [[p.detach().clone() for p in network.parameters()] for network in networks]
        losses = objective.step(batch, part_done)
        moved = tuple(
            any(not torch.equal(a, b) for a, b in zip(old, network.parameters(), strict=True))
            for old, network in zip(before, networks, strict=True)
        )
        assert moved == expected
        assert all(np.isfinite(value) for value in losses.values())
    names = {
        "structure",
        "paired",
        "paired_back",
        "adversarial",
        "cycle",
        "identity",
        "judge_recombined",
        "judge_low_energy",
    }
    assert set(losses) == names


def test_without_their_weights_the_paired_losses_do_not_steer(batch: Batch) -> None:
    plan = replace(
        PRESETS["demo"],
        architecture=Architecture("resnet", 4, 1),
        inverse_filters=4,
        discriminator_filters=4,
        paired_weight=0.0,
        structure_weight=0.0,
    )
    states = []
    for iodine in (batch.recombined, batch.recombined.flip(-2)):
        torch.manual_seed(0)
        objective = CycleGAN(replace(plan, identity_weight=0.0, cycle_weight=0.0), CPU, Precision(CPU, "float32"))
        objective.step(Batch(batch.low_energy, iodine, batch.mask), 0.0)
        states.append(objective.generator.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
