"""Hashes: which images a model has seen (SHA-256 of pixels), and whose, told only to who holds the key (HMAC)."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import numpy as np

from CEMSynthLib.study.model import FloatImage
from CEMSynthLib.training.errors import TrainingOutputError
from CEMSynthLib.training.files import replacing

_KEY_BYTES = 32


def pixel_sha256(pixels: FloatImage) -> str:
    """SHA-256 of the size and the pixel values, whatever file they came from.

    Parameters
    ----------
    pixels
        Shape (rows, columns), modality units, as `CEMSynthLib.study.model.CEMImage.pixels` gives them.

    Returns
    -------
    str
        64 hexadecimal digits, of ``"ROWSxCOLUMNS:"`` and the values as little-endian float32, row by row.
    """
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(pixels, dtype="<f4").tobytes())
    return digest.hexdigest()


def patient_hash(patient_id: str, key: bytes) -> str:
    """HMAC-SHA-256 of a patient identifier (without case and surrounding spaces); without the key it tells nothing."""
    return hmac.new(key, patient_id.strip().casefold().encode("utf-8"), hashlib.sha256).hexdigest()


def read_or_make_key(path: Path) -> bytes:
    """The key of `patient_hash`: read from a file, or drawn and written where there is none (only its owner may read).

    Parameters
    ----------
    path
        A file that stays with the user: not in the model folder.

    Raises
    ------
    TrainingOutputError
        The file cannot be read or written, or holds no key.
    """
    if not path.exists():
        with replacing(path) as temporary:
            os.chmod(temporary, 0o600)
            temporary.write_text(secrets.token_hex(_KEY_BYTES) + "\n", encoding="ascii")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise TrainingOutputError(f"The patient key {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise TrainingOutputError(f"The patient key {path} is damaged; give another file.") from error
    if len(key) < _KEY_BYTES:
        raise TrainingOutputError(f"The patient key {path} is too short; give another file.")
    return key
