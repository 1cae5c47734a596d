"""Copies: files of a study that go along with an export as they are."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from CEMSynthLib.export.errors import ExportError
from CEMSynthLib.study.model import Acquisition


def copy_file(source: Path, target: Path) -> None:
    """Copy a file.

    Raises
    ------
    ExportError
        It is gone.
    """
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise ExportError(f"{source.name} is gone; open the study again.") from error


def copy_synthetic(file: Path, folder: Path) -> None:
    """Copy a synthetic image that was read from a file, and the JSON that goes with a PNG.

    Raises
    ------
    ExportError
        It is gone.
    """
    for there in (file, file.with_suffix(".json")):
        if there.is_file():
            copy_file(there, folder / there.name)


def link_study(acquisitions: Sequence[Acquisition], folder: Path) -> Path:
    """Give a folder with these acquisitions' DICOM files alone, so that only they are measured.

    Image files are measured where they lie, with their tables.

    Parameters
    ----------
    acquisitions
        With their files.
    folder
        Made for DICOM files: links, or copies where a link cannot be made.

    Returns
    -------
    Path
        ``folder``, or where the image files lie.

    Raises
    ------
    ExportError
        A file is gone.
    """
    files = [(number, image) for number, found in enumerate(acquisitions, start=1) for image in found.images]
    if any(image.sop_instance_uid is None for _number, image in files):
        return Path(os.path.commonpath([image.path.parent for _number, image in files]))
    folder.mkdir()
    for number, image in files:
        target = folder / f"{number:03d}_{image.kind.value}.dcm"
        try:
            target.hardlink_to(image.path)
        except OSError:
            copy_file(image.path, target)
    return folder
