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
