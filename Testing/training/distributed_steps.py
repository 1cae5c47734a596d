"""Twenty steps of a CycleGAN, alone or as one of the processes of torchrun; the losses go to a JSON file.

python distributed_steps.py OUTPUT.json float64
python -m torch.distributed.run --nproc-per-node 2 distributed_steps.py OUTPUT.json float64
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from CEMSynthLib.generator.card import Architecture, OutputNormalization
from CEMSynthLib.study.model import VOIWindow
from CEMSynthLib.training.data import Pair
from CEMSynthLib.training.plan import PRESETS
from CEMSynthLib.training.runtime import end, start
from CEMSynthLib.training.session import draft_card
from CEMSynthLib.training.trainer import Trainer

PLAN = replace(
    PRESETS["demo"],
    architecture=Architecture("resnet", 8, 2),
    inverse_filters=8,
    discriminator_filters=8,
    epochs=5,
    paired_warmup=0.25,  # both kinds of steps
    pool_size=0,
)


def made_up_pair(number: int) -> Pair:
    """A half ellipse with texture; the recombined image is its negative. Sizes differ."""
    random = np.random.default_rng(number)
    rows, columns = 60 + 3 * number, 40 + number
    y, x = np.mgrid[0:rows, 0:columns]
    mask = ((y / rows - 0.5) / 0.5) ** 2 + (x / columns) ** 2 < 1
    texture = ndimage.gaussian_filter(random.normal(size=mask.shape), 3)
    texture *= 0.3 / texture.std()
    low = np.where(mask, np.clip(texture, -1, 1), -1).astype(np.float32)
    away = np.hypot(y - rows / 2, x - columns / 3)
    regions = np.select([away < 5, away < 10], [1, 2], 0).astype(np.uint8)
    window = VOIWindow.from_range(-1, 1)
    return Pair(f"P{number}", None, "L CC", low, -low, mask, regions, window, -1.0, float(rows), None, ("", ""), {})


def main() -> None:
    torch.set_num_threads(1)
    fabric = start(torch.device("cpu"), sys.argv[2])
    pairs = [made_up_pair(number) for number in range(15)]  # the last batch holds one less than the others
    card = replace(draft_card(PLAN), output_normalization=OutputNormalization(-1.0, 1.0, -1.0))
    trainer = Trainer(PLAN, card, pairs, pairs[:2], fabric, Path(sys.argv[1]).parent)
    losses = []
    for epoch in range(1, 6):
        trainer._epoch = epoch
        for batch in trainer._batches():
            losses.append(trainer._step(batch.to(fabric.device), len(losses) / 20))
    if fabric.is_global_zero:
        Path(sys.argv[1]).write_text(json.dumps({"processes": fabric.world_size, "losses": losses}), encoding="utf-8")
    end(fabric)


if __name__ == "__main__":
    main()
