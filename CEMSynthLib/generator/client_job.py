"""Client job: one image on its way to the worker and back through the private folder, and what an end means (no torch).

Shared by every client: `client.WorkerGenerator`, which waits, and the desktop's, which is told by Qt.
"""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from CEMSynthLib.generator.card import ModelCard
from CEMSynthLib.generator.errors import WorkerError
from CEMSynthLib.generator.private_folder import inside
from CEMSynthLib.generator.protocol import Message, synthesize
from CEMSynthLib.generator.results import Provenance, SyntheticImage
from CEMSynthLib.study.model import FloatImage, VOIWindow

_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_job(
    folder: Path, identity: str, low_energy: FloatImage, window: VOIWindow, spacing_mm: tuple[float, float] | None
) -> Message:
    """Put a low-energy image into the private folder.

    Returns
    -------
    Message
        The request to send.

    Raises
    ------
    WorkerError
        The folder cannot be written, such as on a full disk; nothing of the image is left in it.
    """
    source, target = _files(folder, identity)
    try:
        np.save(source, np.asarray(low_energy, dtype=np.float32), allow_pickle=False)
    except OSError as error:
        delete_job(folder, identity)
        raise folder_error(folder, error) from error
    return synthesize(identity, source.name, target.name, window, spacing_mm)


def read_job(folder: Path, answer: Mapping[str, Any], card: ModelCard, seconds: float) -> SyntheticImage:
    """Read the image that a worker's answer tells of.

    Parameters
    ----------
    folder
        The private folder.
    answer
        Of the type ``synthesize``.
    card
        Of the model that is loaded.
    seconds
        Wall time, for the record.

    Raises
    ------
    WorkerError
        The image is not there or is none.
    """
    try:
        pixels = np.load(_files(folder, answer["id"])[1], allow_pickle=False)
    except OSError as error:
        raise folder_error(folder, error) from error
    except (ValueError, EOFError) as error:
        raise WorkerError("The worker wrote no image; free some disk space and try again.") from error
    return SyntheticImage(
        pixels=pixels,
        window=card.display_window,
        warnings=tuple(answer["warnings"]),
        provenance=Provenance(
            model_name=card.name,
            model_version=card.version,
            weights_sha256=card.weights_sha256,
            simulated_only=card.training.simulated_only,
            device=answer["device"],
            device_reason=answer["device_reason"],
            backend=answer["backend"],
            precision=answer["precision"],
            seconds=seconds,
        ),
        training_range=answer["training_range"],
    )


def delete_job(folder: Path, identity: str) -> None:
    """Remove the files of a job; they may be gone already."""
    for file in _files(folder, identity):
        file.unlink(missing_ok=True)


def folder_error(folder: Path, error: OSError) -> WorkerError:
    """The sentence about a private folder that cannot be used."""
    if error.errno in _FULL:
        return WorkerError(f"The disk that holds {folder.parent} is full; free some space there and try again.")
    return WorkerError(f"The private folder {folder} cannot be used: {error.strerror}.")


def ended_error(code: int | None, crashed: bool, told: str) -> WorkerError:
    """The sentence about a worker that ended by itself.

    Parameters
    ----------
    code
        Exit code, or the number of the signal if it crashed; ``None`` where not known.
    crashed
        Whether a signal or the system ended it.
    told
        What it has written to stderr.
    """
    how = (f"by signal {code}" if code else "by the system") if crashed else f"with code {code}"
    # 9 is what the system sends when memory runs out; Qt does not tell the signal.
    memory = " Perhaps the machine had too little memory." if crashed and code in (9, 0, None) else ""
    lines = [line.strip() for line in told.split("\n") if line.strip()]
    last = f" Its last message: {lines[-1][:200]}" if lines else ""
    return WorkerError(f"The worker process ended unexpectedly {how}.{memory}{last}")


def _files(folder: Path, identity: str) -> tuple[Path, Path]:
    return inside(folder, f"{identity}-low-energy.npy"), inside(folder, f"{identity}-synthetic.npy")
