"""Reader: a folder, zip archive or DICOMDIR of DICOM files or image files, or both, to a `StudyFolder`."""

import os
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.archive import is_archive
from CEMSynthLib.study.dicom import read_frames
from CEMSynthLib.study.errors import StudyFolderError, UnreadableImageError
from CEMSynthLib.study.found import FoundImage, UnclassifiedImage
from CEMSynthLib.study.header import is_dicom
from CEMSynthLib.study.image_set import ImageSet
from CEMSynthLib.study.model import CEMStudy, FileReason, ImageKind, StudyFolder
from CEMSynthLib.study.pairing import paired
from CEMSynthLib.study.quiet import quiet
from CEMSynthLib.study.source import Source, source_of

# How the reason ends for files of quite another kind (text, tables).
FOREIGN = "is neither a DICOM file nor an image."
# Reasons quoted when nothing could be read.
_QUOTED = 3
_BY_NAME = "It is an image file: its name, or a table beside it, tells what it shows."
# Headers are read side by side: on a slow disk or share the waits overlap.
_THREADS = 4
# How long a step waits at most for an archive to be unpacked or a folder to be listed.
_WAIT_S = 0.02

Found = FoundImage | UnclassifiedImage


@dataclass
class _Content:
    """What was found of one study, in the order of the files."""

    images: list[FoundImage] = field(default_factory=list)
    unclassified: list[FileReason] = field(default_factory=list)


def read_folder(path: Path, progress: Progress = silent) -> StudyFolder:
    """Read every study under a folder, headers only; pixels are read when `CEMImage.pixels` is called.

    Parameters
    ----------
    path
        A folder, searched recursively (hidden files and folders and symbolic links to folders are left out); a zip
        archive, which is unpacked into a private temporary folder; a DICOMDIR; or one file.
    progress
        Called after each file.

    Returns
    -------
    StudyFolder
        Studies by patient and Study Instance UID. Files that were not used are in ``skipped``, mammograms that cannot
        be classified in their study's ``unclassified``, each with one sentence.

    Raises
    ------
    StudyFolderError
        The path is missing, empty, an archive that is refused, or holds nothing that can be read.
    ImageTableError
        A ``cemsynth-images.csv`` in the folder is damaged.
    """
    return read_files([path], progress)


def read_files(paths: Sequence[Path], progress: Progress = silent) -> StudyFolder:
    """Read files together, wherever they lie; else as `read_folder`."""
    steps = reading(paths)
    try:
        while True:
            done, total = next(steps)
            if total:
                progress(done, total, "reading headers")
    except StopIteration as end:
        found: StudyFolder = end.value
        return found
    finally:
        steps.close()


def reading(paths: Sequence[Path]) -> Generator[tuple[int, int], None, StudyFolder]:
    """Read as `read_folder` does, step by step: for callers that have a window to keep alive between two steps.

    Parameters
    ----------
    paths
        One path, as for `read_folder`; or files that are read together, wherever they lie.

    Yields
    ------
    tuple of int
        Files done, files in all (0 while a folder is listed or an archive unpacked). Closing the generator cancels.

    Returns
    -------
    StudyFolder
        As `read_folder`; its root is the folder that all files have in common.

    Raises
    ------
    StudyFolderError, ImageTableError
        As `read_folder`.
    """
    source = yield from _source(paths)
    return (yield from _read_all(source, Path(paths[0]).absolute() if len(paths) == 1 else source.root))


def _source(paths: Sequence[Path]) -> Generator[tuple[int, int], None, Source]:
    paths = [Path(path).absolute() for path in paths]
    if len(paths) > 1:
        on_one_drive = len({path.anchor for path in paths}) == 1
        folder = Path(os.path.commonpath([path.parent for path in paths])) if on_one_drive else paths[0].parent
        return Source(folder, tuple(dict.fromkeys(paths)))
    if not paths:
        raise StudyFolderError("No files were given; select a patient, study or series that has files.")
    thread = ThreadPoolExecutor(max_workers=1)
    try:
        found = thread.submit(source_of, paths[0])
        while not wait([found], timeout=_WAIT_S).done:
            yield 0, 0
        return found.result()
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


def _read_all(source: Source, path: Path) -> Generator[tuple[int, int], None, StudyFolder]:
    image_set = ImageSet.of(source.files)
    skipped = [*source.skipped, *image_set.skipped]
    known = image_set.tables | {reason.path for reason in image_set.skipped}
    files = [file for file in source.files if file not in known]
    studies: dict[tuple[str, str | None], _Content] = defaultdict(_Content)
    explanations: list[FileReason] = []
    seen: dict[tuple[str, float | str], FoundImage] = {}
    sidecars: set[Path] = set()
    for number, (file, outcome) in enumerate(_outcomes(files, image_set), start=1):
        if isinstance(outcome, str):
            skipped.append(FileReason(file, outcome))
        else:
            for found in outcome:
                first = _first_of(found, seen)
                if first is not None and _signature(first) == _signature(found):
                    skipped.append(FileReason(file, f"{file.name} is a copy of {first.image.path.name}."))
                    continue
                content = studies[found.patient_id, found.study_uid]
                explanations += [FileReason(file, sentence) for sentence in found.explanations or (_BY_NAME,)]
                if isinstance(found, UnclassifiedImage):
                    content.unclassified.append(FileReason(file, found.reason))
                    continue
                if first is not None:
                    doubt = f"{file.name} has the SOP Instance UID of {first.image.path.name}, but is another image."
                    found = replace(found, warnings=(*found.warnings, doubt))
                content.images.append(found)
                if found.image.sop_instance_uid is None and found.image.kind is ImageKind.SYNTHETIC:
                    sidecars.add(file.with_suffix(".json"))
        yield number, len(files)
    skipped = [s for s in skipped if s.path not in sidecars]
    built = [_study(patient, uid, content) for (patient, uid), content in sorted(studies.items(), key=_order)]
    found_studies = tuple(study for study, _ in built if study.acquisitions or study.synthetic or study.unclassified)
    if not found_studies:
        raise StudyFolderError(_nothing(path, skipped))
    ties = [reason for _, reasons in built for reason in reasons]
    return StudyFolder(source.root, found_studies, tuple(skipped), tuple(explanations + ties))


def _outcomes(files: Sequence[Path], image_set: ImageSet) -> Iterator[tuple[Path, tuple[Found, ...] | str]]:
    """Each file in order with what it holds, or the reason why it is not used."""
    with quiet():
        threads = ThreadPoolExecutor(max_workers=_THREADS)
        try:
            yield from zip(files, threads.map(lambda file: _outcome(file, image_set), files), strict=True)
        finally:
            threads.shutdown(cancel_futures=True)


def _outcome(file: Path, image_set: ImageSet) -> tuple[Found, ...] | str:
    try:
        return _read(file, image_set)
    except UnreadableImageError as error:
        return str(error)
    except PermissionError:
        return f"{file.name} may not be read by this user."
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror or type(error).__name__}."


def _read(file: Path, image_set: ImageSet) -> tuple[Found, ...] | str:
    """Read one file by its content, or tell that it is neither DICOM nor an image."""
    if file.stat().st_size and is_dicom(file):
        return read_frames(file)
    if image_set.handles(file):
        return (image_set.read(file),)
    if file.suffix.lower() in (".dcm", ".dicom", ".ima"):
        raise UnreadableImageError(f"{file.name} is not a DICOM file, whatever its name says.")
    if file.suffix.lower() == ".zip" and is_archive(file):
        raise UnreadableImageError(f"{file.name} is a zip archive among other files; open it by itself.")
    return f"{file.name} {FOREIGN}"


def _first_of(found: Found, seen: dict[tuple[str, float | str], FoundImage]) -> FoundImage | None:
    """The earlier file with the same SOP Instance UID; careless exports give one UID to several images."""
    if isinstance(found, UnclassifiedImage) or found.image.sop_instance_uid is None:
        return None
    first = seen.setdefault((found.image.sop_instance_uid, found.image.attributes.get("FrameNumber", "")), found)
    return None if first is found else first


def _signature(found: Found) -> tuple[object, ...]:
    """What differs between two images under one UID; the same in two copies of one file."""
    if isinstance(found, UnclassifiedImage):
        return ()
    image = found.image
    return (
        found.patient_id, found.study_uid, image.kind, found.laterality, found.view, found.modifiers, found.seconds,
        found.instance_number, image.grid,
    )  # fmt: skip


def _order(item: tuple[tuple[str, str | None], object]) -> tuple[int, str, str]:
    (patient, uid), _ = item
    return (len(patient), patient, uid or "")


def _study(patient: str, uid: str | None, content: _Content) -> tuple[CEMStudy, list[FileReason]]:
    pairs = paired(content.images)
    ties = [
        FileReason(
            found.image.path,
            f"In one acquisition, {pair.acquisition.name}, with {_names(pair.images, found)}: {pair.tie}",
        )
        for pair in pairs
        if pair.tie
        for found in pair.images
    ]
    study = CEMStudy(
        patient_id=patient,
        study_uid=uid,
        acquisitions=tuple(pair.acquisition for pair in pairs),
        unclassified=tuple(content.unclassified),
        synthetic=tuple(f.image for f in content.images if f.image.kind is ImageKind.SYNTHETIC),
    )
    return study, ties


def _names(images: Sequence[FoundImage], found: FoundImage) -> str:
    return ", ".join(f.image.path.name for f in images if f is not found)


def _nothing(path: Path, skipped: list[FileReason]) -> str:
    reasons = " ".join(s.reason for s in skipped[:_QUOTED])
    more = f" ({len(skipped) - _QUOTED} more files like that.)" if len(skipped) > _QUOTED else ""
    return f"Nothing in {path} can be read as a mammogram. {reasons}{more}"
