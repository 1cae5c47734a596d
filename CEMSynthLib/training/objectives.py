"""Objectives: what a generator is asked for, as one training step each (paired regression; CycleGAN in `cyclegan`)."""

from typing import Protocol

import torch
from torch import Tensor, nn

from CEMSynthLib.generator.networks import build_generator
from CEMSynthLib.training.batches import AIR, Batch
from CEMSynthLib.training.plan import Plan
from CEMSynthLib.training.precision import Precision


class Objective(Protocol):
    """A way to learn ``generator``."""

    generator: nn.Module

    def step(self, batch: Batch, part_done: float) -> dict[str, float]:
        """Learn from one batch; ``part_done`` is the part of the training that is over. Returns the losses by name."""


def masked_l1(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference over the breast, one number for the batch."""
    return ((a.float() - b.float()).abs() * mask).sum() / mask.sum().clamp_min(1)


def masked_dissimilarity(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """1 - SSIM over the breast (Wang et al. 2004: Gaussian of 11 x 11, sigma 1.5, K 0.01 / 0.03), for learning.

    The data range is 1, half of the network's output: about the width of a recombined VOI window. L1 alone shrinks fine
    structure toward zero where noise hides it; this term asks for its amplitude.
    """
    offsets = torch.arange(11, dtype=torch.float32, device=a.device) - 5
    kernel = torch.exp(-(offsets**2) / (2 * 1.5**2))
    kernel = kernel / kernel.sum()
    x, y = a.float(), b.float()
    stack = torch.cat([x, y, x * x, y * y, x * y])
    stack = nn.functional.conv2d(nn.functional.pad(stack, (5, 5, 0, 0), mode="reflect"), kernel.reshape(1, 1, 1, 11))
    stack = nn.functional.conv2d(nn.functional.pad(stack, (0, 0, 5, 5), mode="reflect"), kernel.reshape(1, 1, 11, 1))
    mean_x, mean_y, xx, yy, xy = stack.chunk(5)
    spread = (xx - mean_x**2) + (yy - mean_y**2)
    shared = xy - mean_x * mean_y
    level = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    ssim = level * (2 * shared + 0.03**2) / (spread + 0.03**2)
    return ((1 - ssim) * mask).sum() / mask.sum().clamp_min(1)


def inside(image: Tensor, mask: Tensor) -> Tensor:
    """The image inside the breast, air outside: what a network paints beside the breast counts nowhere."""
    return torch.where(mask > 0, image.float(), torch.full_like(image, AIR, dtype=torch.float32))


def learning_rate_factor(part_done: float) -> float:
    """1 in the first half of the training, then linearly to nearly 0 (Zhu et al. 2017)."""
    return min(1.0, max(2 * (1 - part_done), 1e-3))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the step size of all parameters."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def placed(network: nn.Module, device: torch.device) -> nn.Module:
    """The network on a device, channels last."""
    for parameter in network.to(device).parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


class PairedRegression:
    """The reference ceiling: L1 between output and recombined image inside the breast, nothing else."""

    def __init__(self, plan: Plan, device: torch.device, precision: Precision) -> None:
        self.generator = placed(build_generator(plan.architecture), device)
        self._plan = plan
        self._precision = precision
        self._optimizer = torch.optim.Adam(self.generator.parameters(), lr=plan.learning_rate, betas=(0.9, 0.999))

    def step(self, batch: Batch, part_done: float) -> dict[str, float]:
        """One step on the paired L1."""
        set_learning_rate(self._optimizer, self._plan.learning_rate * learning_rate_factor(part_done))
        self._optimizer.zero_grad(set_to_none=True)
        with self._precision.autocast():
            output = self.generator(batch.low_energy)
        loss = masked_l1(output, batch.recombined, batch.mask)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return {"paired": float(loss.detach())}
