"""Compare work: what is saved of how images are compared: choices, and the windows of the images."""

from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.panels.compare_widgets import SWITCHES
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes, acquisitions_in
from CEMSynthLib.scene.comparison_state import ComparisonState
from CEMSynthLib.scene.layout import Content, Layout

if TYPE_CHECKING:
    from slicer import vtkMRMLScene

#: Key of an acquisition and kind of an image: what is shown as black and as white.
Windows = dict[str, dict[str, list[float]]]


def choices_of(state: ComparisonState) -> dict[str, Any]:
    """The user's choices in JSON's values."""
    return {
        "layout": state.layout.name,
        "content": state.content.name,
        "fade": state.fade,
        **{name: getattr(state, name) for name in SWITCHES},
    }


def known_choices(work: dict[str, Any]) -> dict[str, Any]:
    """The choices that this version knows."""
    found: dict[str, Any] = {name: bool(work[name]) for name in SWITCHES if name in work}
    if work.get("layout") in Layout.__members__:
        found["layout"] = Layout[work["layout"]]
    if work.get("content") in Content.__members__:
        found["content"] = Content[work["content"]]
    if isinstance(work.get("fade"), (int, float)):
        found["fade"] = min(max(float(work["fade"]), 0.0), 1.0)
    return found


def windows_in(scene: "vtkMRMLScene") -> Windows:
    """The windows of all images of a scene that differ from the images' own."""
    found: Windows = {}
    for volumes in acquisitions_in(scene):
        for node in volumes.nodes:
            display = node.GetDisplayNode() if node is not None else None
            if node is None or display is None:
                continue
            shown = (display.GetWindowLevelMin(), display.GetWindowLevelMax())
            if shown != names.window_of(node):
                found.setdefault(volumes.key, {})[str(node.GetAttribute(names.KIND))] = list(shown)
    return found


def known_windows(work: dict[str, Any]) -> Windows:
    """The windows that saved work tells; what makes no sense is left out."""
    given = work.get("windows")
    found: Windows = {}
    for key, kinds in given.items() if isinstance(given, dict) else ():
        for kind, pair in kinds.items() if isinstance(kinds, dict) else ():
            numbers = isinstance(pair, list) and all(isinstance(value, int | float) for value in pair)
            if numbers and len(pair) == 2 and pair[0] < pair[1]:
                found.setdefault(key, {})[kind] = [float(value) for value in pair]
    return found


def show_windows(volumes: AcquisitionVolumes, windows: Windows) -> None:
    """Show the images of an acquisition with saved windows."""
    for node in volumes.nodes:
        pair = windows.get(volumes.key, {}).get(str(node.GetAttribute(names.KIND))) if node is not None else None
        if node is not None and pair is not None:
            display = node.GetDisplayNode()
            before = display.StartModify()
            display.SetAutoWindowLevel(False)
            display.SetWindowLevelMinMax(*pair)
            display.EndModify(before)
