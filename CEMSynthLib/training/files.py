"""Files: write one that survives a power cut whole: temporary name, fsync, rename, fsync of the folder."""

import errno
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from CEMSynthLib.training.errors import TrainingOutputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that is moved there, safely on the disk, when the block ends well.

    The temporary name is that of `CEMSynthLib.export.files.replacing`, so that what a killed run leaves is known.

    Raises
    ------
    TrainingOutputError
        The file cannot be written; an earlier one of the name is as it was.
    """
    temporary = path.with_name(f".{secrets.token_hex(6)}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        raise TrainingOutputError(f"{path.name} cannot be written to {path.parent}: {_why(error)}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files that belong together: all are whole on the disk before the first takes its name.

    Parameters
    ----------
    folder
        Made if missing.
    contents
        Name (``/`` allowed) to content.

    Raises
    ------
    TrainingOutputError
        The folder cannot be written.
    """
    parts = {folder / name: (folder / name).with_name(f".{secrets.token_hex(6)}.partial") for name in contents}
    try:
        for (target, part), content in zip(parts.items(), contents.values(), strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            sync(part)
        _rename(list(parts.items()))
        for place in {target.parent for target in parts}:
            sync(place)
    except OSError as error:
        raise TrainingOutputError(f"The model folder {folder} cannot be written: {_why(error)}.") from error
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders, and keeps names itself
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(pending: list[tuple[Path, Path]]) -> None:
    """Rename all, also when Ctrl-C arrives between two of them."""
    interrupt: KeyboardInterrupt | None = None
    for target, part in pending:
        try:
            os.replace(part, target)
        except KeyboardInterrupt as raised:
            interrupt = raised
            if part.exists():
                os.replace(part, target)
    if interrupt is not None:
        raise interrupt


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space, then go on with --resume"
    return (error.strerror or type(error).__name__).lower()
