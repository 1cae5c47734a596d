"""Pix2pix: one generator, one discriminator that sees low energy and image together; adversarial loss and paired terms.

References
----------
Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017 (L1 weight 100).
"""

from collections.abc import Mapping
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from CEMSynthLib.generator.networks import build_generator
from CEMSynthLib.training.adversarial import cross_entropy, discriminator
from CEMSynthLib.training.batches import Batch
from CEMSynthLib.training.objectives import Learner, detached
from CEMSynthLib.training.paired import PairedTerms, inside
from CEMSynthLib.training.plan import Plan


class Pix2Pix:
    """Low energy -> recombined, judged beside its low-energy image."""

    def __init__(self, plan: Plan, fabric: Fabric) -> None:
        self._plan = plan
        self._terms = PairedTerms(plan)
        self._generator = Learner(fabric, [build_generator(plan.architecture)], plan.learning_rate)
        self._judge = Learner(fabric, [discriminator(plan, channels=2)], plan.learning_rate)
        self.generator = self._generator.networks[0]

    def step(self, batch: Batch, part_done: float) -> dict[str, Tensor]:
        """One step of the generator, then one of the discriminator."""
        self._generator.set_part_done(part_done)
        self._judge.set_part_done(part_done)
        low = batch.low_energy
        synthetic = inside(self._generator.shared[0](low), batch.mask)
        losses = self._terms.losses(synthetic, batch)
        weights = self._terms.weights() | {"adversarial": self._plan.adversarial_weight}
        if self._plan.warming_up(part_done):
            self._generator.apply(losses, weights, batch.share)
            return detached(losses)
        self._judge.require_gradients(False)
        losses["adversarial"] = cross_entropy(self._judge.alone(0, torch.cat([low, synthetic], 1)), True)
        self._generator.apply(losses, weights, batch.share)
        self._judge.require_gradients(True)
        judge = self._judge.shared[0]
        real = cross_entropy(judge(torch.cat([low, batch.recombined], 1)), True)
        made = cross_entropy(judge(torch.cat([low, synthetic.detach()], 1)), False)
        judged = {"judge": 0.5 * (real + made)}
        self._judge.apply(judged, {"judge": 1.0}, batch.share)
        return detached({**losses, **judged})

    def state_dict(self) -> dict[str, Any]:
        """Weights and the optimizers' memory."""
        return {"generator": self._generator.state_dict(), "judge": self._judge.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self._generator.load_state_dict(state["generator"])
        self._judge.load_state_dict(state["judge"])
