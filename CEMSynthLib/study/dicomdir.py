"""DICOMDIR: the files that the directory of a DICOM medium names (PS3.3 F.3, PS3.10 8), all inside its folder."""

from pathlib import Path

import pydicom

from CEMSynthLib.study.errors import StudyFolderError
from CEMSynthLib.study.header import DECODING_ERRORS, items, texts
from CEMSynthLib.study.model import FileReason
from CEMSynthLib.study.quiet import quiet

NAME = "DICOMDIR"


def is_dicomdir(path: Path) -> bool:
    """True for a file of that name, in capitals or not."""
    return path.name.upper() == NAME


def named_files(path: Path) -> tuple[list[Path], list[FileReason]]:
    """Find the files that a DICOMDIR names.

    Parameters
    ----------
    path
        The DICOMDIR, absolute.

    Returns
    -------
    files
        Those that are there, in the order of the directory. Capitals do not matter: a medium that was copied often
        has lower-case names.
    missing
        One reason for each that is not there or lies outside the folder of the DICOMDIR.

    Raises
    ------
    StudyFolderError
        The DICOMDIR is damaged.
    """
    try:
        with quiet():
            dataset = pydicom.dcmread(path, force=True)
            records = items(dataset, "DirectoryRecordSequence")
            names = [texts(record, "ReferencedFileID") for record in records]
    except DECODING_ERRORS as error:
        raise StudyFolderError(f"{path.name} is damaged; give the folder that it lies in.") from error
    files: list[Path] = []
    missing: list[FileReason] = []
    for parts in dict.fromkeys(tuple(name) for name in names if name):
        shown = "/".join(parts)
        if any(part in ("", ".", "..") or set(part) & set("/\\:\0") for part in parts):
            missing.append(FileReason(path, f"{path.name} names a file outside its folder, which is not read."))
            continue
        found = _inside(path.parent, parts)
        if found is None:
            missing.append(FileReason(path, f"{path.name} names {shown}, which is not there."))
        else:
            files.append(found)
    return files, missing


def _inside(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Follow the parts without regard to capitals; nothing that links lead out of the folder."""
    place = folder
    for part in parts:
        exact = place / part
        if not exact.exists():
            if not place.is_dir():
                return None
            match = next((p for p in sorted(place.iterdir()) if p.name.upper() == part.upper()), None)
            if match is None:
                return None
            exact = match
        place = exact
    inside = place.resolve().is_relative_to(folder.resolve())
    return place if place.is_file() and inside else None
