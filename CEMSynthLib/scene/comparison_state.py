"""Comparison state: how the user compares, kept in a node of the scene, so that it is saved with it."""

from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene.layout import Content, Layout

if TYPE_CHECKING:
    from slicer import vtkMRMLScene, vtkMRMLScriptedModuleNode

_TAG = "CEMSynthComparison"


@dataclass(frozen=True)
class ComparisonState:
    """What the user chose.

    Parameters
    ----------
    layout
        How the slice views are arranged.
    content
        What the large view and the hanging views show.
    fade
        Views of the synthetic image fade over from the clinical one: 0 clinical, 1 synthetic.
    linked
        Zoom and pan of the views go together.
    inverted
        Black and white are exchanged.
    cursor
        The place under the mouse is marked in the other views.
    ruler
        A scale bar is shown: mm where the spacing is known, pixels else.
    corner
        Name, minutes since injection, thickness and kVp are shown in the corner.
    """

    layout: Layout = Layout.LOW_CLINICAL_SYNTHETIC
    content: Content = Content.SYNTHETIC
    fade: float = 1.0
    linked: bool = True
    inverted: bool = False
    cursor: bool = False
    ruler: bool = False
    corner: bool = False


def read_state(scene: "vtkMRMLScene") -> ComparisonState:
    """The state that a scene holds; defaults for what it does not hold, or holds in words of another version."""
    node = scene.GetSingletonNode(_TAG, "vtkMRMLScriptedModuleNode")
    if node is None:
        return ComparisonState()
    found: dict[str, Any] = {}
    for field in fields(ComparisonState):
        value = _value(node.GetParameter(field.name), field.default)
        if value is not None:
            found[field.name] = value
    return ComparisonState(**found)


def write_state(scene: "vtkMRMLScene", state: ComparisonState) -> None:
    """Keep the state in the scene."""
    node = scene.GetSingletonNode(_TAG, "vtkMRMLScriptedModuleNode") or _new_node(scene)
    before = node.StartModify()
    for field in fields(ComparisonState):
        node.SetParameter(field.name, _text(getattr(state, field.name)))
    node.EndModify(before)


def _new_node(scene: "vtkMRMLScene") -> "vtkMRMLScriptedModuleNode":
    import slicer

    node = slicer.vtkMRMLScriptedModuleNode()
    node.SetSingletonTag(_TAG)
    node.SetName(_TAG)
    return scene.AddNode(node)


def _text(value: Any) -> str:
    return value.name if isinstance(value, Enum) else str(value)


def _value(text: str, default: Any) -> Any:
    """The value that a text stands for, of the type of the default; ``None`` if it stands for none."""
    if isinstance(default, Enum):
        return next((member for member in type(default) if member.name == text), None)
    if isinstance(default, bool):
        return {"True": True, "False": False}.get(text)
    try:
        value = float(text)
    except ValueError:
        return None
    return min(max(value, 0.0), 1.0) if value == value else None
