"""Autosave: what the user did is kept in a private file, at most five seconds old, and found again with its study.

A native fault ends the process without warning, so nothing waits for its end.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from CEMSynthLib.user_folder import user_folder

_VERSION = 1
_SHORT = 32


def state_folder() -> Path:
    """Where this user's review work is kept; it need not exist."""
    return user_folder("XDG_STATE_HOME", ".local/state") / "review"


def study_mark(keys: Iterable[str]) -> str:
    """What a study is known by: its acquisitions, wherever their files lie; it tells nothing of the patient."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:_SHORT]


class Autosave:
    """The saved work of one study.

    Parameters
    ----------
    mark
        From `study_mark`.
    folder
        Made for this user only, if it is not there.
    """

    def __init__(self, mark: str, folder: Path | None = None) -> None:
        self._folder = folder or state_folder()
        self.path = self._folder / f"{mark}.json"
        self._last = ""

    def load(self) -> tuple[dict[str, Any], str] | None:
        """The work that was saved, and when (``2026-05-04 17:31``); ``None`` where there is none that can be read.

        A file that cannot be read is put aside, not overwritten.
        """
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            work, saved = content["work"], content["saved"]
            known = content["version"] == _VERSION and isinstance(work, dict)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            known = False
        if not known:
            with contextlib.suppress(OSError):
                os.replace(self.path, self.path.with_suffix(".unreadable.json"))
            return None
        self._last = _text(work)
        return work, str(saved).replace("T", " ")[:16]

    def save(self, work: dict[str, Any]) -> bool:
        """Keep the work; whether the file was written (the same work is not written again).

        Raises
        ------
        OSError
            It cannot be written, such as on a full disk; what was saved before is still there.
        """
        text = _text(work)
        if text == self._last:
            return False
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        saved = datetime.now().isoformat(timespec="seconds")
        content = json.dumps({"version": _VERSION, "saved": saved, "work": work})
        handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        self._last = text
        return True


def _text(work: dict[str, Any]) -> str:
    return json.dumps(work, sort_keys=True)
