"""A CycleGAN with an image pool, and one that takes up its state half-way: their losses go to a JSON file.

python -m torch.distributed.run --nproc-per-node 2 distributed_resume.py OUTPUT.json
"""

import copy
import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from distributed_steps import PLAN, made_up_pair

from CEMSynthLib.generator.card import OutputNormalization
from CEMSynthLib.training.batches import Worker, training_batches
from CEMSynthLib.training.cyclegan import CycleGAN
from CEMSynthLib.training.runtime import end, start


def main() -> None:
    torch.set_num_threads(1)
    fabric = start(torch.device("cpu"), "float32")
    plan = replace(PLAN, pool_size=2, paired_warmup=0.0)
    pairs, scale = [made_up_pair(number) for number in range(8)], OutputNormalization(-1.0, 1.0, -1.0)
    worker = Worker(fabric.global_rank, fabric.world_size)
    batches = [b for epoch in range(1, 5) for b in training_batches(pairs, scale, plan, epoch, worker)]
    torch.manual_seed(1)
    whole = CycleGAN(plan, fabric)
    for batch in batches[:4]:
        whole.step(batch, 0.0)
    resumed = CycleGAN(plan, fabric)  # all take up what the first one wrote
    resumed.load_state_dict(copy.deepcopy(fabric.broadcast(whole.state_dict())))
    losses = [[{n: float(v) for n, v in one.step(b, 0.0).items()} for b in batches[4:]] for one in (whole, resumed)]
    Path(f"{sys.argv[1]}.{fabric.global_rank}").write_text(json.dumps(losses), encoding="utf-8")
    end(fabric)


if __name__ == "__main__":
    main()
