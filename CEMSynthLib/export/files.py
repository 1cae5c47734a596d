"""Write a file whole or not at all: to a temporary name in the same folder, then one rename."""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from CEMSynthLib.export.errors import ExportError

_PARTIAL = re.compile(r"\.[0-9a-f]{12}\.partial(\..*)?")
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another folder",
    errno.EACCES: "you may not write there; choose a folder that you own",
    errno.EPERM: "you may not write there; choose a folder that you own",
    errno.EFBIG: "the file would be larger than this system allows; choose another disk",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ENOENT: "its folder does not exist; make it first",
    errno.ENOTDIR: "a part of its path is a file, not a folder; choose another folder",
}


def why(error: OSError) -> str:
    """Say in plain words why the operating system refused, and what to do.

    Parameters
    ----------
    error
        What the operating system raised, or what a library raised from it (pydicom gives no error number).

    Returns
    -------
    str
        Half a sentence without a full stop.
    """
    cause: BaseException | None = error
    while isinstance(cause, OSError) and cause.errno is None:
        cause = cause.__cause__
    if not isinstance(cause, OSError):
        return str(error).lower() or type(error).__name__
    return _REASONS.get(cause.errno or 0, (cause.strerror or type(cause).__name__).lower())


def is_partial(name: str) -> bool:
    """Whether a file name (or path) is one of the temporary names of `replacing`, left by a run that was killed."""
    return _PARTIAL.fullmatch(name.rpartition("/")[2]) is not None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; move it to ``path`` when the block ends well.

    Parameters
    ----------
    path
        The file to write; an earlier file of that name stays whole until the new one is complete.

    Yields
    ------
    Path
        An empty file in the same folder to write to. It is removed when the block raises.

    Raises
    ------
    ExportError
        The file cannot be written (disk full, no permission, no such folder, ...).
    """
    temporary = path.with_name(f".{secrets.token_hex(6)}.partial{path.suffix}")
    try:
        temporary.touch(exist_ok=False)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise ExportError(f"{path.name} could not be written to {path.parent}: {why(error)}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 with Unix line ends, whole or not at all.

    Parameters
    ----------
    path
        The file to write.
    text
        What it will hold.

    Raises
    ------
    ExportError
        The file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
