"""Checkpoint: the model folder as readers meet it: weights and card of one state, and the table of the epochs."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from CEMSynthLib.generator.card import CARD_FILE, WEIGHTS_FILE, ModelCard
from CEMSynthLib.training.files import write_files

LOSSES_FILE = "losses.csv"
SAMPLES_FOLDER = "samples"
Row = Mapping[str, float | int | str | bool | None]


def write_model(folder: Path, card: ModelCard, weights: Mapping[str, Tensor]) -> ModelCard:
    """Write ``model.safetensors`` and ``model.json``; both are complete on the disk before either takes its name.

    Parameters
    ----------
    folder
        Made if missing.
    card
        Its ``weights_sha256`` is replaced by that of the weights.
    weights
        Parameter name to tensor; written as float32.

    Returns
    -------
    ModelCard
        The card as written.

    Raises
    ------
    TrainingOutputError
        The folder cannot be written.
    """
    content = safetensors_bytes({name: tensor.detach().float().cpu().contiguous() for name, tensor in weights.items()})
    card = replace(card, weights_sha256=hashlib.sha256(content).hexdigest())
    write_files(folder, {WEIGHTS_FILE: content, CARD_FILE: card.to_json().encode("utf-8")})
    return card


def write_card(folder: Path, card: ModelCard) -> None:
    """Write ``model.json`` anew, beside weights that it describes already.

    Raises
    ------
    TrainingOutputError
        The folder cannot be written.
    """
    write_files(folder, {CARD_FILE: card.to_json().encode("utf-8")})


def write_losses(folder: Path, rows: Sequence[Row]) -> None:
    """Write ``losses.csv``: one row per epoch, the columns of all rows, empty where a row has none.

    Raises
    ------
    TrainingOutputError
        The folder cannot be written.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, restval="")
    table.writeheader()
    table.writerows(rows)
    write_files(folder, {LOSSES_FILE: text.getvalue().encode("utf-8")})
