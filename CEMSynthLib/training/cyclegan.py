"""CycleGAN: two generators and two discriminators; adversarial, cycle, identity and paired losses.

References
----------
Zhu et al., "Unpaired image-to-image translation using cycle-consistent adversarial networks", ICCV 2017. The paired L1
is that of Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017 (weight 100).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from CEMSynthLib.generator.networks import build_generator
from CEMSynthLib.training.adversarial import ImagePool, discriminator, least_squares
from CEMSynthLib.training.batches import Batch
from CEMSynthLib.training.objectives import Learner, detached
from CEMSynthLib.training.paired import PairedTerms, inside, masked_l1
from CEMSynthLib.training.plan import Plan

# Discriminators learn at the rate of Zhu et al. 2017, however fast the generators do.
_DISCRIMINATOR_RATE = 2e-4


class CycleGAN:
    """Low energy -> recombined (``generator``) and back, learned together."""

    def __init__(self, plan: Plan, fabric: Fabric) -> None:
        self._plan = plan
        self._fabric = fabric
        self._terms = PairedTerms(plan)
        back = replace(plan.architecture, base_filters=plan.inverse_filters)
        pair = [build_generator(plan.architecture), build_generator(back)]
        self._generators = Learner(fabric, pair, plan.learning_rate)
        self._judges = Learner(fabric, [discriminator(plan), discriminator(plan)], _DISCRIMINATOR_RATE)
        self.generator = self._generators.networks[0]
        random = np.random.default_rng([plan.seed, fabric.global_rank, 1])
        self._pools = (ImagePool(plan.pool_size, random), ImagePool(plan.pool_size, random))

    def step(self, batch: Batch, part_done: float) -> dict[str, Tensor]:
        """One step of the generators, then one of the discriminators; in the warm-up the paired losses alone."""
        self._generators.set_part_done(part_done)
        self._judges.set_part_done(part_done)
        if self._plan.warming_up(part_done):
            forward, backward = self._generators.shared
            synthetic, back = forward(batch.low_energy), backward(batch.recombined)
            losses = self._paired(synthetic, back, batch)
            self._generators.apply(losses, self._weights(), batch.share)
            return detached(losses)
        self._judges.require_gradients(False)
        losses, synthetic, back = self._generator_losses(batch)
        self._generators.apply(losses, self._weights(), batch.share)
        self._judges.require_gradients(True)
        judged = self._judge_losses(batch, synthetic.detach(), back.detach())
        self._judges.apply(judged, dict.fromkeys(judged, 1.0), batch.share)
        return detached({**losses, **judged})

    def state_dict(self) -> dict[str, Any]:
        """Weights, the optimizers' memory, the image pools of each process; all processes call it together."""
        pools = [[pool.state_dict() for pool in self._pools]]
        if self._fabric.world_size > 1:
            pools = pools * self._fabric.world_size
            torch.distributed.all_gather_object(pools, pools[0])
        return {
            "generators": self._generators.state_dict(),
            "judges": self._judges.state_dict(),
            "pools": pools,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self._generators.load_state_dict(state["generators"])
        self._judges.load_state_dict(state["judges"])
        pools = state["pools"]
        for pool, kept in zip(self._pools, pools[self._fabric.global_rank % len(pools)], strict=True):
            pool.load_state_dict(kept, self._fabric.device)

    def _weights(self) -> dict[str, float]:
        plan = self._plan
        return self._terms.weights() | {
            "paired_back": plan.paired_weight,
            "adversarial": plan.adversarial_weight,
            "cycle": plan.cycle_weight,
            "identity": plan.identity_weight,
        }

    def _paired(self, synthetic: Tensor, back: Tensor, batch: Batch) -> dict[str, Tensor]:
        losses = self._terms.losses(synthetic, batch)
        return losses | {"paired_back": masked_l1(back, batch.low_energy, batch.mask)}

    def _generator_losses(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        low, iodine, mask = batch.low_energy, batch.recombined, batch.mask
        forward, backward = self._generators.shared
        synthetic, back = inside(forward(low), mask), inside(backward(iodine), mask)
        losses = self._paired(synthetic, back, batch)
        judged = (self._judges.alone(0, synthetic), self._judges.alone(1, back))
        losses["adversarial"] = least_squares(judged[0], True) + least_squares(judged[1], True)
        losses["cycle"] = masked_l1(backward(synthetic), low, mask) + masked_l1(forward(back), iodine, mask)
        losses["identity"] = masked_l1(forward(iodine), iodine, mask) + masked_l1(backward(low), low, mask)
        return losses, synthetic, back

    def _judge_losses(self, batch: Batch, synthetic: Tensor, back: Tensor) -> dict[str, Tensor]:
        losses = {}
        for name, judge, real, pool, newest in (
            ("judge_recombined", self._judges.shared[0], batch.recombined, self._pools[0], synthetic),
            ("judge_low_energy", self._judges.shared[1], batch.low_energy, self._pools[1], back),
        ):
            shown = pool.exchange(newest)
            losses[name] = 0.5 * (least_squares(judge(real), True) + least_squares(judge(shown), False))
        return losses
