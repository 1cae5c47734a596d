"""Views: a region is seen in the slice views that show an image of its acquisition, and nowhere else."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from CEMSynthLib.scene import attributes as names

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsNode, vtkMRMLScene, vtkMRMLSliceCompositeNode


def composites_in(scene: "vtkMRMLScene") -> "list[vtkMRMLSliceCompositeNode]":
    """What the slice views of a scene show."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")
    return [scene.GetNthNodeByClass(i, "vtkMRMLSliceCompositeNode") for i in range(count)]


def shown_acquisition(composite: "vtkMRMLSliceCompositeNode") -> str:
    """Key of the acquisition whose image a slice view shows; empty if none."""
    scene = composite.GetScene()
    for volume_id in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()):
        node = scene.GetNodeByID(volume_id) if scene is not None and volume_id else None
        if names.acquisition_of(node):
            return names.acquisition_of(node)
    return ""


def views_by_acquisition(scene: "vtkMRMLScene") -> dict[str, list[str]]:
    """IDs of the slice nodes that show each acquisition."""
    found: dict[str, list[str]] = {}
    slices = {}
    for i in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
        node = scene.GetNthNodeByClass(i, "vtkMRMLSliceNode")
        slices[node.GetLayoutName()] = node.GetID()
    for composite in composites_in(scene):
        key, view = shown_acquisition(composite), slices.get(composite.GetLayoutName())
        if key and view is not None:
            found.setdefault(key, []).append(view)
    return found


def show_in_views(node: "vtkMRMLMarkupsNode", views: Mapping[str, list[str]], acquisition: str) -> None:
    """Show a markups node in the slice views of its acquisition; whether the user has hidden it stays as it is."""
    display = node.GetDisplayNode()
    if display is None:
        return
    wanted = views.get(acquisition, [])
    # An empty list would mean every view.
    if list(display.GetViewNodeIDs()) != wanted and wanted:
        before = display.StartModify()
        display.RemoveAllViewNodeIDs()
        for view in wanted:
            display.AddViewNodeID(view)
        display.EndModify(before)
    if bool(display.GetVisibility2D()) != bool(wanted):
        display.SetVisibility2D(bool(wanted))
