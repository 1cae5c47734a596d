"""What the null baselines know, as a file beside the model's weights: `baselines.npz`."""

import io
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from CEMSynthLib.evaluation.baselines import NullBaselines
from CEMSynthLib.evaluation.errors import EvaluationError

FILE_NAME = "baselines.npz"


def baselines_bytes(baselines: NullBaselines) -> bytes:
    """The content of ``baselines.npz`` (numpy arrays, no pickle; equal baselines give equal bytes)."""
    stream = io.BytesIO()
    fields: dict[str, Any] = {name: np.asarray(value) for name, value in asdict(baselines).items()}
    fields["mean_image"] = baselines.mean_image.astype(np.float32)
    np.savez_compressed(stream, **fields)
    return stream.getvalue()


def read_baselines(folder: Path) -> NullBaselines | None:
    """Read the baselines of a folder; ``None`` where there are none.

    Raises
    ------
    EvaluationError
        The file is damaged.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            numbers = {name: float(stored[name]) for name in NullBaselines.__dataclass_fields__ if name != "mean_image"}
            return NullBaselines(mean_image=stored["mean_image"].astype(np.float64), **numbers)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise EvaluationError(f"{path} is damaged; get the model folder again.") from error
