"""Export: what of the scene leaves as files, gathered as copies so that it can be written without the scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.errors import ExportWorkError
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes, acquisition_key, find_acquisition
from CEMSynthLib.scene.pixels import pixels_of
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.scene.synthetic_item import SyntheticItem, synthetic_item
from CEMSynthLib.study.model import Acquisition, FloatImage, VOIWindow

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene

    from CEMSynthLib.desktop.export_work import ExportPlan, ExportReport, PictureItem
    from CEMSynthLib.export.markups import Region, RegionTie
    from CEMSynthLib.scene.regions.info import RegionInfo

#: Of `cemsynth measure`: CSV, DICOM structured report, HTML.
PARTS = ("table", "sr", "report")


@dataclass(frozen=True)
class ExportChoice:
    """What the user wants.

    Parameters
    ----------
    images
        Synthetic images: derived DICOM, or 16-bit PNG with a JSON where the low-energy image is no DICOM.
    burn_in
        The notice is drawn into the pixels of derived DICOM; never in what is measured.
    markups
        Regions as Slicer markups files with ``regions.json``.
    pictures
        The images of each acquisition as they are shown, 8-bit PNG.
    parts
        What is measured and written, of `PARTS`.
    """

    images: bool = True
    burn_in: bool = False
    markups: bool = True
    pictures: bool = False
    parts: tuple[str, ...] = PARTS


class Export:
    """Writes acquisitions of a scene into a new folder.

    Parameters
    ----------
    study
        Whose acquisitions, and where their files are.
    """

    def __init__(self, study: StudyInScene) -> None:
        self._study = study

    def run(
        self, keys: Sequence[str], parent: str | Path, choice: ExportChoice | None = None, progress: Progress = silent
    ) -> "ExportReport":
        """Write an export and wait for it; for the Python console and scripts.

        Parameters
        ----------
        keys
            Of acquisitions (`StudyInScene.rows`).
        parent
            An existing folder; the export becomes a new folder in it.
        choice
            What is written; everything but pictures where it is not given.
        progress
            Called after each step.

        Returns
        -------
        ExportReport

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            There is nothing to write, files are gone, or a file cannot be written. Nothing is left then.
        """
        from CEMSynthLib.desktop.export_work import writeExport

        return writeExport(self.plan(keys, parent, choice or ExportChoice()), progress)

    def plan(self, keys: Sequence[str], parent: str | Path, choice: ExportChoice) -> "ExportPlan":
        """Gather all that an export needs, as copies.

        Raises
        ------
        ExportWorkError
            There is nothing to write, or files that are needed are gone.
        """
        from CEMSynthLib.desktop.export_work import ExportPlan

        volumes = [found for found in (find_acquisition(slicer.mrmlScene, key) for key in keys) if found.kinds]
        made = [found for found in volumes if found.synthetic is not None]
        synthetic: list[SyntheticItem] = []
        if choice.images or choice.parts:
            if not made:
                raise ExportWorkError(
                    _("None of these acquisitions has a synthetic image; make one first, or export pictures only.")
                )
            synthetic = [self._syntheticItem(found) for found in made]
        regions, notes = self._regions(keys) if choice.markups or choice.parts else ([], [])
        if choice.markups and not regions and not (synthetic or choice.pictures):
            raise ExportWorkError(_("There is no region to export; draw one first."))
        pictures = [
            item for number, found in enumerate(volumes, 1) if choice.pictures for item in _pictures(number, found)
        ]
        folder = _newFolder(Path(parent).expanduser())
        return ExportPlan(
            folder=folder,
            synthetic=tuple(synthetic),
            regions=tuple(regions),
            pictures=tuple(pictures),
            parts=choice.parts,
            # A structured report refers to the images that were measured, so they come along.
            images=choice.images or "sr" in choice.parts,
            burn_in=choice.burn_in,
            markups=choice.markups,
            notes=tuple(notes),
            baselines=_baselines(synthetic),
        )

    def _syntheticItem(self, volumes: AcquisitionVolumes) -> SyntheticItem:
        item = synthetic_item(volumes, self._acquisition(volumes), self._study)
        if item is None:
            raise ExportWorkError(
                _(
                    "The synthetic image of {name} came from a file that is not open now; open it with its study."
                ).format(name=volumes.name)
            )
        return item

    def _acquisition(self, volumes: AcquisitionVolumes) -> Acquisition:
        """The acquisition with its files: of the opened study, else from Slicer's DICOM database."""
        acquisition = self._study.acquisition(volumes.key) or _fromDatabase(volumes)
        if acquisition is None or not all(image.path.is_file() for image in acquisition.images):
            raise ExportWorkError(
                _("The files of {name} are not open now, and this export needs them; open the study again.").format(
                    name=volumes.name
                )
            )
        return acquisition

    def _regions(self, keys: Sequence[str]) -> "tuple[list[tuple[Region, RegionTie]], list[str]]":
        from CEMSynthLib.scene.regions.errors import RegionSetError
        from CEMSynthLib.scene.regions.files import regions_to_save

        wanted = [region for region in _regionsIn(slicer.mrmlScene) if region.acquisition in keys]
        if not wanted:
            return [], []
        opened = {key: found for key in keys if (found := self._study.acquisition(key)) is not None}
        try:
            return regions_to_save(wanted, slicer.mrmlScene, opened)
        except RegionSetError as error:
            return [], [str(error)]


def _regionsIn(scene: "vtkMRMLScene") -> "list[RegionInfo]":
    from CEMSynthLib.scene.regions.nodes import markups_in, read_node
    from CEMSynthLib.scene.regions.segments import read_segments, segmentations_in

    drawn = [region for region in map(read_node, markups_in(scene)) if region is not None]
    return drawn + [region for node in segmentations_in(scene) for region in read_segments(node)]


def _newFolder(parent: Path) -> Path:
    """A name that is not taken: an export never joins another one."""
    name = f"CEMSynth_{datetime.now():%Y%m%d_%H%M%S}"
    candidates = (parent / (name if number == 1 else f"{name}_{number}") for number in count(1))
    return next(candidate for candidate in candidates if not candidate.exists())


def insertIntoDatabase(folder: Path) -> str:
    """Copy the DICOM files of an export into Slicer's DICOM database; returns a sentence."""
    from DICOMLib import DICOMUtils

    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen:
        return str(
            _("The DICOM database is not open: open the DICOM module once, and import {folder} there.").format(
                folder=folder
            )
        )
    if not DICOMUtils.importDicom(str(folder), database, True):
        return str(
            _("The DICOM database did not take the files; import {folder} in the DICOM module.").format(folder=folder)
        )
    return str(_("The DICOM files are in the DICOM database too."))


def _fromDatabase(volumes: AcquisitionVolumes) -> Acquisition | None:
    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen:
        return None
    nodes = [node for node in (volumes.low_energy, volumes.recombined) if node is not None]
    uids = [node.GetAttribute(names.SOP_INSTANCE_UID) for node in nodes]
    files = [Path(database.fileForInstance(uid)) for uid in uids if uid and database.fileForInstance(uid)]
    if not files:
        return None
    from CEMSynthLib.study.reader import read_files

    found = [a for study in read_files(files).studies for a in study.acquisitions]
    return next((a for a in found if acquisition_key(a) == volumes.key), None)


def _pictures(number: int, volumes: AcquisitionVolumes) -> "list[PictureItem]":
    from CEMSynthLib.desktop.export_work import PictureItem

    nodes = {"low_energy": volumes.low_energy, "clinical": volumes.recombined, "synthetic": volumes.synthetic}
    stem = "_".join([f"{number:03d}", *volumes.name.replace("?", "X").split()])
    return [
        PictureItem(f"{stem}_{word}", *_shown(node), word == "synthetic", _spacing(node))
        for word, node in nodes.items()
        if node is not None and pixels_of(node) is not None
    ]


def _shown(node: "vtkMRMLScalarVolumeNode") -> tuple[FloatImage, VOIWindow]:
    """Pixels and window as the slice views show them."""
    display = node.GetDisplayNode()
    low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    return np.array(pixels_of(node), dtype=np.float32), VOIWindow.from_range(low, max(high, low + 1e-6))


def _spacing(node: "vtkMRMLScalarVolumeNode") -> tuple[float, float] | None:
    column, row, _slice = node.GetSpacing()
    return (row, column) if node.GetAttribute(names.SPACING_KNOWN) == "yes" else None


def _baselines(items: Sequence[SyntheticItem]) -> Path | None:
    """The null baselines of the model of the first image, if it is in the store."""
    from CEMSynthLib.generator.store import list_models

    record = items[0].record if items else None
    if record is None:
        return None
    for model in list_models():
        if model.card is not None and model.card.weights_sha256 == record.model_sha256:
            return model.folder / "baselines.npz"
    return None
