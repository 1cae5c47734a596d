"""Objectives: what a generator is asked for, as one training step each (adversarial ones in `cyclegan`, `pix2pix`)."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from CEMSynthLib.generator.networks import build_generator
from CEMSynthLib.training.batches import Batch
from CEMSynthLib.training.paired import PairedTerms
from CEMSynthLib.training.plan import Plan


class Objective(Protocol):
    """A way to learn ``generator`` (the network itself, as it is saved)."""

    generator: nn.Module

    def step(self, batch: Batch, part_done: float) -> dict[str, Tensor]:
        """Learn from one batch; ``part_done`` is the part of the training that is over. Returns the losses by name.

        Raises
        ------
        FloatingPointError
            A loss is not finite; the weights are as they were.
        """

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on; all processes call it together."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""


def learning_rate_factor(part_done: float) -> float:
    """1 in the first half of the training, then linearly to nearly 0 (Zhu et al. 2017)."""
    return min(1.0, max(2 * (1 - part_done), 1e-3))


class Learner:
    """Networks that one optimizer moves.

    Parameters
    ----------
    fabric
        Where to compute; with several processes their gradients are averaged.
    networks
        Moved to the device, channels last.
    rate, betas
        Of Adam.
    """

    def __init__(
        self, fabric: Fabric, networks: Iterable[nn.Module], rate: float, betas: tuple[float, float] = (0.5, 0.999)
    ) -> None:
        self._fabric = fabric
        self._rate = rate
        self.networks = [_channels_last(network.to(fabric.device)) for network in networks]
        self.shared = [fabric.setup_module(network, move_to_device=False) for network in self.networks]
        self._parameters = [p for network in self.networks for p in network.parameters()]
        self._adam = torch.optim.Adam(self._parameters, lr=rate, betas=betas)
        optimizer = fabric.setup_optimizers(self._adam)
        self._optimizer = optimizer[0] if isinstance(optimizer, tuple) else optimizer

    def alone(self, number: int, image: Tensor) -> Tensor:
        """What a network makes of an image where no gradient of its weights is wanted, nor waited for."""
        network = self.networks[number]
        with self._fabric.autocast():
            output: Tensor = network(image.to(next(network.parameters()).dtype))
        return output

    def set_part_done(self, part_done: float) -> None:
        """Set the step size for this part of the training."""
        for group in self._adam.param_groups:
            group["lr"] = self._rate * learning_rate_factor(part_done)

    def require_gradients(self, required: bool) -> None:
        """Whether gradients of the weights are wanted."""
        for parameter in self._parameters:
            parameter.requires_grad_(required)

    def apply(self, losses: Mapping[str, Tensor], weights: Mapping[str, float], share: float) -> None:
        """One step down the weighted sum.

        Raises
        ------
        FloatingPointError
            The sum is not finite; nothing is changed.
        """
        used = [weights[name] * loss for name, loss in losses.items() if weights[name]]
        total = torch.stack(used).sum()
        if not bool(torch.isfinite(total.detach())):
            raise FloatingPointError("loss")
        self._optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(share * total)
        self._optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Weights and the optimizer's memory."""
        return {"networks": [network.state_dict() for network in self.networks], "adam": self._adam.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        for network, weights in zip(self.networks, state["networks"], strict=True):
            network.load_state_dict(weights)
        self._adam.load_state_dict(state["adam"])


class PairedRegression:
    """The paired terms alone; with L1 only, the reference ceiling."""

    def __init__(self, plan: Plan, fabric: Fabric) -> None:
        self._terms = PairedTerms(plan)
        betas = (0.9, 0.999)
        self._learner = Learner(fabric, [build_generator(plan.architecture)], plan.learning_rate, betas)
        self.generator = self._learner.networks[0]

    def step(self, batch: Batch, part_done: float) -> dict[str, Tensor]:
        """One step on the paired terms."""
        self._learner.set_part_done(part_done)
        losses = self._terms.losses(self._learner.shared[0](batch.low_energy), batch)
        self._learner.apply(losses, self._terms.weights(), batch.share)
        return detached(losses)

    def state_dict(self) -> dict[str, Any]:
        """Weights and the optimizer's memory."""
        return {"generator": self._learner.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self._learner.load_state_dict(state["generator"])


def detached(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same numbers without their history."""
    return {name: value.detach() for name, value in losses.items()}


def _channels_last(network: nn.Module) -> nn.Module:
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
