"""Synthetic volume: a synthetic image enters the scene beside the low-energy image that it was made from."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.volumes import add_volume, set_image, set_window
from CEMSynthLib.study.model import FloatImage, ImageKind, PixelGrid, VOIWindow

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene

#: What a synthetic volume has from its low-energy image.
_INHERITED = (names.ACQUISITION, names.NAME, names.STUDY_UID, names.UNITS, names.CHEST_WALL)


@dataclass(frozen=True)
class LowEnergyInput:
    """All that a generator gets to see: float32 pixels (rows, columns), their window, and spacing in mm or ``None``."""

    pixels: FloatImage
    window: VOIWindow
    spacing_mm: tuple[float, float] | None


@dataclass(frozen=True)
class SyntheticRecord:
    """How a synthetic image was made, in plain values that are saved with its volume.

    Parameters
    ----------
    model_name, model_version, model_sha256, training_data, intended_use, held_out, simulated_only
        From the model card.
    training_range
        ``inside`` or ``outside`` the range of the training images, or ``not known``.
    warnings
        Sentences for the user.
    device, device_reason
        Where it was computed, and why there.
    seconds
        Wall time.
    created
        ISO 8601, local time.
    """

    model_name: str
    model_version: str
    model_sha256: str
    training_data: str
    intended_use: str
    held_out: str
    simulated_only: bool
    training_range: str
    warnings: tuple[str, ...]
    device: str
    device_reason: str
    seconds: float
    created: str


def low_energy_input(node: "vtkMRMLScalarVolumeNode | None") -> LowEnergyInput:
    """Copy what a generator needs out of a low-energy volume.

    Raises
    ------
    SceneError
        The node is no low-energy volume with pixels.
    """
    image = node.GetImageData() if node is not None else None
    if node is None or image is None or names.kind_of(node) is not ImageKind.LOW_ENERGY:
        raise SceneError("This acquisition has no low-energy image, so no synthetic image can be made of it.")
    from vtk.util.numpy_support import vtk_to_numpy

    columns, rows, _ = image.GetDimensions()
    pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns).astype(np.float32)
    low, high = names.window_of(node) or (float(pixels.min()), float(pixels.max()) + 1.0)
    function = node.GetAttribute(names.WINDOW_FUNCTION) or "LINEAR"
    # Quantiles set the gray scale of a generator: of a window only the curve of a SIGMOID matters.
    window = VOIWindow((low + high) / 2, high - low, "SIGMOID" if function == "SIGMOID" else "LINEAR_EXACT")
    column, row, _ = node.GetSpacing()
    return LowEnergyInput(pixels, window, (row, column) if node.GetAttribute(names.SPACING_KNOWN) == "yes" else None)


def add_synthetic(
    low_energy: "vtkMRMLScalarVolumeNode", pixels: NDArray[Any], window: VOIWindow, record: SyntheticRecord
) -> "vtkMRMLScalarVolumeNode":
    """Put a synthetic image into the scene of its low-energy image.

    Made again with the same weights it replaces the pixels of the volume made before, so that views and regions stay.
    A volume of other weights or from a file is never touched: the new one is added, and is the one that is shown.

    Parameters
    ----------
    low_energy
        The volume it was made from.
    pixels
        Shape (rows, columns) of the low-energy image.
    window
        The window to show it with.
    record
        How it was made.

    Returns
    -------
    vtkMRMLScalarVolumeNode
        Named ``SYNTHETIC ...``, beside its source in the subject hierarchy.

    Raises
    ------
    SceneError
        The pixels do not have the shape of the low-energy image, or that one is no longer in a scene.
    """
    scene = low_energy.GetScene()
    if scene is None:
        raise SceneError("The low-energy image was removed from the scene, so its synthetic image was left out.")
    columns, rows, _ = low_energy.GetImageData().GetDimensions()
    column, row, _ = low_energy.GetSpacing()
    known = low_energy.GetAttribute(names.SPACING_KNOWN) == "yes"
    grid = PixelGrid(rows, columns, (row, column) if known else None)
    others = synthetic_volumes(scene, low_energy.GetAttribute(names.ACQUISITION) or "")
    again = next(
        (n for n in others if _made_here(n) and n.GetAttribute(names.MODEL_SHA256) == record.model_sha256), None
    )
    attributes = _attributes(low_energy, record)
    if again is not None:
        set_image(again, pixels, grid)
        for name, value in attributes.items():
            again.SetAttribute(name, value)
        node = again
    else:
        label = f"SYNTHETIC {low_energy.GetAttribute(names.NAME) or '?'} iodine"
        node = add_volume(scene, label, pixels, grid, window, attributes)
        set_window(node, window)
        _place_beside(scene, node, low_energy)
    make_current(node)
    return node


def synthetic_volumes(scene: "vtkMRMLScene", key: str) -> "list[vtkMRMLScalarVolumeNode]":
    """All synthetic volumes of one acquisition."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode") for i in range(count)]
    return [
        n for n in nodes if names.kind_of(n) is ImageKind.SYNTHETIC and key and n.GetAttribute(names.ACQUISITION) == key
    ]


def make_current(node: "vtkMRMLScalarVolumeNode") -> None:
    """Of several synthetic volumes of one acquisition, let this one be shown and measured."""
    for other in synthetic_volumes(node.GetScene(), node.GetAttribute(names.ACQUISITION) or ""):
        other.SetAttribute(names.SUPERSEDED, "no" if other is node else "yes")


def record_of(node: "vtkMRMLScalarVolumeNode | None") -> SyntheticRecord | None:
    """How a volume was made; ``None`` for volumes that no generator made in a scene (such as those from files)."""
    if node is None or not _made_here(node):
        return None
    try:
        fields = json.loads(node.GetAttribute(names.SYNTHESIS))
        return SyntheticRecord(**{**fields, "warnings": tuple(fields["warnings"])})
    except (ValueError, TypeError, KeyError):
        return None  # written by a later version


def _made_here(node: "vtkMRMLScalarVolumeNode") -> bool:
    return bool(node.GetAttribute(names.SYNTHESIS))


def _attributes(low_energy: "vtkMRMLScalarVolumeNode", record: SyntheticRecord) -> dict[str, str]:
    inherited = {name: low_energy.GetAttribute(name) or "" for name in _INHERITED}
    return inherited | {
        names.KIND: ImageKind.SYNTHETIC.value,
        names.SOURCE_SOP_INSTANCE_UID: low_energy.GetAttribute(names.SOP_INSTANCE_UID) or "",
        names.SIMULATED: "no",
        names.MODEL_NAME: record.model_name,
        names.MODEL_VERSION: record.model_version,
        names.MODEL_SHA256: record.model_sha256,
        names.TRAINING_RANGE: record.training_range,
        names.SYNTHESIS: json.dumps(asdict(record)),
    }


def _place_beside(
    scene: "vtkMRMLScene", node: "vtkMRMLScalarVolumeNode", low_energy: "vtkMRMLScalarVolumeNode"
) -> None:
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    source = hierarchy.GetItemByDataNode(low_energy)
    parent = hierarchy.GetItemParent(source) if source else hierarchy.GetSceneItemID()
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, parent)
    else:
        # Desktop Slicer makes items by itself, slicer-core does not.
        hierarchy.CreateItem(parent, node)
