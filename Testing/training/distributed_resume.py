"""A CycleGAN with an image pool, once as a whole and once stopped and gone on with: two model folders.

Each process has folders of its own, as on computers that share no disk.

python -m torch.distributed.run --nproc-per-node 2 distributed_resume.py OUTPUT
"""

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch
from distributed_steps import PLAN, made_up_pair

from CEMSynthLib.generator.card import OutputNormalization
from CEMSynthLib.training.runtime import end, start
from CEMSynthLib.training.session import draft_card
from CEMSynthLib.training.trainer import Trainer


class Stop(Exception):
    """As if killed."""


def stop(done: int, total: int, what: str) -> None:
    if done == 5:  # two steps in an epoch
        raise Stop


def main() -> None:
    torch.set_num_threads(1)
    fabric = start(torch.device("cpu"), "float32")
    plan = replace(PLAN, pool_size=2, paired_warmup=0.0, epochs=4)
    pairs = [made_up_pair(number) for number in range(8)]
    card = replace(draft_card(plan), output_normalization=OutputNormalization(-1.0, 1.0, -1.0))

    def trainer(name: str) -> Trainer:
        return Trainer(plan, card, pairs, pairs[:2], fabric, Path(sys.argv[1]) / str(fabric.global_rank) / name)

    trainer("whole").fit()
    with suppress(Stop):
        trainer("parts").fit(stop)
    trainer("parts").fit(resume=True)
    end(fabric)


if __name__ == "__main__":
    main()
