"""Adversarial: least-squares and plain losses of a discriminator, and the pool of earlier synthetic images.

References
----------
Mao et al., "Least squares generative adversarial networks", ICCV 2017. Goodfellow et al., "Generative adversarial
nets", NeurIPS 2014. Shrivastava et al., "Learning from simulated and unsupervised images through adversarial
training", CVPR 2017 (image pool).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from CEMSynthLib.generator.networks import PatchDiscriminator, initialize
from CEMSynthLib.training.paired import wide
from CEMSynthLib.training.plan import Plan


def least_squares(judged: Tensor, real: bool) -> Tensor:
    """mean((judged - 1)^2) for real, mean(judged^2) for synthetic (Mao et al. 2017)."""
    judged = wide(judged)
    return ((judged - 1) ** 2).mean() if real else (judged**2).mean()


def cross_entropy(judged: Tensor, real: bool) -> Tensor:
    """Binary cross entropy of logits against 1 for real, 0 for synthetic (pix2pix)."""
    judged = wide(judged)
    return nn.functional.binary_cross_entropy_with_logits(judged, torch.full_like(judged, float(real)))


def discriminator(plan: Plan, channels: int = 1) -> nn.Module:
    """A new discriminator of the plan's size."""
    network = PatchDiscriminator(plan.discriminator_filters, plan.discriminator_layers, channels)
    initialize(network)
    return network


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

    def state_dict(self) -> dict[str, Any]:
        """Images and the state of the choice."""
        inner = self._random.bit_generator.state
        numbers = {name: str(value) for name, value in inner["state"].items()}  # 128 bits each
        spare = {"has_uint32": inner["has_uint32"], "uinteger": inner["uinteger"]}
        return {"batches": [batch.cpu() for batch in self._batches], "numbers": numbers, **spare}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go back to such a state."""
        self._batches = [batch.to(device) for batch in state["batches"]]
        inner = dict(self._random.bit_generator.state)
        inner["state"] = {name: int(value) for name, value in state["numbers"].items()}
        inner["has_uint32"], inner["uinteger"] = state["has_uint32"], state["uinteger"]
        self._random.bit_generator.state = inner
