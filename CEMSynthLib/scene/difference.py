"""Difference: synthetic minus clinical image in the units of the clinical one, zero in the middle of its colors."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.diverging import diverging_colors
from CEMSynthLib.scene.hierarchy import unlist
from CEMSynthLib.scene.label import NAME_PREFIX
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.pixels import pixels_of
from CEMSynthLib.scene.shared_window import map_to_synthetic
from CEMSynthLib.study.model import FloatImage

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeDisplayNode, vtkMRMLScalarVolumeNode, vtkMRMLScene


def find_difference(scene: "vtkMRMLScene", key: str) -> "vtkMRMLScalarVolumeNode | None":
    """The difference image of an acquisition that a scene holds."""
    return next((node for node in _differences(scene) if node.GetAttribute(names.DIFFERENCE_OF) == key), None)


def difference_volume(scene: "vtkMRMLScene", volumes: AcquisitionVolumes) -> "vtkMRMLScalarVolumeNode | None":
    """Bring the difference image of an acquisition into the scene, up to date.

    It is not saved with the scene: it is made again from the two images when it is shown.

    Returns
    -------
    vtkMRMLScalarVolumeNode or None
        ``None`` where there is no clinical or no synthetic image, or their matrices differ.
    """
    clinical, synthetic = volumes.recombined, volumes.synthetic
    if clinical is None or synthetic is None:
        return None
    node = find_difference(scene, volumes.key)
    made_of = " ".join(f"{n.GetID()} {n.GetImageData().GetMTime()}" for n in (clinical, synthetic))
    if node is not None and node.GetAttribute(names.FINGERPRINT) == made_of:
        return node
    values = difference_of(clinical, synthetic)
    if values is None:
        return None
    if node is None:
        node = _new_node(scene, volumes, clinical)
    _set_values(node, values, clinical)
    node.SetAttribute(names.FINGERPRINT, made_of)
    return node


def remove_differences(scene: "vtkMRMLScene", but: Collection[str]) -> None:
    """Remove the difference images of all acquisitions but those of some keys; each takes as much room as an image.

    They are made again when they are shown.
    """
    for node in _differences(scene):
        if node.GetAttribute(names.DIFFERENCE_OF) not in but:
            scene.RemoveNode(node)


def unlist_differences(scene: "vtkMRMLScene") -> None:
    """Take the difference images out of the subject hierarchy: Slicer lists what is not there after each import."""
    for node in _differences(scene):
        unlist(scene, node)


def difference_of(clinical: "vtkMRMLScalarVolumeNode", synthetic: "vtkMRMLScalarVolumeNode") -> FloatImage | None:
    """Synthetic minus clinical pixels, in the units of the clinical image.

    Gray levels of image files have no unit: there the synthetic image is first brought to the clinical one's gray
    levels by laying the two VOI windows on each other, as `SharedWindow` shows them.

    Returns
    -------
    ndarray of float32, shape (rows, columns), or None
        0 where a clinical image that was brought to another grid does not reach; ``None`` where the matrices differ.
    """
    first, second = pixels_of(clinical), pixels_of(synthetic)
    if first is None or second is None or first.shape != second.shape:
        return None
    first, second = first.astype(np.float32), second.astype(np.float32)
    scale, shift = map_to_synthetic(clinical, synthetic)
    values = np.asarray((second - shift) / scale - first, dtype=np.float32)
    reach = [int(part) for part in (clinical.GetAttribute(names.REACH) or "").split()]
    if len(reach) == 4:
        top, bottom, left, right = reach
        values[:top], values[bottom:], values[:, :left], values[:, right:] = 0, 0, 0, 0
    return values


class CenteredWindow:
    """Keeps zero in the middle of a difference image's colors, whatever window the user drags.

    Parameters
    ----------
    volume
        A difference image with its display node.
    """

    def __init__(self, volume: "vtkMRMLScalarVolumeNode") -> None:
        self.volume = volume
        self._observations = Observations()
        self._observations.add(volume.GetDisplayNode(), "ModifiedEvent", self._center)
        self._center(volume.GetDisplayNode())

    def release(self) -> None:
        """Stop."""
        self._observations.remove()

    def _center(self, display: "vtkMRMLScalarVolumeDisplayNode") -> None:
        if display.GetAutoWindowLevel() or display.GetLevel() != 0:
            half = display.GetWindow() / 2
            before = display.StartModify()
            display.SetAutoWindowLevel(False)
            display.SetWindowLevelMinMax(-half, half)
            display.EndModify(before)


def _differences(scene: "vtkMRMLScene") -> "list[vtkMRMLScalarVolumeNode]":
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode") for index in range(count)]
    return [node for node in nodes if node.GetAttribute(names.KIND) == names.DIFFERENCE_KIND]


def _new_node(
    scene: "vtkMRMLScene", volumes: AcquisitionVolumes, clinical: "vtkMRMLScalarVolumeNode"
) -> "vtkMRMLScalarVolumeNode":
    import slicer

    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName(scene.GenerateUniqueName(f"{NAME_PREFIX} {volumes.name} difference"))
    node.SetAttribute(names.KIND, names.DIFFERENCE_KIND)
    node.SetAttribute(names.DIFFERENCE_OF, volumes.key)
    for name in (names.SPACING_KNOWN, names.CHEST_WALL, names.UNITS):
        node.SetAttribute(name, clinical.GetAttribute(name) or "")
    node.SetSaveWithScene(False)
    _set_values(node, np.zeros((1, 1), np.float32), clinical)
    node = scene.AddNode(node)
    # Desktop Slicer has listed it. Hidden from editors instead, the selectors of the slice views would drop it.
    unlist(scene, node)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetAndObserveColorNodeID(diverging_colors(scene).GetID())
    display.SetAutoWindowLevel(False)
    low, high = names.window_of(clinical) or (-1.0, 1.0)
    # Half of the clinical window to either side: a difference of half the shown range is full color.
    display.SetWindowLevelMinMax(-(high - low) / 2, (high - low) / 2)
    return node


def _set_values(node: "vtkMRMLScalarVolumeNode", values: FloatImage, clinical: "vtkMRMLScalarVolumeNode") -> None:
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(values.shape[1], values.shape[0], 1)
    scalars = numpy_to_vtk(values.ravel(), deep=True)
    scalars.SetName("ImageScalars")
    image.GetPointData().SetScalars(scalars)
    node.CopyOrientation(clinical)
    node.SetAndObserveImageData(image)
