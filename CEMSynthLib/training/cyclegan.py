"""CycleGAN: two generators and two discriminators; adversarial, cycle, identity and paired losses.

References
----------
Zhu et al., "Unpaired image-to-image translation using cycle-consistent adversarial networks", ICCV 2017. Mao et al.,
"Least squares generative adversarial networks", ICCV 2017. Shrivastava et al., "Learning from simulated and
unsupervised images through adversarial training", CVPR 2017 (image pool). Isola et al., "Image-to-image
translation with conditional adversarial networks", CVPR 2017 (paired L1, weight 100).
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from CEMSynthLib.generator.networks import PatchDiscriminator, build_generator, initialize
from CEMSynthLib.training.batches import Batch
from CEMSynthLib.training.objectives import (
    inside,
    learning_rate_factor,
    masked_dissimilarity,
    masked_l1,
    placed,
    set_learning_rate,
)
from CEMSynthLib.training.plan import Plan
from CEMSynthLib.training.precision import Precision

# Discriminators learn at the rate of Zhu et al. 2017, however fast the generators do.
_DISCRIMINATOR_RATE = 2e-4


class ImagePool:
    """Earlier synthetic images: half of the time a discriminator sees one of these instead of the newest.

    Parameters
    ----------
    size
        Images kept (50 in the paper); 0 keeps none.
    random
        Source of the choice.
    """

    def __init__(self, size: int, random: np.random.Generator) -> None:
        self._size = size
        self._random = random
        self._batches: list[Tensor] = []

    def exchange(self, images: Tensor) -> Tensor:
        """Give the newest images (one batch, detached), get those to show. Batches stay whole since sizes differ."""
        capacity = self._size // max(1, len(images))
        if capacity == 0:
            return images
        if len(self._batches) < capacity:
            self._batches.append(images)
            return images
        if self._random.random() < 0.5:
            return images
        chosen = int(self._random.integers(len(self._batches)))
        earlier, self._batches[chosen] = self._batches[chosen], images
        return earlier


def adversarial_loss(judged: Tensor, real: bool) -> Tensor:
    """Least squares: mean((judged - 1)^2) for real, mean(judged^2) for synthetic (Mao et al. 2017)."""
    judged = judged.float()
    return ((judged - 1) ** 2).mean() if real else (judged**2).mean()


class CycleGAN:
    """Low energy -> recombined (``generator``) and back, learned together."""

    def __init__(self, plan: Plan, device: torch.device, precision: Precision) -> None:
        self._plan = plan
        self._precision = precision
        back = replace(plan.architecture, base_filters=plan.inverse_filters)
        self.generator = placed(build_generator(plan.architecture), device)
        self._inverse = placed(build_generator(back), device)
        self._judge_recombined = placed(_discriminator(plan), device)
        self._judge_low_energy = placed(_discriminator(plan), device)
        random = np.random.default_rng([plan.seed, 1])
        self._pool_recombined = ImagePool(plan.pool_size, random)
        self._pool_low_energy = ImagePool(plan.pool_size, random)
        self._generators = _adam([self.generator, self._inverse], plan.learning_rate)
        self._judges = _adam([self._judge_recombined, self._judge_low_energy], _DISCRIMINATOR_RATE)

    def step(self, batch: Batch, part_done: float) -> dict[str, float]:
        """One step of the generators, then one of the discriminators; in the warm-up the paired losses alone."""
        factor = learning_rate_factor(part_done)
        set_learning_rate(self._generators, self._plan.learning_rate * factor)
        set_learning_rate(self._judges, _DISCRIMINATOR_RATE * factor)
        if self._plan.warming_up(part_done):
            return self._paired_step(batch)
        _require_gradients([self._judge_recombined, self._judge_low_energy], False)
        losses, synthetic, back = self._generator_losses(batch)
        weights = self._weights()
        total = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        _apply(total, self._generators)
        _require_gradients([self._judge_recombined, self._judge_low_energy], True)
        judged = self._judge_losses(batch, synthetic.detach(), back.detach())
        _apply(torch.stack(list(judged.values())).sum(), self._judges)
        return {name: float(value.detach()) for name, value in {**losses, **judged}.items()}

    def _paired_step(self, batch: Batch) -> dict[str, float]:
        with self._precision.autocast():
            output, back = self.generator(batch.low_energy), self._inverse(batch.recombined)
        losses = {
            "paired": masked_l1(output, batch.recombined, batch.mask),
            "structure": self._dissimilarity(output, batch),
            "paired_back": masked_l1(back, batch.low_energy, batch.mask),
        }
        weights = self._weights()
        _apply(torch.stack([weights[name] * value for name, value in losses.items()]).sum(), self._generators)
        return {name: float(value.detach()) for name, value in losses.items()}

    def _dissimilarity(self, synthetic: Tensor, batch: Batch) -> Tensor:
        if self._plan.structure_weight == 0:
            return synthetic.new_zeros((), dtype=torch.float32)
        # In [0, 2], so that SSIM's luminance term sees positive values.
        return masked_dissimilarity(inside(synthetic, batch.mask) + 1, batch.recombined.float() + 1, batch.mask)

    def _weights(self) -> dict[str, float]:
        plan = self._plan
        return {
            "paired": plan.paired_weight,
            "structure": plan.structure_weight,
            "paired_back": plan.paired_weight,
            "adversarial": plan.adversarial_weight,
            "cycle": plan.cycle_weight,
            "identity": plan.identity_weight,
        }

    def _generator_losses(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        low, iodine, mask = batch.low_energy, batch.recombined, batch.mask
        with self._precision.autocast():
            synthetic = inside(self.generator(low), mask)
            back = inside(self._inverse(iodine), mask)
            cycled_low, cycled_iodine = self._inverse(synthetic), self.generator(back)
            fooled = adversarial_loss(self._judge_recombined(synthetic), True)
            fooled = fooled + adversarial_loss(self._judge_low_energy(back), True)
            same_iodine, same_low = self.generator(iodine), self._inverse(low)
        losses = {
            "paired": masked_l1(synthetic, iodine, mask),
            "structure": self._dissimilarity(synthetic, batch),
            "paired_back": masked_l1(back, low, mask),
            "adversarial": fooled,
            "cycle": masked_l1(cycled_low, low, mask) + masked_l1(cycled_iodine, iodine, mask),
            "identity": masked_l1(same_iodine, iodine, mask) + masked_l1(same_low, low, mask),
        }
        return losses, synthetic, back

    def _judge_losses(self, batch: Batch, synthetic: Tensor, back: Tensor) -> dict[str, Tensor]:
        losses = {}
        with self._precision.autocast():
            for name, judge, real, pool, newest in (
                ("judge_recombined", self._judge_recombined, batch.recombined, self._pool_recombined, synthetic),
                ("judge_low_energy", self._judge_low_energy, batch.low_energy, self._pool_low_energy, back),
            ):
                shown = pool.exchange(newest)
                losses[name] = 0.5 * (adversarial_loss(judge(real), True) + adversarial_loss(judge(shown), False))
        return losses


def _discriminator(plan: Plan) -> nn.Module:
    network = PatchDiscriminator(plan.discriminator_filters, plan.discriminator_layers)
    initialize(network)
    return network


def _adam(networks: Iterable[nn.Module], rate: float) -> torch.optim.Adam:
    return torch.optim.Adam([p for network in networks for p in network.parameters()], lr=rate, betas=(0.5, 0.999))


def _apply(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _require_gradients(networks: Iterable[nn.Module], required: bool) -> None:
    for network in networks:
        network.requires_grad_(required)
