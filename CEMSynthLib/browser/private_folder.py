"""Private folder: files of this process on their way in or out; only the user may look into it, and it ends with it.

A process that was killed cannot tidy up: the next start removes the folders of processes that are gone.
"""

import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "cemsynth-review-"


class PrivateFolder:
    """A folder that only this user can read; made at once."""

    def __init__(self) -> None:
        remove_left_behind(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._count = 0

    def new(self) -> Path:
        """A new empty folder in it."""
        self._count += 1
        folder = self.path / f"{self._count:04d}"
        folder.mkdir()
        return folder

    def close(self) -> None:
        """Delete it with what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def remove_left_behind(place: Path) -> None:
    """Delete the private folders of this user's processes that no longer run."""
    for folder in place.glob(f"{PREFIX}*-*"):
        process = folder.name.removeprefix(PREFIX).partition("-")[0]
        if process.isdigit() and not _runs(int(process)) and _mine(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    if os.name == "nt":
        # There os.kill would end the process; its folder stays where its files are open.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _mine(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return not folder.is_symlink() and (not hasattr(os, "getuid") or status.st_uid == os.getuid())
