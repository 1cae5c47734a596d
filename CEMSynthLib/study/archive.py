"""Archive: a zip of a study, unpacked into a private temporary folder; bombs and names that lead out are refused."""

import stat
import struct
import tempfile
import zipfile
import zlib
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from CEMSynthLib.study.errors import StudyFolderError

_MEMBERS = 100_000
# Air compresses well, a study as a whole seldom beyond 30 times; deflate can reach 1032 times.
_RATIO = 200
_ALWAYS_ALLOWED = 256 * 2**20
_LARGEST = 32 * 2**30
_BLOCK = 1 << 20
_ENCRYPTED = 0x1
# What zipfile raises on damaged archives (an empty name: IndexError).
_ERRORS = (
    zipfile.BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError, IndexError,
    KeyError, TypeError, struct.error,
)  # fmt: skip

# Unpacked archives by path, size and time of change, so that opening one twice costs once; removed at exit.
_unpacked: dict[tuple[Path, int, int], tempfile.TemporaryDirectory[str]] = {}


def is_archive(path: Path) -> bool:
    """True for a zip file, by its content."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06") and zipfile.is_zipfile(path)


def unpack(path: Path) -> Path:
    """Unpack a zip file.

    Parameters
    ----------
    path
        The archive, absolute.

    Returns
    -------
    Path
        A folder that only this user may open; it is removed when the program ends. Symbolic links are left out.

    Raises
    ------
    StudyFolderError
        Damaged, encrypted, a name that leads out of the folder or occurs twice, or far more data than the size of the
        archive lets expect.
    """
    status = path.stat()
    key = (path, status.st_size, status.st_mtime_ns)
    if key not in _unpacked:
        folder = tempfile.TemporaryDirectory(prefix="cemsynth-")
        try:
            with zipfile.ZipFile(path) as archive:
                _write(archive, path.name, status.st_size, Path(folder.name))
        except _ERRORS as error:
            folder.cleanup()
            raise StudyFolderError(f"{path.name} is a damaged zip archive; copy it again from its source.") from error
        except OSError as error:
            folder.cleanup()
            raise StudyFolderError(
                f"{path.name} cannot be unpacked ({error.strerror}): it is damaged or there is no room for it."
            ) from error
        except StudyFolderError:
            folder.cleanup()
            raise
        _unpacked[key] = folder
    return Path(_unpacked[key].name)


def _write(archive: zipfile.ZipFile, name: str, size: int, folder: Path) -> None:
    members = [m for m in archive.infolist() if not m.is_dir() and not stat.S_ISLNK(m.external_attr >> 16)]
    allowed = min(max(_RATIO * size, _ALWAYS_ALLOWED), _LARGEST)
    if len(members) > _MEMBERS or sum(m.file_size for m in members) > allowed:
        raise StudyFolderError(
            f"{name} would grow to more than {allowed // 2**20} MB or {_MEMBERS} files, far more than a study of its "
            "size; it is not opened."
        )
    left = allowed
    for member in members:
        if member.flag_bits & _ENCRYPTED:
            raise StudyFolderError(f"{name} is encrypted; unpack it with its password and open the folder.")
        target = folder.joinpath(*_parts(member.filename, name))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with archive.open(member) as source, target.open("xb") as file:
                while block := source.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise StudyFolderError(f"{name} holds more than it announces; it is not opened.")
                    file.write(block)
        except FileExistsError as error:
            raise StudyFolderError(f"{name} holds the same file name twice; unpack it and open the folder.") from error


def _parts(member: str, name: str) -> tuple[str, ...]:
    """The parts of a member's path, all inside."""
    parts = PurePosixPath(member.replace("\\", "/")).parts
    if not parts or any(part in ("/", "//", "..") or ":" in part or "\0" in part for part in parts):
        raise StudyFolderError(f"{name} holds a name that leads out of its folder; it is not opened.")
    return parts
