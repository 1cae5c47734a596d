"""User folder: where this system keeps what programs store for a user."""

import os
import sys
from pathlib import Path


def user_folder(variable: str, elsewhere: str) -> Path:
    """CEMSynth's folder of this user; it need not exist.

    Parameters
    ----------
    variable
        Names the base folder where it is set, on systems that follow the XDG Base Directory Specification.
    elsewhere
        The base folder on these systems where it is not set, relative to the user's home.
    """
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get(variable) or home / elsewhere)
    return base / "cemsynth"
