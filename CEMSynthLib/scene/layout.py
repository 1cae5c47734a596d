"""Layout: the slice views that CEMSynth shows, in five arrangements and one view group of their own."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from CEMSynthLib.study.model import ImageKind, Side

if TYPE_CHECKING:
    from slicer import vtkMRMLLayoutNode

#: Linking and linked cursor stay inside a view group.
VIEW_GROUP = 57


class Content(Enum):
    """What a slice view shows of an acquisition."""

    LOW_ENERGY = "low_energy"
    RECOMBINED = "recombined"
    SYNTHETIC = "synthetic"
    #: Synthetic minus clinical.
    DIFFERENCE = "difference"


class Layout(Enum):
    """How the slice views are arranged; the value is the number of the layout (below 100 they are Slicer's own)."""

    LOW_CLINICAL_SYNTHETIC = 5701
    CLINICAL_SYNTHETIC = 5702
    #: R CC, L CC above R MLO, L MLO, chest walls together.
    HANGING = 5703
    ONE_LARGE = 5704
    CLINICAL_SYNTHETIC_DIFFERENCE = 5705


@dataclass(frozen=True)
class ViewSpec:
    """One slice view of a layout.

    Parameters
    ----------
    tag
        Singleton tag (layout name); a valid JavaScript name too.
    label, color
        Shown in the view's bar.
    content
        What it shows; ``None`` where the user chooses.
    cell
        The acquisition it shows (``"R CC"``); empty where it shows the selected one.
    chest_wall
        The side that the chest wall is put at; ``None`` where the image is centered.
    """

    tag: str
    label: str
    color: str
    content: Content | None = None
    cell: str = ""
    chest_wall: Side | None = None


#: The layout that opens first.
LAYOUT_ID = Layout.LOW_CLINICAL_SYNTHETIC.value
_LOW = ViewSpec("CEMSynthLowEnergy", "LE", "#8C8C8C", Content.LOW_ENERGY)
_CLINICAL = ViewSpec("CEMSynthClinical", "Clin", "#4C9BE8", Content.RECOMBINED)
_SYNTHETIC = ViewSpec("CEMSynthSynthetic", "Syn", "#E8A33D", Content.SYNTHETIC)
_DIFFERENCE = ViewSpec("CEMSynthDifference", "Diff", "#B07AD9", Content.DIFFERENCE)
_ONE = ViewSpec("CEMSynthSingle", "CEM", "#E8A33D")
#: The slice views of each layout, row by row.
VIEWS: dict[Layout, tuple[ViewSpec, ...]] = {
    Layout.LOW_CLINICAL_SYNTHETIC: (_LOW, _CLINICAL, _SYNTHETIC),
    Layout.CLINICAL_SYNTHETIC: (_CLINICAL, _SYNTHETIC),
    # The right breast hangs on the reader's left, its chest wall in the middle.
    Layout.HANGING: tuple(
        ViewSpec(f"CEMSynth{name}{view}", f"{side} {view}", "#7FB069", None, f"{side} {view}", wall)
        for view in ("CC", "MLO")
        for side, name, wall in (("R", "Right", Side.RIGHT), ("L", "Left", Side.LEFT))
    ),
    Layout.ONE_LARGE: (_ONE,),
    Layout.CLINICAL_SYNTHETIC_DIFFERENCE: (_CLINICAL, _SYNTHETIC, _DIFFERENCE),
}
#: Tags of the first layout by kind of image, left to right.
VIEW_TAGS = {
    ImageKind.LOW_ENERGY: _LOW.tag,
    ImageKind.RECOMBINED: _CLINICAL.tag,
    ImageKind.SYNTHETIC: _SYNTHETIC.tag,
}
#: Tags of all slice views of CEMSynth.
ALL_TAGS = tuple(dict.fromkeys(spec.tag for specs in VIEWS.values() for spec in specs))


def layout_xml(layout: Layout = Layout.LOW_CLINICAL_SYNTHETIC) -> str:
    """The layout description in Slicer's XML."""
    items = [_item(spec) for spec in VIEWS[layout]]
    if layout is Layout.HANGING:
        rows = "".join(f'<item><layout type="horizontal">{"".join(items[i : i + 2])}</layout></item>' for i in (0, 2))
        return f'<layout type="vertical">{rows}</layout>'
    return f'<layout type="horizontal" split="true">{"".join(items)}</layout>'


def _item(spec: ViewSpec) -> str:
    return (
        f'<item><view class="vtkMRMLSliceNode" singletontag="{spec.tag}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{spec.label}</property>'
        f'<property name="viewcolor" action="default">{spec.color}</property>'
        f'<property name="viewgroup" action="default">{VIEW_GROUP}</property>'
        "</view></item>"
    )


def layout_of(number: int) -> Layout | None:
    """The layout with a number; ``None`` for Slicer's own."""
    return next((layout for layout in Layout if layout.value == number), None)


def register_layout(layout_node: "vtkMRMLLayoutNode") -> None:
    """Make the layouts known to a layout node; calling it again changes nothing."""
    for layout in Layout:
        if layout_node.IsLayoutDescription(layout.value):
            layout_node.SetLayoutDescription(layout.value, layout_xml(layout))
        else:
            layout_node.AddLayoutDescription(layout.value, layout_xml(layout))


def show_layout(layout_node: "vtkMRMLLayoutNode", layout: Layout = Layout.LOW_CLINICAL_SYNTHETIC) -> int | None:
    """Switch to a layout.

    Returns
    -------
    int or None
        The number of the layout that was shown before; ``None`` if it was one of these.
    """
    register_layout(layout_node)
    before = int(layout_node.GetViewArrangement())
    # A slice view that the user has maximized would hide the others.
    layout_node.RemoveAllMaximizedViewNodes()
    if before != layout.value:
        layout_node.SetViewArrangement(layout.value)
    return before if layout_of(before) is None else None
