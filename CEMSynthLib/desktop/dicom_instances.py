"""DICOM instances: files of Slicer's DICOM database as volumes, one by one, paired with the rest of their study."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer

from CEMSynthLib.desktop.startup import onImages
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.hierarchy import place
from CEMSynthLib.scene.instances import instance_name, instances, load_instance
from CEMSynthLib.study.model import ImageKind, StudyFolder
from CEMSynthLib.study.reader import read_files

_STUDY_TAG = "0020,000D"


@dataclass(frozen=True)
class Instance:
    """What the DICOM module shows of one file."""

    file: str
    name: str
    toolTip: str
    warning: str


def examined(files: Sequence[str]) -> list[Instance]:
    """Which of the files are images of a CEM study.

    Parameters
    ----------
    files
        Of the DICOM database; usually those of one series.
    """
    try:
        found = _study(files[0])
    except CEMSynthError:
        return []  # nothing in the study can be read: other plugins may tell more
    asked = {Path(file).absolute(): file for file in files}
    listed = []
    for _, acquisition, image in instances(found):
        if image.path in asked:
            why = [reason.reason for reason in found.explanations if reason.path == image.path]
            listed.append(
                Instance(
                    asked[image.path],
                    instance_name(acquisition, image),
                    "\n".join(why),
                    " ".join(acquisition.warnings),
                )
            )
    return listed


def loadFile(file: str) -> Any:
    """Load one file.

    Returns
    -------
    vtkMRMLScalarVolumeNode

    Raises
    ------
    CEMSynthError
        It cannot be read.
    """
    return load_instance(slicer.mrmlScene, _study(file), Path(file).absolute())


def underItsStudy(node: Any) -> None:
    """Move a volume to the item of its study: Slicer finds a series once, and another instance of it is left aside."""
    uid = node.GetAttribute(names.STUDY_UID)
    if uid:
        place(slicer.mrmlScene, [node], "", uid)


def showInViews(node: Any) -> None:
    """Show a volume as Slicer's own readers do; views that compare images keep theirs. A synthetic one is labeled."""
    application = slicer.app.applicationLogic()
    application.GetSelectionNode().SetActiveVolumeID(node.GetID())
    application.PropagateVolumeSelection()
    if names.kind_of(node) is ImageKind.SYNTHETIC:
        onImages()


def _study(file: str) -> StudyFolder:
    """All images of a file's study: a recombined image is often in another series than its low-energy image."""
    database = slicer.dicomDatabase
    uid = database.fileValue(file, _STUDY_TAG)
    files = [Path(name) for series in database.seriesForStudy(uid) for name in database.filesForSeries(series)]
    there = [path for path in files if path.is_file()]
    return read_files(there if Path(file) in there else [*there, Path(file)])
