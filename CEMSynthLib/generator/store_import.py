"""Import into the store: a model folder, weights with a card, or a checkpoint of the reference implementation."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CEMSynthLib.generator.card import (
    CARD_FILE,
    SHIPPED_MODELS,
    WEIGHTS_FILE,
    Architecture,
    ModelCard,
    load_card,
    parse_card,
)
from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.generator.store import is_model_name, models_folder

if TYPE_CHECKING:
    from torch import Tensor

_CHECKPOINTS = (".pth", ".pt")
# Beside card and weights, what belongs to a model folder and is copied with it.
_COMPANIONS = ("baselines.npz",)


def import_model(source: Path, name: str | None = None, card_file: Path | None = None) -> Path:
    """Check a model completely and copy it into the user's model folder.

    Parameters
    ----------
    source
        A model folder, a ``.safetensors`` file, or a ``.pth`` file of the reference CycleGAN / pix2pix implementation.
    name
        The name in the store; by default the name in the card.
    card_file
        The model card for a file. In it ``weights_sha256`` is the checksum of ``source`` and may be missing, as may the
        ``architecture`` for a ``.pth`` file, which is then found from its weights.

    Returns
    -------
    Path
        The new model folder.

    Raises
    ------
    ModelError
        Card, checksum, names, shapes or values are not right, the name is taken or no name, or the folder cannot be
        written.
    """
    companions: list[Path] = []
    if source.is_dir():
        if card_file is not None:
            raise ModelError(f"{source} is a folder, which holds its own card; leave --card out.")
        card, weights = _from_folder(source)
        companions = [source / file for file in _COMPANIONS if (source / file).is_file()]
    elif not source.is_file():
        raise ModelError(f"There is no file or folder {source} to import a model from.")
    elif card_file is None:
        raise ModelError(f"{source.name} alone does not say what it is for; give its model card with --card.")
    else:
        card, weights = _from_file(source, card_file)
    return _write(name or _as_name(card.name), card, weights, companions)


def verify_model(folder: Path) -> ModelCard:
    """Check a model folder completely: card, checksum of the weights, their names, shapes and values.

    Raises
    ------
    ModelError
        What is wrong, with the file.
    """
    from CEMSynthLib.generator.weights_check import load_network

    card = load_card(folder)
    load_network(folder, card)
    return card


def _from_folder(folder: Path) -> tuple[ModelCard, bytes]:
    card = verify_model(folder)
    return card, (folder / WEIGHTS_FILE).read_bytes()


def _from_file(file: Path, card_file: Path) -> tuple[ModelCard, bytes]:
    from safetensors import SafetensorError
    from safetensors.torch import load, save

    from CEMSynthLib.generator.weights_check import check_weights

    content = file.read_bytes()
    record = _read_json(card_file)
    sha256 = hashlib.sha256(content).hexdigest()
    if str(record.setdefault("weights_sha256", sha256)).lower() != sha256:
        raise ModelError(f"The weights {file} are not the ones the card {card_file} names (SHA-256 differs).")
    if file.suffix.lower() in _CHECKPOINTS:
        state, architecture = _reference(file, record, card_file)
        record["architecture"] = asdict(architecture)
        content = save(state)
    card = replace(parse_card(record, card_file), weights_sha256=hashlib.sha256(content).hexdigest())
    try:
        check_weights(load(content), card.architecture, file)
    except SafetensorError as error:
        raise ModelError(f"{file} is neither a safetensors file nor a .pth file of the reference.") from error
    return card, content


def _reference(file: Path, record: Mapping[str, Any], card_file: Path) -> "tuple[dict[str, Tensor], Architecture]":
    from CEMSynthLib.generator.reference_checkpoint import import_reference

    return import_reference(file, parse_card(record, card_file) if "architecture" in record else None)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"The model card {file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"The model card {file} is not valid JSON.") from error
    if not isinstance(record, dict):
        raise ModelError(f"The model card {file} is malformed: the file is not a JSON object.")
    return record


def _as_name(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text).lstrip("._-")[:64]


def _write(name: str, card: ModelCard, weights: bytes, companions: list[Path]) -> Path:
    if not is_model_name(name):
        raise ModelError(f"'{name}' cannot be the name of a model; take letters, digits, dots and dashes.")
    target = models_folder() / name
    if target.exists() or (SHIPPED_MODELS / name).exists():
        raise ModelError(f"There is a model '{name}' already; give another name with --name, or remove that one.")
    part = models_folder() / f".{secrets.token_hex(6)}.part"
    try:
        part.mkdir(parents=True)
        (part / WEIGHTS_FILE).write_bytes(weights)
        (part / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
        for companion in companions:
            shutil.copyfile(companion, part / companion.name)
        os.replace(part, target)
    except OSError as error:
        raise ModelError(f"The model folder {target} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target
