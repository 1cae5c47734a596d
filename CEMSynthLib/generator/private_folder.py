"""Private folder: where images lie on their way between worker and client; only the user may look into it."""

import shutil
import tempfile
from pathlib import Path

from CEMSynthLib.generator.errors import WorkerError

#: Folders of other names are never deleted.
PREFIX = "cemsynth-worker-"


def make_private_folder() -> Path:
    """Make a folder that only this user can read (`tempfile.mkdtemp`)."""
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def remove_private_folder(folder: Path) -> None:
    """Delete a private folder with what is in it; it may be gone already."""
    if folder.name.startswith(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def inside(folder: Path, name: str) -> Path:
    """The path of a file of the folder.

    Raises
    ------
    WorkerError
        The name is more than the name of an ``.npy`` file.
    """
    if not name.endswith(".npy") or name.startswith(".") or set(name) & set('/\\:"'):
        raise WorkerError("An image must be named by the plain name of an .npy file in the private folder.")
    return folder / name
