"""Diverging: the colors of a difference image, blue below zero, black at zero, orange above.

Blue and orange are told apart by readers with any of the three kinds of color blindness, as both also differ in
brightness from black by the same amount; black in the middle keeps air dark, as in the other images.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slicer import vtkMRMLColorTableNode, vtkMRMLScene

NAME = "CEMSynth difference"
SIZE = 255
_BELOW = (0.36, 0.72, 1.0)
_ABOVE = (1.0, 0.62, 0.10)


def color_at(part: float) -> tuple[float, float, float]:
    """Red, green, blue (0 to 1) of a part of the range: -1 lowest, 0 zero, 1 highest."""
    red, green, blue = _ABOVE if part > 0 else _BELOW
    strength = min(abs(part), 1.0)
    return red * strength, green * strength, blue * strength


def diverging_colors(scene: "vtkMRMLScene") -> "vtkMRMLColorTableNode":
    """The color table of difference images; made when first asked for, never saved with the scene."""
    import slicer

    found = scene.GetFirstNode(NAME, "vtkMRMLColorTableNode")
    if found is not None:
        return found
    node = slicer.vtkMRMLColorTableNode()
    node.SetTypeToUser()
    node.SetName(NAME)
    # An odd number, so that one color is exactly zero.
    node.SetNumberOfColors(SIZE)
    for index in range(SIZE):
        part = 2 * index / (SIZE - 1) - 1
        node.SetColor(index, f"{part:+.2f}", *color_at(part), 1.0)
    node.SetAttribute("Category", "CEMSynth")
    node.SetHideFromEditors(False)
    node.SetSaveWithScene(False)
    return scene.AddNode(node)
