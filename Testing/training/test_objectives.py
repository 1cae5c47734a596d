"""Losses, image pool, and one step of each objective: known answers."""

# ruff: noqa: E402
import copy
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("lightning_fabric")

from CEMSynthLib.generator.card import Architecture
from CEMSynthLib.measurement.similarity import ssim_map
from CEMSynthLib.training.adversarial import ImagePool, cross_entropy, least_squares
from CEMSynthLib.training.batches import Batch
from CEMSynthLib.training.cyclegan import CycleGAN
from CEMSynthLib.training.errors import TrainingSetupError
from CEMSynthLib.training.objectives import PairedRegression, learning_rate_factor
from CEMSynthLib.training.paired import contrast_error, inside, masked_dissimilarity, masked_l1
from CEMSynthLib.training.pix2pix import Pix2Pix
from CEMSynthLib.training.plan import PRESETS
from CEMSynthLib.training.runtime import resolve_precision, start

CPU = torch.device("cpu")
TINY = replace(
    PRESETS["demo"],
    architecture=Architecture("resnet", 4, 1),
    inverse_filters=4,
    discriminator_filters=4,
    precision="float32",
)


def image(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def test_least_squares_and_cross_entropy() -> None:
    judged = torch.tensor([0.0, 1.0, 3.0])
    assert float(least_squares(judged, True)) == pytest.approx((1 + 0 + 4) / 3)
    assert float(least_squares(judged, False)) == pytest.approx((0 + 1 + 9) / 3)
    assert float(cross_entropy(torch.zeros(5), True)) == pytest.approx(np.log(2))
    assert float(cross_entropy(judged, False)) == pytest.approx(np.mean(np.log1p(np.exp([0.0, 1.0, 3.0]))))


def test_paired_loss_counts_the_breast_only_and_each_image_alike() -> None:
    a, b, mask = image(0.0, 0.5, 9.0), image(1.0, 0.0, -9.0), image(1.0, 1.0, 0.0)
    assert float(masked_l1(a, b, mask)) == pytest.approx(0.75)
    assert inside(a, mask).flatten().tolist() == [0.0, 0.5, -1.0]
    assert float(masked_l1(a, b, torch.zeros_like(mask))) == 0
    second = image(0.0, 0.0, 1.0)
    both = masked_l1(torch.cat([a, a]), torch.cat([b, b]), torch.cat([mask, second]))
    assert float(both) == pytest.approx((0.75 + 18) / 2)


def test_structure_loss_is_one_minus_the_ssim_of_the_measurements() -> None:
    random = np.random.default_rng(0)
    a = random.random((64, 48))
    b = np.clip(a + 0.1 * random.normal(size=a.shape), 0, 1)
    mask = np.zeros(a.shape, dtype=bool)
    mask[8:50, 8:40] = True
    tensors = [torch.tensor(array, dtype=torch.float32)[None, None] for array in (a, b, mask)]
    assert float(masked_dissimilarity(*tensors)) == pytest.approx(1 - ssim_map(a, b)[mask].mean(), abs=1e-5)
    assert float(masked_dissimilarity(tensors[0], tensors[0], tensors[2])) == pytest.approx(0, abs=1e-6)


def test_lesion_term_is_the_error_of_the_contrast_to_the_ring() -> None:
    regions = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    regions[0, 0, :2, :4], regions[0, 0, 2:4, :4] = 1, 2  # one lesion in the first image
    regions[1, 0, :2, :4], regions[1, 0, 2:4, :4] = 1, 2  # two in the second,
    regions[1, 0, 4:6, :4], regions[1, 0, 6:8, :4] = 253, 254
    regions[1, 0, 0, 6:8] = 5  # and one of two pixels without a ring, which does not count
    wanted, made = torch.zeros(2, 1, 8, 8), torch.full((2, 1, 8, 8), 0.25)  # a level that is off changes nothing
    wanted[regions == 1], wanted[regions == 253] = 0.5, 0.1
    made[regions == 1] = 0.25 + 0.2  # 0.3 too small
    made[regions == 253] = 0.25 + 0.4  # 0.3 too large
    batch = Batch(made, wanted, torch.ones_like(made), regions)
    assert float(contrast_error(made, batch)) == pytest.approx((0.3 + (0.3 + 0.3)) / 2, abs=1e-6)
    assert float(contrast_error(made, batch, under=2.0)) == pytest.approx((0.6 + (0.6 + 0.3)) / 2, abs=1e-6)
    assert float(contrast_error(wanted, batch)) == pytest.approx(0, abs=1e-6)
    none = Batch(made, wanted, torch.ones_like(made), torch.zeros_like(regions))
    assert float(contrast_error(made.requires_grad_(), none)) == 0


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
    regions = torch.zeros(2, 1, 48, 40, dtype=torch.uint8)
    regions[:, :, 10:14, 10:14], regions[:, :, 16:20, 10:14] = 1, 2
    return Batch(low, iodine, mask, regions)


def moved(network: torch.nn.Module, before: list[torch.Tensor]) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_a_full_step_moves_all_four_networks_and_the_warm_up_only_the_generators(batch: Batch) -> None:
    for part_done, expected in ((0.0, [True, True, False, False]), (0.9, [True, True, True, True])):
        objective = CycleGAN(TINY, start(CPU, "float32"))
        networks = [*objective._generators.networks, *objective._judges.networks]
        before = [[p.detach().clone() for p in network.parameters()] for network in networks]
        losses = objective.step(batch, part_done)
        assert [moved(n, old) for n, old in zip(networks, before, strict=True)] == expected
        assert all(np.isfinite(float(value)) for value in losses.values())
    names = {"structure", "contrast", "paired", "paired_back", "adversarial", "cycle", "identity"}
    assert set(losses) == names | {"judge_recombined", "judge_low_energy"}


def test_pix2pix_judges_both_images_together(batch: Batch) -> None:
    plan = replace(TINY, objective="pix2pix", paired_warmup=0.0, structure_weight=0.0, contrast_weight=0.0)
    objective = Pix2Pix(plan, start(CPU, "float32"))
    networks = [objective.generator, objective._judge.networks[0]]
    assert networks[1].model[0].in_channels == 2
    before = [[p.detach().clone() for p in network.parameters()] for network in networks]
    losses = objective.step(batch, 0.0)
    assert set(losses) == {"paired", "adversarial", "judge"}
    assert all(moved(n, old) for n, old in zip(networks, before, strict=True))


def test_without_their_weights_the_paired_losses_do_not_steer(batch: Batch) -> None:
    plan = replace(TINY, paired_weight=0.0, structure_weight=0.0, contrast_weight=0.0)
    states = []
    for iodine in (batch.recombined, batch.recombined.flip(-2)):
        torch.manual_seed(0)
        objective = CycleGAN(replace(plan, identity_weight=0.0, cycle_weight=0.0), start(CPU, "float32"))
        objective.step(replace(batch, recombined=iodine), 0.0)
        states.append(objective.generator.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_loss_that_is_no_number_changes_nothing(batch: Batch) -> None:
    objective = PairedRegression(replace(TINY, objective="regression"), start(CPU, "float32"))
    before = [p.detach().clone() for p in objective.generator.parameters()]
    with pytest.raises(FloatingPointError):
        objective.step(replace(batch, recombined=batch.recombined * float("nan")), 0.0)
    assert not moved(objective.generator, before)


def test_an_objective_goes_on_from_its_state_as_if_it_had_not_stopped(batch: Batch) -> None:
    for kind, plan in ((CycleGAN, TINY), (Pix2Pix, replace(TINY, objective="pix2pix"))):
        torch.manual_seed(0)
        first = kind(replace(plan, pool_size=4), start(CPU, "float32"))
        for _ in range(4):
            first.step(batch, 0.9)
        torch.manual_seed(1)
        second = kind(replace(plan, pool_size=4), start(CPU, "float32"))
        second.load_state_dict(copy.deepcopy(first.state_dict()))
        for _ in range(3):
            expected, got = first.step(batch, 0.95), second.step(batch, 0.95)
            assert all(torch.equal(expected[name], got[name]) for name in expected)


def test_precisions() -> None:
    assert resolve_precision(CPU, "float32") == "float32"
    assert resolve_precision(CPU, "auto") in ("float32", "bfloat16")
    assert resolve_precision(torch.device("cuda"), "float16") == "float16"
    with pytest.raises(TrainingSetupError, match="needs a GPU"):
        start(CPU, "float16")
    with pytest.raises(TrainingSetupError, match="not known"):
        start(CPU, "int8")


def test_bfloat16_steps_are_near_those_of_float32(batch: Batch) -> None:
    losses = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        objective = CycleGAN(replace(TINY, precision=precision), start(CPU, precision))
        losses.append({name: float(value) for name, value in objective.step(batch, 0.9).items()})
    for name, value in losses[0].items():
        assert losses[1][name] == pytest.approx(value, rel=0.05, abs=0.01)
    assert losses[0] != losses[1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_step_on_a_gpu_is_near_one_on_the_cpu(batch: Batch, precision: str) -> None:
    losses = []
    for device, chosen in ((CPU, "float32"), (torch.device("cuda"), precision)):
        torch.manual_seed(0)
        objective = CycleGAN(TINY, start(device, chosen))
        losses.append({n: float(v) for n, v in objective.step(batch.to(objective._fabric.device), 0.9).items()})
    for name, value in losses[0].items():
        assert losses[1][name] == pytest.approx(value, rel=0.05, abs=0.01)
