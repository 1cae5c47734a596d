"""Reader: a folder of DICOM files or CDD-CESM style images, or both, to a `StudyFolder`."""

import os
from collections import defaultdict
from pathlib import Path

from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.dicom import read_instance
from CEMSynthLib.study.errors import StudyFolderError, UnreadableImageError
from CEMSynthLib.study.found import FoundImage, UnclassifiedImage
from CEMSynthLib.study.header import is_dicom
from CEMSynthLib.study.image_set import ImageSet
from CEMSynthLib.study.model import CEMStudy, FileReason, ImageKind, StudyFolder
from CEMSynthLib.study.pairing import acquisitions_of

MANIFEST_NAME = "cemsynth-manifest.json"
# How the reason ends for files of quite another kind (text, tables).
FOREIGN = "is neither a DICOM file nor an image."
# Reasons quoted when nothing could be read.
_QUOTED = 3


def read_folder(path: Path, progress: Progress = silent) -> StudyFolder:
    """Read every study under a folder, headers only; pixels are read when `CEMImage.pixels` is called.

    Parameters
    ----------
    path
        A folder, searched recursively (hidden files and folders and symbolic links to folders are left out), or one
        file.
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
        The path is missing, empty, or holds nothing that can be read.
    ImageTableError
        A ``cemsynth-images.csv`` in the folder is damaged.
    """
    path = Path(path).absolute()
    root, files, skipped = _files(path)
    image_set = ImageSet.of(files)
    skipped += image_set.skipped
    known = image_set.tables | {reason.path for reason in image_set.skipped}
    files = [file for file in files if file not in known]
    studies: dict[tuple[str, str | None], tuple[list[FoundImage], list[FileReason]]] = defaultdict(lambda: ([], []))
    seen: dict[str, Path] = {}
    sidecars: set[Path] = set()
    for number, file in enumerate(files, start=1):
        try:
            result = _read(file, image_set)
        except (UnreadableImageError, PermissionError) as error:
            reason = (
                str(error) if isinstance(error, UnreadableImageError) else f"{file.name} may not be read by this user."
            )
            skipped.append(FileReason(file, reason))
        else:
            images, unclassified = studies[result.patient_id, result.study_uid] if result else ([], [])
            if result is None:
                skipped.append(FileReason(file, f"{file.name} {FOREIGN}"))
            elif isinstance(result, UnclassifiedImage):
                unclassified.append(FileReason(file, result.reason))
            else:
                uid = result.image.sop_instance_uid
                if uid is not None and uid in seen:
                    skipped.append(FileReason(file, f"{file.name} is a copy of {seen[uid].name}."))
                else:
                    images.append(result)
                    if uid is not None:
                        seen[uid] = file
                    elif result.image.kind is ImageKind.SYNTHETIC:
                        sidecars.add(file.with_suffix(".json"))
        progress(number, len(files), "reading headers")
    skipped = [s for s in skipped if s.path not in sidecars]
    found = tuple(_study(patient, uid, *content) for (patient, uid), content in sorted(studies.items(), key=_order))
    found = tuple(s for s in found if s.acquisitions or s.synthetic or s.unclassified)
    if not found:
        raise StudyFolderError(_nothing(path, skipped))
    return StudyFolder(root=root, studies=found, skipped=tuple(skipped))


def _order(item: tuple[tuple[str, str | None], object]) -> tuple[int, str, str]:
    (patient, uid), _ = item
    return (len(patient), patient, uid or "")


def _files(path: Path) -> tuple[Path, list[Path], list[FileReason]]:
    if path.is_file():
        return path.parent, [path], []
    if not path.exists():
        raise StudyFolderError(f"{path} does not exist; give the folder that holds the study.")
    if not path.is_dir():
        raise StudyFolderError(f"{path} is neither a folder nor a file; give the folder that holds the study.")
    files: list[Path] = []
    skipped: list[FileReason] = []

    def refused(error: OSError) -> None:
        folder = Path(error.filename)
        skipped.append(FileReason(folder, f"The folder {folder.name} may not be opened by this user."))

    for folder, folders, names in os.walk(path, onerror=refused):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        files += [Path(folder, n) for n in sorted(names) if not n.startswith(".") and n != MANIFEST_NAME]
    files = [f for f in files if f.is_file()]
    if not files and not skipped:
        raise StudyFolderError(f"The folder {path} is empty; give the folder that holds the study.")
    return path, files, skipped


def _read(file: Path, image_set: ImageSet) -> FoundImage | UnclassifiedImage | None:
    """Read one file by its content; ``None`` where it is neither DICOM nor named like an image."""
    if file.stat().st_size and is_dicom(file):
        return read_instance(file)
    if image_set.handles(file):
        return image_set.read(file)
    if file.suffix.lower() in (".dcm", ".dicom", ".ima"):
        raise UnreadableImageError(f"{file.name} is not a DICOM file, whatever its name says.")
    return None


def _study(patient: str, uid: str | None, images: list[FoundImage], unclassified: list[FileReason]) -> CEMStudy:
    return CEMStudy(
        patient_id=patient,
        study_uid=uid,
        acquisitions=acquisitions_of(images),
        unclassified=tuple(unclassified),
        synthetic=tuple(f.image for f in images if f.image.kind is ImageKind.SYNTHETIC),
    )


def _nothing(path: Path, skipped: list[FileReason]) -> str:
    reasons = " ".join(s.reason for s in skipped[:_QUOTED])
    more = f" ({len(skipped) - _QUOTED} more files like that.)" if len(skipped) > _QUOTED else ""
    return f"Nothing in {path} can be read as a mammogram. {reasons}{more}"
