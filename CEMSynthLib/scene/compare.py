"""Compare: which slice view shows which image, linked zoom and pan, one field of view."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.layout import VIEW_GROUP, VIEW_TAGS
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceLogic

#: Slice logics by singleton tag (`VIEW_TAGS`).
SliceLogics = Mapping[str, "vtkMRMLSliceLogic"]


def show_acquisition(logics: SliceLogics, volumes: AcquisitionVolumes) -> None:
    """Show each image of an acquisition in its slice view, and nothing else there.

    Parameters
    ----------
    logics
        Of the views that are there; a missing one is left out.
    volumes
        The acquisition; the view of a missing image becomes empty.
    """
    nodes = {
        ImageKind.LOW_ENERGY: volumes.low_energy,
        ImageKind.RECOMBINED: volumes.recombined,
        ImageKind.SYNTHETIC: volumes.synthetic,
    }
    for kind, tag in VIEW_TAGS.items():
        logic = logics.get(tag)
        if logic is not None:
            _show(logic, nodes[kind])


def _show(logic: "vtkMRMLSliceLogic", node: "vtkMRMLScalarVolumeNode | None") -> None:
    slice_node, composite = logic.GetSliceNode(), logic.GetSliceCompositeNode()
    slice_node.SetViewGroup(VIEW_GROUP)
    slice_node.SetOrientation("Axial")
    # Else a volume that is loaded later, by any module, would replace the compared images.
    composite.SetDoPropagateVolumeSelection(False)
    composite.SetForegroundVolumeID(None)
    composite.SetLabelVolumeID(None)
    composite.SetBackgroundVolumeID(node.GetID() if node is not None else None)


def link_views(logics: SliceLogics, linked: bool = True) -> None:
    """Link zoom and pan of the views, while the user drags too, but never which image they show.

    Linked views also broadcast the background volume that the user picks in one of them: that flag is removed.
    """
    for logic in logics.values():
        composite = logic.GetSliceCompositeNode()
        composite.SetLinkedControl(linked)
        composite.SetHotLinkedControl(linked)
        composite.SetInteractionFlagsModifier(composite.GetInteractionFlagsModifier() & ~composite.BackgroundVolumeFlag)


def fit_views(logics: SliceLogics) -> None:
    """Fit the image into the views; all get one field of view, so that they start alike.

    The views must have their final size: in desktop Slicer, process events after a change of the layout.
    """
    shown = [logic for logic in logics.values() if logic.GetSliceCompositeNode().GetBackgroundVolumeID()]
    if not shown:
        return
    for logic in shown:
        logic.FitSliceToBackground()
    # Linked views share the width of their field of view; the largest one shows the whole image in all of them.
    first = max(shown, key=_field_width)
    fov, origin = first.GetSliceNode().GetFieldOfView(), first.GetSliceNode().GetXYZOrigin()
    center = first.GetSliceNode().GetSliceToRAS()
    for logic in logics.values():
        if logic is first:
            continue
        node = logic.GetSliceNode()
        columns, rows = node.GetDimensions()[:2]
        node.GetSliceToRAS().DeepCopy(center)
        node.SetXYZOrigin(*origin)
        node.SetFieldOfView(fov[0], fov[0] * rows / max(columns, 1), fov[2])
        node.UpdateMatrices()


def _field_width(logic: "vtkMRMLSliceLogic") -> float:
    return float(logic.GetSliceNode().GetFieldOfView()[0])
