"""Compare: which images a slice view shows, and which views are linked."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.layout import VIEW_GROUP, Content

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceLogic

#: Image in the background, image in the foreground, opacity of the foreground.
Layers = tuple["vtkMRMLScalarVolumeNode | None", "vtkMRMLScalarVolumeNode | None", float]


def layers_of(
    volumes: AcquisitionVolumes | None,
    content: Content,
    fade: float = 1.0,
    difference: "vtkMRMLScalarVolumeNode | None" = None,
) -> Layers:
    """The layers of a slice view.

    Parameters
    ----------
    volumes
        The acquisition; ``None`` empties the view.
    content
        What it shows.
    fade
        Views of the synthetic image fade over from the clinical one: 0 clinical, 1 synthetic.
    difference
        The acquisition's difference image.
    """
    if volumes is None:
        return None, None, 0.0
    if content is Content.SYNTHETIC and fade < 1 and volumes.recombined is not None and volumes.synthetic is not None:
        return volumes.recombined, volumes.synthetic, fade
    image = {
        Content.LOW_ENERGY: volumes.low_energy,
        Content.RECOMBINED: volumes.recombined,
        Content.SYNTHETIC: volumes.synthetic,
        Content.DIFFERENCE: difference,
    }[content]
    return image, None, 0.0


def show_layers(logic: "vtkMRMLSliceLogic", layers: Layers) -> None:
    """Show images in a slice view; a label volume of the user's stays while the acquisition is the same."""
    slice_node, composite = logic.GetSliceNode(), logic.GetSliceCompositeNode()
    slice_node.SetViewGroup(VIEW_GROUP)
    background, foreground, opacity = layers
    number = composite.GetBackgroundVolumeID()
    shown = composite.GetScene().GetNodeByID(number) if number else None
    before = composite.StartModify()
    if names.acquisition_of(shown) != names.acquisition_of(background):
        composite.SetLabelVolumeID(None)
    # Else a volume that is loaded later, by any module, would replace the compared images.
    composite.SetDoPropagateVolumeSelection(False)
    # Alpha blending: a saved scene or the user may have set adding or subtracting.
    composite.SetCompositing(composite.Alpha)
    composite.SetBackgroundVolumeID(background.GetID() if background is not None else None)
    composite.SetForegroundVolumeID(foreground.GetID() if foreground is not None else None)
    composite.SetForegroundOpacity(opacity)
    composite.EndModify(before)


def link_views(logics: "Iterable[vtkMRMLSliceLogic]", linked: bool = True) -> None:
    """Link zoom and pan of the views, while the user drags too, but never which images they show.

    Linked views also broadcast the images and the opacity that the user picks in one of them: those flags are removed.
    """
    for logic in logics:
        composite = logic.GetSliceCompositeNode()
        composite.SetLinkedControl(linked)
        composite.SetHotLinkedControl(linked)
        own = composite.BackgroundVolumeFlag | composite.ForegroundVolumeFlag | composite.ForegroundOpacityFlag
        composite.SetInteractionFlagsModifier(composite.GetInteractionFlagsModifier() & ~own)
