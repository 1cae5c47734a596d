"""State: all of a training between two epochs, so that one that was killed goes on as if it had not been."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from CEMSynthLib.training.errors import TrainingStateError
from CEMSynthLib.training.files import replacing

STATE_FILE = "training/state.pt"
_FORMAT = "cemsynth-training-state-2"


def write_state(folder: Path, fingerprint: str, state: Mapping[str, Any]) -> None:
    """Write the state; the one before stays whole until the new one is on the disk.

    Parameters
    ----------
    folder
        The model folder.
    fingerprint
        Of everything that must not change: plan, images, split.
    state
        Tensors, numbers, texts, in dicts and lists.

    Raises
    ------
    TrainingOutputError
        The file cannot be written; the state before is as it was.
    """
    # To memory first: PyTorch's writer would turn the system's refusal (disk full, ...) into an error without a reason.
    content = io.BytesIO()
    torch.save({"format": _FORMAT, "fingerprint": fingerprint, **state}, content)
    with replacing(folder / STATE_FILE) as temporary:
        temporary.write_bytes(content.getbuffer())


def read_state(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """Read the state; ``None`` where there is none yet.

    Raises
    ------
    TrainingStateError
        It is damaged, or of a training with other settings, images or patients.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError, KeyError) as error:
        raise TrainingStateError(f"The training state {path} is damaged; train anew with --overwrite.") from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise TrainingStateError(f"The training state {path} is of another version; train anew with --overwrite.")
    if state["fingerprint"] != fingerprint:
        raise TrainingStateError(
            f"The training state {path} belongs to a training with other settings or images, so it cannot be gone on "
            "with; give the same command and images, or train anew with --overwrite."
        )
    return dict(state)
