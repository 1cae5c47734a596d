"""Reference checkpoint: read a generator that the PyTorch CycleGAN / pix2pix implementation saved (``*_net_G*.pth``).

What is read
    ResNet generators of any number of blocks and width with reflection padding, and the U-Net, with instance norm or
    batch norm, one or three channels, saved alone (a mapping of names to tensors), also from within DataParallel or
    ``torch.compile`` (their prefixes are taken off), also trained with dropout (the shifted numbers are put back).

Running statistics of instance norm
    Checkpoints of 2017 and 2018 hold them. The reference itself drops them when it loads such a file, and its instance
    norm has been using mean and variance of the image at hand in training and in evaluation alike; so they are dropped
    here too, and evaluation mode changes nothing. Batch norm is different: its running statistics are kept and used, so
    that an output does not depend on other images (the reference's ``--eval``).

Nothing but tensors is unpickled (``torch.load`` with ``weights_only=True``).
"""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from CEMSynthLib.generator.card import Architecture, ModelCard
from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.generator.networks import build_generator

_PREFIXES = ("module.", "_orig_mod.")
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.(\d+)\.(.+)")
# Second convolution and norm of a residual block with dropout -> without.
_WITHOUT_DROPOUT = {"6": "5", "7": "6"}


def import_reference(path: Path, card: ModelCard | None = None) -> tuple[dict[str, Tensor], Architecture]:
    """Read a checkpoint and find the network that it belongs to.

    Parameters
    ----------
    path
        The ``.pth`` file.
    card
        Where given, its architecture must be the one found.

    Returns
    -------
    dict of str to Tensor, Architecture
        float32 weights by the names of `networks.build_generator` for that architecture.

    Raises
    ------
    ModelError
        The file cannot be read, holds anything but tensors, is no generator of the reference, has a missing key, a
        wrong shape or values that are not finite, or does not fit the card.
    """
    state = _without_prefix(_read(path), path)
    if "model.1.weight" in state and state["model.1.weight"].ndim == 4:
        state = _without_dropout(state)
        architecture = _resnet(state, path)
    elif "model.model.0.weight" in state:
        architecture = _unet(state, path)
    else:
        raise _foreign(path, "the names of its weights are of neither ResNet nor U-Net")
    if architecture.norm == "instance":
        state = {name: tensor for name, tensor in state.items() if not name.endswith(_STATISTICS)}
    _require_fit(state, architecture, path)
    if card is not None and card.architecture != architecture:
        raise ModelError(
            f"The checkpoint {path.name} holds {_words(architecture)}, but the card describes "
            f"{_words(card.architecture)}; correct the card's architecture."
        )
    weights = {
        name: tensor.contiguous() if name.endswith("num_batches_tracked") else tensor.float().contiguous()
        for name, tensor in state.items()
    }
    for name, tensor in weights.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"The checkpoint {path.name} has values in {name} that are not finite; it is damaged.")
    return weights, architecture


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"The checkpoint {path} cannot be read: {error.strerror or 'not a file'}.") from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"The checkpoint {path.name} is refused: it is no file of PyTorch, or holds more than tensors, which could "
            "run programs when it is opened."
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise ModelError(f"The checkpoint {path.name} is damaged or no file of PyTorch; get it again.") from error
    if not isinstance(found, Mapping) or not found:
        raise _foreign(path, "it holds no mapping of names to tensors")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise _foreign(path, f"its entry {name!r} is no tensor")
        dense = value.layout == torch.strided and not value.is_meta and not value.is_quantized
        if not dense or not (value.is_floating_point() or name.endswith("num_batches_tracked")):
            raise _foreign(path, f"its entry {name!r} holds no plain floating-point numbers")
    return dict(found)


def _without_prefix(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    for _ in _PREFIXES:
        for prefix in _PREFIXES:
            if all(name.startswith(prefix) for name in state):
                state = {name[len(prefix) :]: tensor for name, tensor in state.items()}
    return dict(state)


def _without_dropout(state: dict[str, Tensor]) -> dict[str, Tensor]:
    second = next(
        (t for n, t in state.items() if (m := _BLOCK.fullmatch(n)) and m[2] == "6" and m[3] == "weight"), None
    )
    if second is None or second.ndim != 4:
        return state
    renamed = {}
    for name, tensor in state.items():
        match = _BLOCK.fullmatch(name)
        if match:
            name = f"model.{match[1]}.conv_block.{_WITHOUT_DROPOUT.get(match[2], match[2])}.{match[3]}"
        renamed[name] = tensor
    return renamed


def _resnet(state: Mapping[str, Tensor], path: Path) -> Architecture:
    first = state["model.1.weight"]
    blocks = {match[1] for name in state if (match := _BLOCK.fullmatch(name))}
    last = f"model.{16 + len(blocks) + 1}.weight"  # stem, two halvings, blocks, two doublings, padding
    if not blocks or first.shape[2:] != (7, 7) or last not in state or state[last].ndim != 4:
        raise _foreign(path, "its layers are not those of the reference's ResNet generator")
    norm = "batch" if "model.2.weight" in state else "instance"
    return Architecture(
        "resnet", first.shape[0], len(blocks), norm, _channels(first.shape[1], state[last].shape[0], path)
    )


def _unet(state: Mapping[str, Tensor], path: Path) -> Architecture:
    first = state["model.model.0.weight"]
    depth, inner = 1, "model.model.1."
    while f"{inner}model.1.weight" in state:
        depth, inner = depth + 1, f"{inner}model.3."
    last = state.get("model.model.3.weight")
    if depth < 2 or last is None or first.ndim != 4 or last.ndim != 4:
        raise _foreign(path, "its layers are not those of the reference's U-Net generator")
    norm = "instance" if "model.model.0.bias" in state else "batch"
    return Architecture("unet_pix2pix", first.shape[0], depth, norm, _channels(first.shape[1], last.shape[1], path))


def _channels(given: int, made: int, path: Path) -> int:
    if given != made or given not in (1, 3):
        raise _foreign(path, f"it turns {given} channels into {made}; only 1 into 1 and 3 into 3 are known")
    return given


def _require_fit(state: Mapping[str, Tensor], architecture: Architecture, path: Path) -> None:
    with torch.device("meta"):  # names and shapes alone: a damaged file may ask for a network of any size
        expected = build_generator(architecture).state_dict()
    for name in [*expected, *state]:
        if name not in state:
            raise ModelError(f"The checkpoint {path.name} lacks {name} of {_words(architecture)}.")
        if name not in expected:
            raise ModelError(f"The checkpoint {path.name} holds {name}, which {_words(architecture)} does not have.")
        if state[name].shape != expected[name].shape:
            raise ModelError(
                f"The checkpoint {path.name} has {name} of shape {tuple(state[name].shape)}, not "
                f"{tuple(expected[name].shape)} as in {_words(architecture)}."
            )


def _words(architecture: Architecture) -> str:
    what = "blocks" if architecture.type == "resnet" else "halvings"
    return (
        f"a {architecture.type} of {architecture.depth} {what}, {architecture.base_filters} filters, "
        f"{architecture.norm} norm, {architecture.channels} channel{'s' if architecture.channels > 1 else ''}"
    )


def _foreign(path: Path, reason: str) -> ModelError:
    return ModelError(f"The file {path.name} is no generator checkpoint of the reference CycleGAN / pix2pix: {reason}.")
