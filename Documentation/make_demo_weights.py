"""Puts a trained model into the package as the demo model: weights as float16, curves and settings of both trainings.

`make weights` runs it after both trainings:

    python Documentation/make_demo_weights.py weights/ceiling weights/refined

The second training went on from the first one. The loader computes in float32; float16 halves the file.
"""

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save

from CEMSynthLib.evaluation.baselines_file import FILE_NAME as BASELINES
from CEMSynthLib.generator.card import CARD_FILE, SHIPPED_MODELS, WEIGHTS_FILE, load_card
from CEMSynthLib.generator.weights_check import load_network
from CEMSynthLib.training.files import write_files
from CEMSynthLib.training.start import STARTED_FROM


def main() -> None:
    """Write weights, card and baselines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="model folder of the first training")
    parser.add_argument("last", type=Path, help="model folder of the training that went on from it")
    parser.add_argument("--output", type=Path, default=SHIPPED_MODELS / "demo", help="default: the package")
    arguments = parser.parse_args()
    first, card = load_card(arguments.first), load_card(arguments.last)
    if card.training.settings.get(STARTED_FROM) != first.weights_sha256:
        parser.error(f"{arguments.last} did not go on from {arguments.first}")
    weights = load_network(arguments.last, card).state_dict()
    content = save({name: tensor.to(torch.float16) for name, tensor in weights.items()})
    epochs = len(first.training.curves)
    later = [{**row, "epoch": row["epoch"] + epochs} for row in card.training.curves]
    settings = dict(card.training.settings)
    settings |= {
        f"first_{name}": value for name, value in first.training.settings.items() if settings.get(name) != value
    }
    training = replace(card.training, curves=(*first.training.curves, *later), settings=settings)
    card = replace(card, training=training, weights_sha256=hashlib.sha256(content).hexdigest())
    baselines = (arguments.last / BASELINES).read_bytes()
    write_files(arguments.output, {WEIGHTS_FILE: content, CARD_FILE: card.to_json().encode(), BASELINES: baselines})
    print(f"{arguments.output}: {len(content)} bytes, epochs {epochs} + {len(later)}")


if __name__ == "__main__":
    main()
