"""Checkpoint: write a model folder so that whoever reads it meets weights and card of one state, never half a file."""

import csv
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from CEMSynthLib.generator.card import CARD_FILE, WEIGHTS_FILE, ModelCard
from CEMSynthLib.training.errors import TrainingOutputError

LOSSES_FILE = "losses.csv"
SAMPLES_FOLDER = "samples"


def write_model(folder: Path, card: ModelCard, weights: Mapping[str, Tensor]) -> ModelCard:
    """Write ``model.safetensors`` and ``model.json``; both are complete on the disk before either takes its name.

    Parameters
    ----------
    folder
        Made if missing.
    card
        Its ``weights_sha256`` is replaced by that of the weights.
    weights
        Parameter name to tensor.

    Returns
    -------
    ModelCard
        The card as written.

    Raises
    ------
    TrainingOutputError
        The folder cannot be written.
    """
    content = safetensors_bytes({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    card = replace(card, weights_sha256=hashlib.sha256(content).hexdigest())
    write_files(folder, {WEIGHTS_FILE: content, CARD_FILE: card.to_json().encode("utf-8")})
    return card


def write_losses(folder: Path, rows: Sequence[Mapping[str, float | int | str]]) -> None:
    """Write ``losses.csv``: one row per epoch, the columns of all rows, empty where a row has none."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, columns, restval="")
    table.writeheader()
    table.writerows(rows)
    write_files(folder, {LOSSES_FILE: text.getvalue().encode("utf-8")})


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files that belong together: all to temporary names first, then all renamed; nothing temporary is left.

    Raises
    ------
    TrainingOutputError
        The folder cannot be written.
    """
    temporary = {folder / name: folder / f".{name.replace('/', '_')}.{os.getpid()}.part" for name in contents}
    try:
        for (target, part), content in zip(temporary.items(), contents.values(), strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
        _rename(list(temporary.items()))
    except OSError as error:
        raise TrainingOutputError(f"The model folder {folder} cannot be written: {error.strerror}.") from error
    finally:
        for part in temporary.values():
            if part.exists():
                part.unlink()


def _rename(pending: list[tuple[Path, Path]]) -> None:
    """Rename all, also when Ctrl-C arrives between two of them."""
    interrupt: KeyboardInterrupt | None = None
    for target, part in pending:
        try:
            os.replace(part, target)
        except KeyboardInterrupt as raised:
            interrupt = raised
            if part.exists():
                os.replace(part, target)
    if interrupt is not None:
        raise interrupt
