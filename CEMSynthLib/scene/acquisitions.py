"""Acquisitions: the low-energy, clinical and synthetic image of one acquisition as volumes of a scene, on one grid."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.exposure_attributes import exposure_attributes
from CEMSynthLib.scene.volumes import add_volume, set_image, set_window
from CEMSynthLib.study.errors import UnreadableImageError
from CEMSynthLib.study.model import Acquisition, CEMImage, FloatImage, ImageKind, Mask, PixelGrid

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene

SHOWN_KINDS = (ImageKind.LOW_ENERGY, ImageKind.RECOMBINED, ImageKind.SYNTHETIC)
LABELS = {
    ImageKind.LOW_ENERGY: "{} low energy",
    ImageKind.RECOMBINED: "{} clinical iodine",
    ImageKind.SYNTHETIC: "SYNTHETIC {} iodine",
}
_KEY_BYTES = 65536
_NOT_MOVED = {names.REGISTRATION: "", names.REACH: ""}


@dataclass(frozen=True, eq=False)
class AcquisitionVolumes:
    """The volumes of one acquisition; ``None`` where there is no such image.

    ``warnings`` are sentences about what was done (registration) or could not be done while loading.
    """

    key: str
    name: str
    low_energy: "vtkMRMLScalarVolumeNode | None"
    recombined: "vtkMRMLScalarVolumeNode | None"
    synthetic: "vtkMRMLScalarVolumeNode | None"
    warnings: tuple[str, ...] = ()

    @property
    def nodes(self) -> "tuple[vtkMRMLScalarVolumeNode | None, ...]":
        """Low energy, clinical, synthetic."""
        return (self.low_energy, self.recombined, self.synthetic)

    @property
    def kinds(self) -> tuple[ImageKind, ...]:
        """Which images are there."""
        return tuple(kind for kind, node in zip(SHOWN_KINDS, self.nodes, strict=True) if node is not None)


def acquisition_key(acquisition: Acquisition) -> str:
    """What tells this acquisition from all others, wherever its files lie.

    Returns
    -------
    str
        SOP Instance UID of its first image; for image files the stem and a hash of size and first 64 kB.

    Raises
    ------
    SceneError
        The file is gone.
    """
    image = acquisition.images[0]
    if image.sop_instance_uid is not None:
        return image.sop_instance_uid
    try:
        with image.path.open("rb") as stream:
            start = stream.read(_KEY_BYTES)
    except OSError as error:
        raise _gone(image.path) from error
    digest = hashlib.sha256(str(_status(image.path).st_size).encode() + start).hexdigest()
    return f"{''.join(image.path.stem.split())}-{digest[:12]}"


def acquisitions_in(scene: "vtkMRMLScene") -> list[AcquisitionVolumes]:
    """The acquisitions of which a scene holds volumes, in the order of their nodes."""
    keys: dict[str, str] = {}
    for node in _volumes(scene):
        keys.setdefault(node.GetAttribute(names.ACQUISITION), node.GetAttribute(names.NAME) or "?")
    return [find_acquisition(scene, key, name) for key, name in keys.items()]


def find_acquisition(
    scene: "vtkMRMLScene", key: str, name: str = "", warnings: tuple[str, ...] = ()
) -> AcquisitionVolumes:
    """The volumes of one acquisition that a scene holds; all ``None`` where it holds none."""
    nodes: dict[ImageKind, vtkMRMLScalarVolumeNode] = {}
    notes: list[str] = []
    for node in _volumes(scene):
        kind = names.kind_of(node)
        if kind is not None and node.GetAttribute(names.ACQUISITION) == key:
            # Of several synthetic images the one made last is shown (`synthetic_volume.make_current`).
            if kind not in nodes or nodes[kind].GetAttribute(names.SUPERSEDED) == "yes":
                nodes[kind] = node
            name = name or node.GetAttribute(names.NAME) or "?"
            notes.append(node.GetAttribute(names.REGISTRATION) or "")
    low, recombined, synthetic = (nodes.get(kind) for kind in SHOWN_KINDS)
    sentences = tuple(dict.fromkeys(sentence for sentence in (*notes, *warnings) if sentence))
    return AcquisitionVolumes(key, name, low, recombined, synthetic, sentences)


def load_acquisition(
    scene: "vtkMRMLScene",
    acquisition: Acquisition,
    synthetic: CEMImage | None = None,
    study_uid: str | None = None,
    only: Path | None = None,
) -> AcquisitionVolumes:
    """Bring the images of an acquisition into a scene, on the grid of the low-energy image.

    Images that the scene holds already are left as they are; those whose file changed get the new pixels.

    Parameters
    ----------
    scene
        The scene.
    acquisition
        The acquisition.
    synthetic
        The synthetic image made from its low-energy image, on the same matrix.
    study_uid
        Study Instance UID.
    only
        Of the images the one in this file only.

    Returns
    -------
    AcquisitionVolumes
        An image that cannot be read is left out, with a warning.

    Raises
    ------
    SceneError
        None of the images can be read, or a file is gone.
    """
    key = acquisition_key(acquisition)
    wanted = [(i.kind, i) for i in (acquisition.low_energy, acquisition.recombined, synthetic) if i is not None]
    wanted = [(kind, image) for kind, image in wanted if only is None or image.path == only]
    there = {kind: node for kind, node in _by_kind(scene, key) if node is not None}
    # A synthetic image that was made in the scene is never replaced by one from a file.
    made = {kind for kind, node in there.items() if node.GetAttribute(names.SYNTHESIS)}
    files = {kind: node.GetAttribute(names.FINGERPRINT) for kind, node in there.items()}
    new = [(k, i) for k, i in wanted if k not in made and files.get(k) != _fingerprint(i)]
    if not new:
        return find_acquisition(scene, key, acquisition.name)
    # All pixels are read before the scene is touched.
    pixels, notes, warnings = _read(acquisition, new)
    if not pixels and not there:
        raise SceneError(f"No image of the acquisition {acquisition.name} can be shown. {' '.join(warnings)}")
    for kind, image in new:
        if kind not in pixels:
            continue
        values = pixels[kind]
        grid = PixelGrid(values.shape[0], values.shape[1], _spacing(acquisition, image))
        described = _attributes(key, acquisition, image, study_uid) | notes.get(kind, _NOT_MOVED)
        if kind in there:
            set_image(there[kind], values, grid)
            set_window(there[kind], image.window)
            for attribute, value in described.items():
                there[kind].SetAttribute(attribute, value)
        else:
            add_volume(scene, LABELS[kind].format(acquisition.name), values, grid, image.window, described)
    return find_acquisition(scene, key, acquisition.name, tuple(warnings))


def _volumes(scene: "vtkMRMLScene") -> "list[vtkMRMLScalarVolumeNode]":
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode") for i in range(count)]
    return [node for node in nodes if node.GetAttribute(names.ACQUISITION)]


def _by_kind(scene: "vtkMRMLScene", key: str) -> "list[tuple[ImageKind, vtkMRMLScalarVolumeNode | None]]":
    found = find_acquisition(scene, key)
    return list(zip(SHOWN_KINDS, (found.low_energy, found.recombined, found.synthetic), strict=True))


def _read(
    acquisition: Acquisition, wanted: list[tuple[ImageKind, CEMImage]]
) -> tuple[dict[ImageKind, FloatImage], dict[ImageKind, dict[str, str]], list[str]]:
    """Pixels by kind, attributes about registration by kind, and sentences about what could not be read."""
    pixels: dict[ImageKind, FloatImage] = {}
    notes: dict[ImageKind, dict[str, str]] = {}
    warnings: list[str] = []
    low = acquisition.low_energy
    for kind, image in wanted:
        try:
            if kind is ImageKind.RECOMBINED and low is not None and not _on_one_grid(low, image):
                # Imported here: SimpleITK takes half a second, and DICOM pairs do not need it.
                from CEMSynthLib.study.registration import on_low_energy_grid

                pair = on_low_energy_grid(acquisition)
                if pair.recombined is not None:
                    pixels[kind] = pair.recombined
                    notes[kind] = {names.REGISTRATION: pair.note, names.REACH: _reach(pair.covered)}
                else:
                    warnings.append(f"{image.path.name}: {pair.note}")
            elif kind is ImageKind.SYNTHETIC and low is not None and image.grid.shape != low.grid.shape:
                warnings.append(
                    f"The synthetic image {image.path.name} has another matrix than {low.path.name}, so it is not "
                    "shown; synthesize it again from this study."
                )
            else:
                pixels[kind] = image.pixels()
        except UnreadableImageError as error:
            warnings.append(str(error))
    return pixels, notes, warnings


def _reach(covered: Mask | None) -> str:
    """The value of `names.REACH`; ``covered`` is a rectangle, since images are scaled and shifted only."""
    if covered is None or not covered.any():
        return ""
    rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
    return f"{rows[0]} {rows[-1] + 1} {columns[0]} {columns[-1] + 1}"


def _on_one_grid(low: CEMImage, recombined: CEMImage) -> bool:
    return None not in (low.sop_instance_uid, recombined.sop_instance_uid) and low.grid.shape == recombined.grid.shape


def _spacing(acquisition: Acquisition, image: CEMImage) -> tuple[float, float] | None:
    """The low-energy image's: everything is shown on its grid, so that the slice views stay linked."""
    return (acquisition.low_energy or image).grid.spacing_mm


def _attributes(key: str, acquisition: Acquisition, image: CEMImage, study_uid: str | None) -> dict[str, str]:
    return {
        names.KIND: image.kind.value,
        names.ACQUISITION: key,
        names.NAME: acquisition.name,
        names.STUDY_UID: study_uid or "",
        names.SOP_INSTANCE_UID: image.sop_instance_uid or "",
        names.SOURCE_SOP_INSTANCE_UID: str(image.attributes.get("SourceSOPInstanceUID", "")),
        names.UNITS: names.FILE_UNITS if image.sop_instance_uid is None else names.MODALITY_UNITS,
        names.CHEST_WALL: image.chest_wall.value if image.chest_wall else "",
        names.FINGERPRINT: _fingerprint(image),
        names.SIMULATED: _simulated(image),
        # DICOM is known by its UID; names of DICOM files can name the patient.
        names.SOURCE_FILE: image.path.name if image.sop_instance_uid is None else "",
        **exposure_attributes(image),
    }


def _simulated(image: CEMImage) -> str:
    # Synthetic Data (0008,001C) is YES for both, simulated and synthesized images.
    made = image.attributes.get("SyntheticData") == "YES" and image.kind is not ImageKind.SYNTHETIC
    return "yes" if made else "no"


def _fingerprint(image: CEMImage) -> str:
    status = _status(image.path)
    return hashlib.sha256(f"{image.path}|{status.st_size}|{status.st_mtime_ns}".encode()).hexdigest()[:16]


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _gone(path) from error


def _gone(path: Path) -> SceneError:
    return SceneError(f"{path.name} cannot be read any more: it was moved, deleted or locked; open the study again.")
