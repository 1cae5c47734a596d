"""Halo nodes: the nodes that belong to the halo of one acquisition, found again by role after a scene was loaded."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene import attributes as names

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScene

#: Roles, values of `names.HALO`.
EDGE, LINE = "skin edge", "line"
NUMBERS, PROFILE, MARKS, SERIES, CHART = "numbers", "profile", "marks", "series", "chart"
DISTANCE, SECTORS, COLORS = "distance", "sectors", "colors"
#: Put before the roles of the tables and the chart of a line laid by hand.
OF_LINE = "line "
# Color and size of the points.
_STYLES = {EDGE: ((1.0, 0.9, 0.2), 1.6), LINE: ((1.0, 1.0, 1.0), 2.0)}


def nodes_of(scene: "vtkMRMLScene", key: str | None, role: str, kind: str) -> "Iterator[vtkMRMLNode]":
    """The nodes of a class with a role, of one acquisition or of all.

    Parameters
    ----------
    scene
        The scene.
    key
        Of the acquisition; ``None`` for all.
    role
        The role, or its first words.
    kind
        A MRML class.
    """
    found = [scene.GetNthNodeByClass(i, kind) for i in range(scene.GetNumberOfNodesByClass(kind))]
    for node in found:
        here = node.GetAttribute(names.HALO) or ""
        if (here == role or here.startswith(f"{role} ")) and key in (None, node.GetAttribute(names.ACQUISITION)):
            yield node


def find_node(scene: "vtkMRMLScene", key: str, role: str, kind: str) -> Any:
    """The node with exactly this role, ``None`` where there is none."""
    return next((n for n in nodes_of(scene, key, role, kind) if n.GetAttribute(names.HALO) == role), None)


def ensure_node(scene: "vtkMRMLScene", key: str, role: str, kind: str, name: str, temporary: bool = False) -> Any:
    """The node with this role, made where there is none; a temporary one is neither saved nor listed."""
    node = find_node(scene, key, role, kind)
    if node is None:
        node = scene.CreateNodeByClass(kind)
        # AddNode takes a reference of its own.
        node.UnRegister(None)
        node.SetName(name)
        node.SetAttribute(names.HALO, role)
        node.SetAttribute(names.ACQUISITION, key)
        if temporary:
            # Before it is added: Slicer lists a node then or never, and saves its place in the list without the node.
            node.SetSaveWithScene(False)
            node.SetHideFromEditors(True)
        node = scene.AddNode(node)
    return node


def remove_nodes(scene: "vtkMRMLScene", key: str | None, role: str, kind: str) -> None:
    """Remove nodes with their display and storage nodes."""
    for node in list(nodes_of(scene, key, role, kind)):
        displays = displays_of(node)
        scene.RemoveNode(node)
        for display in displays:
            scene.RemoveNode(display)


def displays_of(node: Any) -> list[Any]:
    """The display nodes of a node; empty for one that is not displayed."""
    if not node.IsA("vtkMRMLDisplayableNode"):
        return []
    found = [node.GetNthDisplayNode(i) for i in range(node.GetNumberOfDisplayNodes())]
    return [display for display in found if display is not None]


def nodes_of_acquisition(scene: "vtkMRMLScene", key: str) -> list[Any]:
    """The volumes of an acquisition."""
    found = [
        scene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode")
        for i in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"))
    ]
    return [node for node in found if node.GetAttribute(names.ACQUISITION) == key]


def style_drawn(node: Any, role: str) -> None:
    """Thin lines, small handles and no text over the image for a skin edge or a line; hidden until it is tied."""
    color, points = _STYLES[role]
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetVisibility(False)
    display.SetSelectedColor(*color)
    display.SetColor(*color)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    display.SetGlyphScale(points)
    display.SetCurveLineSizeMode(display.UseLineThickness)
