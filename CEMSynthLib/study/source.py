"""Source: which files a path stands for: a folder, one file, a DICOMDIR or a zip archive."""

import os
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.study.archive import is_archive, unpack
from CEMSynthLib.study.dicomdir import is_dicomdir, named_files
from CEMSynthLib.study.errors import StudyFolderError
from CEMSynthLib.study.model import FileReason

MANIFEST_NAME = "cemsynth-manifest.json"


@dataclass(frozen=True)
class Source:
    """Files under ``root`` in a stable order, and what could not be opened or is missing."""

    root: Path
    files: tuple[Path, ...]
    skipped: tuple[FileReason, ...] = ()


def source_of(path: Path) -> Source:
    """Find the files.

    Parameters
    ----------
    path
        A folder, searched recursively (hidden files and folders and symbolic links to folders are left out); a zip
        archive, unpacked into a private temporary folder; a DICOMDIR, which stands for the files it names; or one file.

    Raises
    ------
    StudyFolderError
        The path is missing or empty, or a zip archive that is refused.
    """
    path = Path(path).absolute()
    if path.is_file():
        if is_archive(path):
            return _folder(unpack(path), path)
        if is_dicomdir(path):
            files, missing = named_files(path)
            return Source(path.parent, tuple(files), tuple(missing))
        return Source(path.parent, (path,))
    if not path.exists():
        raise StudyFolderError(f"{path} does not exist; give the folder that holds the study.")
    if not path.is_dir():
        raise StudyFolderError(f"{path} is neither a folder nor a file; give the folder that holds the study.")
    return _folder(path, path)


def _folder(path: Path, shown: Path) -> Source:
    files: list[Path] = []
    skipped: list[FileReason] = []

    def refused(error: OSError) -> None:
        folder = Path(error.filename)
        skipped.append(FileReason(folder, f"The folder {folder.name} may not be opened by this user."))

    for folder, folders, names in os.walk(path, onerror=refused):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        files += [Path(folder, n) for n in sorted(names) if not n.startswith(".") and n != MANIFEST_NAME]
    files = [f for f in files if f.is_file()]
    for file in files:
        if is_dicomdir(file):
            try:
                skipped += named_files(file)[1]
            except StudyFolderError as error:
                skipped.append(FileReason(file, str(error)))
    if not files and not skipped:
        kind = "archive" if shown.is_file() else "folder"
        raise StudyFolderError(f"The {kind} {shown} is empty; give the folder that holds the study.")
    return Source(path, tuple(files), tuple(skipped))
