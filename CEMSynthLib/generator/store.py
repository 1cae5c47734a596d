"""Store: the models that are there, shipped ones and those in the user's model folder, and their removal (no torch).

The user's model folder is the one the environment variable ``CEMSYNTH_MODELS`` names, else ``cemsynth/models`` in the
place the system has for a user's application data. Each model is one folder in it, named as the user likes.
"""

import hashlib
import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.generator.card import CARD_FILE, SHIPPED_MODELS, WEIGHTS_FILE, ModelCard, load_card
from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.user_folder import user_folder

ENVIRONMENT_VARIABLE = "CEMSYNTH_MODELS"
# Converted copies of models, made again when missing.
_CONVERTED = ".converted"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class StoredModel:
    """A model of the store. ``problem`` is a sentence where the card cannot be read; then ``card`` is ``None``."""

    name: str
    folder: Path
    shipped: bool
    card: ModelCard | None
    problem: str | None = None


def models_folder() -> Path:
    """The user's model folder; it need not exist."""
    asked = os.environ.get(ENVIRONMENT_VARIABLE)
    if asked:
        return Path(asked).expanduser()
    return user_folder("XDG_DATA_HOME", ".local/share") / "models"


def converted_models() -> Path:
    """The folder of converted models inside the user's model folder; it may be deleted at any time."""
    return models_folder() / _CONVERTED


def is_model_name(text: str) -> bool:
    """Whether a text can be the name of a model: letters, digits, dots, dashes, at most 64, no folder."""
    return _NAME.fullmatch(text) is not None


def find_model(name_or_path: str | Path) -> Path:
    """Find a model folder: a shipped model of that name (``"demo"``), one in the user's folder, else the path.

    Raises
    ------
    ModelError
        None of the three.
    """
    if isinstance(name_or_path, str) and is_model_name(name_or_path):
        for place in (SHIPPED_MODELS, models_folder()):
            if (place / name_or_path / CARD_FILE).is_file():
                return place / name_or_path
    folder = Path(name_or_path).expanduser()
    if folder.is_dir():
        return folder
    names = ", ".join(model.name for model in list_models())
    raise ModelError(
        f"There is no model '{name_or_path}': it is neither a shipped model, nor one in {models_folder()}, nor a "
        f"folder. The models that are there: {names}."
    )


def list_models() -> list[StoredModel]:
    """All models by name, the shipped ones first. Weights are not read."""
    found = []
    for place, shipped in ((SHIPPED_MODELS, True), (models_folder(), False)):
        folders = sorted(f for f in place.iterdir() if f.is_dir()) if place.is_dir() else []
        for folder in folders:
            if not is_model_name(folder.name):
                continue
            try:
                found.append(StoredModel(folder.name, folder, shipped, load_card(folder)))
            except ModelError as error:
                found.append(StoredModel(folder.name, folder, shipped, None, str(error)))
    return found


def remove_model(name: str) -> Path:
    """Delete a model from the user's model folder, and its converted copies.

    Returns
    -------
    Path
        The folder that is gone.

    Raises
    ------
    ModelError
        There is no such model, it is a shipped one, or its folder holds other things than a model's.
    """
    folder = models_folder() / name
    if not is_model_name(name) or not folder.is_dir():
        shipped = is_model_name(name) and (SHIPPED_MODELS / name).is_dir()
        reason = "it is shipped with CEMSynth" if shipped else f"{models_folder()} holds no model of that name"
        raise ModelError(f"The model '{name}' cannot be removed: {reason}.")
    if not any((folder / file).is_file() for file in (CARD_FILE, WEIGHTS_FILE)):
        raise ModelError(f"The folder {folder} holds no model, so it is left alone; delete it by hand.")
    try:
        weights = (folder / WEIGHTS_FILE).read_bytes() if (folder / WEIGHTS_FILE).is_file() else b""
        shutil.rmtree(folder)
    except OSError as error:
        raise ModelError(f"The model folder {folder} cannot be removed: {error.strerror}.") from error
    _remove_converted(hashlib.sha256(weights).hexdigest())
    return folder


def _remove_converted(weights_sha256: str) -> None:
    """Delete the converted copies of weights; where another model has the same ones, they are made again."""
    for record in converted_models().glob("*/*.json"):
        with suppress(OSError, ValueError, AttributeError):
            if json.loads(record.read_text(encoding="utf-8")).get("weights_sha256") == weights_sha256:
                shutil.rmtree(record.parent)
