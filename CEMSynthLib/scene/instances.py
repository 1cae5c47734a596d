"""Instances: one file of a study as a volume, with everything that its acquisition says about it."""

from pathlib import Path
from typing import TYPE_CHECKING

from CEMSynthLib.scene.acquisitions import LABELS, SHOWN_KINDS, load_acquisition
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.study.model import Acquisition, CEMImage, CEMStudy, ImageKind, StudyFolder
from CEMSynthLib.study.synthetic import synthetic_of

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene


def instances(found: StudyFolder) -> list[tuple[CEMStudy, Acquisition, CEMImage]]:
    """The images that can be shown as volumes: low energy and clinical images of CEM acquisitions, synthetic images.

    A low-energy image without its recombined image is left out where no acquisition of its study has one: it looks
    like any other mammogram.
    """
    listed = []
    for study in found.studies:
        contrast = any(a.recombined is not None for a in study.acquisitions) or bool(study.synthetic)
        for acquisition in study.acquisitions if contrast else ():
            made = synthetic_of(acquisition, study.synthetic)
            images = (acquisition.low_energy, acquisition.recombined, made)
            listed += [(study, acquisition, image) for image in images if image is not None]
    return listed


def instance_name(acquisition: Acquisition, image: CEMImage) -> str:
    """``"R CC low energy"``; a synthetic image says so first."""
    return LABELS[image.kind].format(acquisition.name)


def load_instance(scene: "vtkMRMLScene", found: StudyFolder, path: Path) -> "vtkMRMLScalarVolumeNode":
    """Bring one file of a study into a scene, as `load_acquisition` would.

    Parameters
    ----------
    scene
        The scene.
    found
        The study that the file belongs to, read as a whole: images are paired in it.
    path
        The file.

    Raises
    ------
    SceneError
        The file is no image of a CEM acquisition, or cannot be read.
    """
    for study, acquisition, image in instances(found):
        if image.path == path:
            synthetic = image if image.kind is ImageKind.SYNTHETIC else None
            loaded = load_acquisition(scene, acquisition, synthetic, study.study_uid, only=path)
            node = dict(zip(SHOWN_KINDS, loaded.nodes, strict=True))[image.kind]
            if node is None:
                raise SceneError(" ".join(loaded.warnings))
            return node
    raise SceneError(f"{path.name} is no image of a contrast-enhanced mammography.")
