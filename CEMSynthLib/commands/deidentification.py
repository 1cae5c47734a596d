"""From the files of a case to copies without anything that tells whose they are."""

import os
import secrets
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.export.deidentify import (
    NotExportedError,
    deidentified,
    file_name,
    refuse_what_cannot_be_cleaned,
    refuse_what_is_left,
)
from CEMSynthLib.export.deidentify_files import kind_of_file, write_cleaned_scene, write_cleaned_text
from CEMSynthLib.export.identity import Identities
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.header import DECODING_ERRORS, is_dicom, open_header
from CEMSynthLib.study.model import FileReason
from CEMSynthLib.study.pixels import check_length

_NAMES = {"report": ("report", ".html"), "table": ("measurements", ".csv"), "record": ("synthesis", ".json")}
_FOREIGN = "it is neither DICOM nor a report, table, regions file or scene of CEMSynth"


class NothingToDeidentifyError(CEMSynthError):
    """There is nothing to export, or nothing that can be cleaned."""


@dataclass(frozen=True)
class Deidentification:
    """What was written, of how many patients, and what stayed where it was."""

    written: int
    patients: int
    left_out: tuple[FileReason, ...]
    warnings: tuple[str, ...]


def deidentify_files(paths: Iterable[Path], folder: Path, progress: Progress = silent) -> Deidentification:
    """Copy everything that can be cleaned into a folder, one subfolder a patient.

    Parameters
    ----------
    paths
        Files and folders (searched recursively). Files that are no DICOM are cleaned of what the DICOM files among
        them tell, so a report, a table, regions or a scene needs the images it is about.
    folder
        Exists; gets ``CASE-001/*.dcm`` and so on, and reports, tables, ``regions`` and scenes beside.
    progress
        Called after each file.

    Returns
    -------
    Deidentification

    Raises
    ------
    NothingToDeidentifyError
        A path is missing, or nothing could be cleaned.
    """
    files = list(_files(paths))
    identities = Identities(secrets.token_bytes(32))
    others: list[tuple[Path, str]] = []
    images: list[Path] = []
    left_out: list[FileReason] = []
    for file in files:
        kind = kind_of_file(file)
        if kind is not None:
            others.append((file, kind))
            continue
        header = _read(file, pixels=False)
        if header is None:
            left_out.append(FileReason(file, _FOREIGN))
            continue
        try:
            identities.learn(header)
            images.append(file)
        except DECODING_ERRORS:
            left_out.append(FileReason(file, _damaged(file)))
    if not images:
        raise NothingToDeidentifyError(
            "There is no DICOM file among what was given; reports and scenes are cleaned together with their images."
        )
    said: list[str] = []
    labels: set[str] = set()
    written = 0
    for number, file in enumerate(images, start=1):
        try:
            label, warning = _write_dicom(file, folder, identities)
            labels.add(label)
            said += warning
            written += 1
        except NotExportedError as error:
            left_out.append(FileReason(file, str(error)))
        except DECODING_ERRORS:
            left_out.append(FileReason(file, _damaged(file)))
        progress(number, len(images) + len(others), "DICOM files")
    counts: dict[str, int] = {}
    for number, (file, kind) in enumerate(others, start=len(images) + 1):
        counts[kind] = counts.get(kind, 0) + 1
        try:
            _write_other(file, kind, counts[kind], folder, identities)
            written += 1
        except NotExportedError as error:
            left_out.append(FileReason(file, str(error)))
        progress(number, len(images) + len(others), "reports and scenes")
    if not written:
        raise NothingToDeidentifyError(f"Nothing could be de-identified. {left_out[0].reason}")
    return Deidentification(written, len(labels), tuple(left_out), tuple(dict.fromkeys(said)))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
        elif path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(f for f in folders if not f.startswith("."))
                for name in sorted(names):
                    if not name.startswith(".") and Path(folder, name).is_file():
                        yield Path(folder, name)
        else:
            raise NothingToDeidentifyError(f"{path} does not exist; give files or folders of a case.")


def _read(path: Path, pixels: bool = True) -> Dataset | None:
    """A data set, with transfer syntax and SOP class where the file lacks them; ``None`` for what is no instance."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings can quote a patient name
            dataset = open_header(path) if is_dicom(path) else None
            if dataset is not None and not pixels and "PixelData" in dataset:
                del dataset["PixelData"]
            return dataset if dataset is not None and "SOPInstanceUID" in dataset else None
    except (InvalidDicomError, UnreadableImageError, *DECODING_ERRORS):
        return None


def _damaged(file: Path) -> str:
    return f"{file.name} is damaged and cannot be cleaned, so it stays here."


def _write_dicom(file: Path, folder: Path, identities: Identities) -> tuple[str, list[str]]:
    dataset = _read(file)
    if dataset is None:
        raise NotExportedError(f"{file.name} could not be read, so it stays here.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refuse_what_cannot_be_cleaned(dataset, file.name)
        if "PixelData" in dataset:
            try:
                check_length(dataset, file)
            except UnreadableImageError as error:
                raise NotExportedError(str(error)) from error
        clean = deidentified(dataset, identities)
        refuse_what_is_left(clean, identities, file.name)
        label = identities.of(dataset).label
        target = folder / label / file_name(clean)
        if target.exists():
            raise NotExportedError(f"{file.name} is a copy of another file of this export.")
        target.parent.mkdir(exist_ok=True)
        write_dataset(clean, target)
    if "PixelData" in dataset and "BurnedInAnnotation" not in dataset:
        warning = f"{file.name} does not say whether text is burned into its pixels; look at it before you share it."
        return label, [warning]
    return label, []


def _write_other(file: Path, kind: str, number: int, folder: Path, identities: Identities) -> None:
    ending = "" if number == 1 else f"_{number:03d}"
    if kind == "scene":
        write_cleaned_scene(file, folder / f"scene{ending}.mrb", identities)
    elif kind == "regions":
        name = identities.cleaned(file.name)
        if identities.left_in(name) is not None:
            raise NotExportedError("A regions file could not be given a name without a patient's, so it stays here.")
        (folder / "regions").mkdir(exist_ok=True)
        write_cleaned_text(file, folder / "regions" / name, kind, identities)
    else:
        stem, suffix = _NAMES[kind]
        write_cleaned_text(file, folder / f"{stem}{ending}{suffix}", kind, identities)
