"""Model folders with random weights, for tests."""

import hashlib
from dataclasses import replace
from pathlib import Path

from CEMSynthLib.generator.card import CARD_FILE, WEIGHTS_FILE, Architecture, ModelCard

BENCHMARK = Architecture("resnet", base_filters=64, depth=9)


def write_model(folder: Path, card: ModelCard, seed: int = 3, change=None) -> Path:
    """Write card and weights; ``change`` may alter the state before it is saved."""
    import torch
    from safetensors.torch import save

    from CEMSynthLib.generator.networks import build_generator

    torch.manual_seed(seed)
    state = build_generator(card.architecture).state_dict()
    if change is not None:
        change(state)
    content = save({name: tensor.contiguous() for name, tensor in state.items()})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS_FILE).write_bytes(content)
    right = replace(card, weights_sha256=hashlib.sha256(content).hexdigest())
    (folder / CARD_FILE).write_text(right.to_json(), encoding="utf-8")
    return folder
