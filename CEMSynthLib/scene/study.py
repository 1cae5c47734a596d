"""Study: what was opened, beside what the scene holds already, as a list of acquisitions that can be shown."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import (
    AcquisitionVolumes,
    acquisition_key,
    acquisitions_in,
    find_acquisition,
    load_acquisition,
)
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.hierarchy import patient_of, place
from CEMSynthLib.study.model import Acquisition, CEMImage, CEMStudy, FileReason, ImageKind, StudyFolder
from CEMSynthLib.study.synthetic import synthetic_of

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene


@dataclass(frozen=True)
class AcquisitionRow:
    """One line of the table of acquisitions.

    Parameters
    ----------
    key
        See `acquisition_key`.
    patient_id
        Patient ID (0010,0020) or the number in the file name; name of the patient item for what only the scene holds.
    name
        ``"R CC"``.
    shape
        Rows and columns.
    spacing_mm
        Of rows and columns; ``None`` where unknown.
    kinds
        Which images there are.
    warnings
        Sentences for the user.
    study_uid
        Study Instance UID; empty where unknown.
    """

    key: str
    patient_id: str
    name: str
    shape: tuple[int, int]
    spacing_mm: tuple[float, float] | None
    kinds: tuple[ImageKind, ...]
    warnings: tuple[str, ...]
    study_uid: str = ""


@dataclass(frozen=True)
class _Entry:
    row: AcquisitionRow
    acquisition: Acquisition
    synthetic: CEMImage | None
    study_uid: str | None


class StudyInScene:
    """The acquisitions of an opened folder and of a scene.

    Images enter the scene when their acquisition is first shown, so that a large folder opens at once.

    Parameters
    ----------
    scene
        The scene.
    """

    def __init__(self, scene: "vtkMRMLScene") -> None:
        self._scene = scene
        self._entries: dict[str, _Entry] = {}
        self._explanations: tuple[FileReason, ...] = ()
        #: Files that were not used, with the reason.
        self.unused: tuple[FileReason, ...] = ()

    def open(self, found: StudyFolder, synthetic: StudyFolder | None = None) -> list[AcquisitionRow]:
        """Take a folder's studies in place of those opened before; the scene stays as it is.

        Parameters
        ----------
        found
            The studies.
        synthetic
            The folder with synthetic images that were made from them.

        Returns
        -------
        list of AcquisitionRow
            As `rows`.

        Raises
        ------
        SceneError
            The folder of synthetic images holds none, or none that was made from these studies.
        """
        candidates = [image for study in found.studies for image in study.synthetic]
        if synthetic is not None:
            given = [image for study in synthetic.studies for image in study.synthetic]
            acquisitions = [a for study in found.studies for a in study.acquisitions]
            if not any(synthetic_of(a, given) for a in acquisitions):
                what = "was made from these images" if given else "is a synthetic image"
                raise SceneError(
                    f"Nothing in {synthetic.root} {what}; make them with: cemsynth synthesize {found.root} --output DIR"
                )
            candidates = given + candidates
        entries: dict[str, _Entry] = {}
        for study in found.studies:
            for acquisition in study.acquisitions:
                made = synthetic_of(acquisition, candidates)
                row = _row(study, acquisition, made)
                entries[row.key] = _Entry(row, acquisition, made, study.study_uid)
        folders = [found] if synthetic is None else [found, synthetic]
        self._entries = entries
        self._explanations = tuple(reason for folder in folders for reason in folder.explanations)
        self.unused = tuple(
            reason
            for folder in folders
            for reasons in (folder.skipped, *(study.unclassified for study in folder.studies))
            for reason in reasons
        )
        return self.rows()

    def close(self) -> None:
        """Forget the opened folder; volumes in the scene are not touched."""
        self._entries, self._explanations, self.unused = {}, (), ()

    def rows(self) -> list[AcquisitionRow]:
        """The acquisitions of the folder, then those that only the scene holds (from a saved scene)."""
        there = {volumes.key: volumes for volumes in acquisitions_in(self._scene)}
        rows = [_with_kinds_of(entry.row, there.get(key)) for key, entry in self._entries.items()]
        return rows + [_scene_row(volumes) for key, volumes in there.items() if key not in self._entries]

    def explain(self, key: str) -> tuple[FileReason, ...]:
        """Why the files of an acquisition were read as they were; nothing for what only the scene holds."""
        entry = self._entries.get(key)
        if entry is None:
            return ()
        images = (*entry.acquisition.images, *([] if entry.synthetic is None else [entry.synthetic]))
        files = {image.path for image in images}
        return tuple(reason for reason in self._explanations if reason.path in files)

    def acquisition(self, key: str) -> Acquisition | None:
        """The acquisition as it was read; ``None`` where only the scene holds it (its files are not known then)."""
        entry = self._entries.get(key)
        return entry.acquisition if entry is not None else None

    def synthetic_file(self, key: str) -> Path | None:
        """The file of the synthetic image that was opened with an acquisition."""
        entry = self._entries.get(key)
        return entry.synthetic.path if entry is not None and entry.synthetic is not None else None

    def load(self, key: str) -> AcquisitionVolumes:
        """Bring an acquisition into the scene, if it is not there already.

        Parameters
        ----------
        key
            Of one of `rows`.

        Returns
        -------
        AcquisitionVolumes

        Raises
        ------
        SceneError
            Neither folder nor scene has this acquisition, or none of its images can be read.
        """
        entry = self._entries.get(key)
        if entry is not None:
            loaded = load_acquisition(self._scene, entry.acquisition, entry.synthetic, entry.study_uid)
            nodes = (loaded.low_energy, loaded.recombined, loaded.synthetic)
            place(self._scene, nodes, entry.row.patient_id, entry.study_uid)
            return loaded
        volumes = find_acquisition(self._scene, key)
        if not volumes.kinds:
            raise SceneError("This acquisition is no longer in the scene; open its study again.")
        return volumes


def _with_kinds_of(row: AcquisitionRow, volumes: AcquisitionVolumes | None) -> AcquisitionRow:
    """Synthetic images that were made in the scene count too."""
    more = tuple(kind for kind in (volumes.kinds if volumes is not None else ()) if kind not in row.kinds)
    return replace(row, kinds=(*row.kinds, *more)) if more else row


def _row(study: CEMStudy, acquisition: Acquisition, synthetic: CEMImage | None) -> AcquisitionRow:
    grid = (acquisition.low_energy or acquisition.images[0]).grid
    kinds = tuple(image.kind for image in acquisition.images)
    return AcquisitionRow(
        key=acquisition_key(acquisition),
        patient_id=study.patient_id,
        name=acquisition.name,
        shape=grid.shape,
        spacing_mm=grid.spacing_mm,
        kinds=kinds if synthetic is None else (*kinds, ImageKind.SYNTHETIC),
        warnings=acquisition.warnings,
        study_uid=study.study_uid or "",
    )


def _scene_row(volumes: AcquisitionVolumes) -> AcquisitionRow:
    nodes: list[vtkMRMLScalarVolumeNode] = [
        node for node in (volumes.low_energy, volumes.recombined, volumes.synthetic) if node is not None
    ]
    columns, rows, _ = nodes[0].GetImageData().GetDimensions() if nodes[0].GetImageData() else (0, 0, 0)
    column, row, _ = nodes[0].GetSpacing()
    known = nodes[0].GetAttribute(names.SPACING_KNOWN) == "yes"
    spacing = (row, column) if known else None
    study_uid = nodes[0].GetAttribute(names.STUDY_UID) or ""
    patient = patient_of(nodes[0].GetScene(), nodes[0])
    return AcquisitionRow(volumes.key, patient, volumes.name, (rows, columns), spacing, volumes.kinds, (), study_uid)
