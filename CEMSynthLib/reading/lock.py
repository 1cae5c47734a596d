"""Lock: one window at a time writes the answers of a reader, also on a network share."""

import json
import os
import platform
import re
import secrets
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from CEMSynthLib.reading.errors import LockedError

BEAT_SECONDS = 20.0
#: A window that loads a large study may not beat for a while; one that is silent for so long is taken for dead.
STALE_SECONDS = 180.0


class ReaderLock:
    """A context manager that holds the answers of one reader.

    Parameters
    ----------
    folder
        Where the lock files lie (made where missing), beside the answers.
    reader
        Code of the reader.
    beat
        Whether a thread beats every 20 s. A front end whose Python threads stand still while it waits for the user
        (Slicer) calls `beat` from a timer as well.

    Raises
    ------
    LockedError
        On entering: another window holds it.

    Notes
    -----
    Lock files are numbered: ``R1.000007.lock``. Who creates a number (``O_CREAT | O_EXCL``, atomic on local disks, SMB
    and NFS from version 3) holds the lock; numbers only rise and no file is ever removed, so that a view of the folder
    that is out of date (network shares cache it) can only lead to a refusal, never to two holders of one number. The
    next number may be taken when the highest is released, when its holder was a process of this machine that is gone,
    or when its time has not moved for 180 s. Times are compared with a file made at that moment in the same folder:
    both are of the server's clock. A window that was taken over (a laptop that slept) finds the higher number before
    and after each write and stops.

    Limits: a machine cut off from its share for over 180 s in the very middle of a write can still write that one
    line beside the new holder; each line carries a checksum, so that nothing wrong is read. Shares that emulate
    neither O_EXCL nor file times (some cloud drives that copy files later) are no place for answers.
    """

    def __init__(self, folder: Path, reader: str, beat: bool = True) -> None:
        self._folder, self._reader, self._beats = folder, reader, beat
        self._owner = secrets.token_hex(8)
        self._path: Path | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "ReaderLock":
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._path = self._take()
        except OSError as error:
            raise LockedError(
                f"The answers in {self._folder.parent} cannot be opened for writing ({error.strerror}); check your "
                "rights and the connection."
            ) from error
        self._stop.clear()
        if self._beats:
            self._thread = threading.Thread(target=self._beating, name="reader lock", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        path, self._path = self._path, None
        if path is not None:
            temporary = path.with_name(f".{path.name}.{self._owner}")
            # Where the share is gone the lock grows stale by itself.
            with suppress(OSError):
                temporary.write_text(self._text(released=True), encoding="utf-8")
                os.replace(temporary, path)

    def beat(self) -> None:
        """Show that this window lives; call it at least once a minute."""
        if self._path is not None:
            with suppress(OSError):
                os.utime(self._path)

    def check(self) -> None:
        """Make sure that this window still holds the lock.

        Raises
        ------
        LockedError
            It does not; another window has taken over.
        """
        if self._path is None or os.path.lexists(self._numbered(_number(self._path) + 1)):
            raise LockedError(
                f"The answers of {self._reader} were taken over by another window, since this one was silent for long; "
                "go on there, or close it and open this one again."
            )

    def _take(self) -> Path:
        for _ in range(20):
            last = max((_number(p) for p in self._folder.glob(f"{self._reader}.*.lock") if _number(p)), default=0)
            if last and (holder := self._holder(self._numbered(last))):
                raise LockedError(
                    f"The answers of {self._reader} are open in another window ({holder}); close it, or wait three "
                    "minutes if it was closed by force."
                )
            path = self._numbered(last + 1)
            with suppress(FileExistsError):
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
                try:
                    os.write(descriptor, self._text(released=False).encode())
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                return path
        raise LockedError(f"Many windows try to open the answers of {self._reader} at once; try again.")

    def _holder(self, path: Path) -> str:
        """Who holds a lock file, in words; empty where nobody does any more."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # its holder was stopped while writing it, or writes it now
            values = {}
        if not isinstance(values, dict):
            values = {}
        if values.get("released"):
            return ""
        if values.get("machine") == _machine() and not _alive(values.get("pid")):
            return ""
        probe = self._folder / f".probe.{self._owner}"
        try:
            probe.touch()
            age = probe.stat().st_mtime - path.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)
        if age > STALE_SECONDS:
            return ""
        where = "on this computer" if values.get("machine") == _machine() else "on another computer"
        return f"{where}, opened {values.get('opened', 'just now')}"

    def _numbered(self, number: int) -> Path:
        return self._folder / f"{self._reader}.{number:06d}.lock"

    def _text(self, released: bool) -> str:
        opened = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        holder = {"owner": self._owner, "machine": _machine(), "pid": os.getpid(), "opened": opened}
        return json.dumps({**holder, "released": released}) + "\n"

    def _beating(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            self.beat()


def _number(path: Path) -> int:
    match = re.search(r"\.(\d+)\.lock$", path.name)
    return int(match[1]) if match else 0


def _machine() -> str:
    """Name of this computer; containers of one name are told apart by their process namespace."""
    name = platform.node()
    with suppress(OSError):
        name += f" {os.stat('/proc/self/ns/pid').st_ino}"
    return name


def _alive(pid: object) -> bool:
    """Whether a process of this machine may still run; where that is hard to tell, yes."""
    if not isinstance(pid, int) or sys.platform == "win32":  # os.kill would end it there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
