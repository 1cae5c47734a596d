"""Weights check: weights that do not fit their network, or hold anything but finite numbers, are refused by name."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor

from CEMSynthLib.generator.card import WEIGHTS_FILE, Architecture, ModelCard, read_weights
from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.generator.networks import build_generator

_REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def load_network(folder: Path, card: ModelCard) -> torch.nn.Module:
    """Read the weights of a model folder, check them, and put them into the network that the card describes.

    Returns
    -------
    torch.nn.Module
        float32, on the CPU, in evaluation mode, without gradients.

    Raises
    ------
    ModelError
        The checksum is wrong, a key is missing or foreign, a shape is wrong, or a value is not finite.
    """
    file = folder / WEIGHTS_FILE
    try:
        weights = parse_safetensors(read_weights(folder, card))
    except SafetensorError as error:
        raise ModelError(f"The weights {file} do not fit the network: the file is no safetensors file.") from error
    check_weights(weights, card.architecture, file)
    network = build_generator(card.architecture)
    network.load_state_dict(weights)
    return network.float().eval().requires_grad_(False)


def check_weights(weights: Mapping[str, Tensor], architecture: Architecture, file: Path) -> None:
    """Compare names, shapes and values with what the network needs.

    Raises
    ------
    ModelError
        Says which weight of ``file`` is wrong, and how.
    """
    with torch.device("meta"):
        needed = {name: tuple(tensor.shape) for name, tensor in build_generator(architecture).state_dict().items()}
    wrong = f"The weights {file} do not fit the network that their card describes"
    missing, foreign = sorted(needed.keys() - weights.keys()), sorted(weights.keys() - needed.keys())
    if missing:
        raise ModelError(f"{wrong}: {missing[0]} is missing{_and_more(missing)}.")
    if foreign:
        raise ModelError(f"{wrong}: {foreign[0]} does not belong to it{_and_more(foreign)}.")
    for name, tensor in weights.items():
        if tuple(tensor.shape) != needed[name]:
            raise ModelError(f"{wrong}: {name} has the shape {tuple(tensor.shape)}, needed is {needed[name]}.")
        if tensor.dtype not in _REAL and not name.endswith("num_batches_tracked"):
            raise ModelError(f"{wrong}: {name} holds {str(tensor.dtype).removeprefix('torch.')} values, not real ones.")
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"The weights {file} are damaged: {name} holds values that are not finite numbers.")


def _and_more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
