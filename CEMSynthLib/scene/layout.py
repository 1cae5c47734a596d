"""Layout: low energy | clinical | synthetic, three slice views side by side in a view group of their own."""

from typing import TYPE_CHECKING

from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from slicer import vtkMRMLLayoutNode

#: Numbers below 100 are Slicer's own layouts.
LAYOUT_ID = 5701
#: Linking, crosshair and slice intersections stay inside a view group.
VIEW_GROUP = 57
#: Singleton tag (layout name) of the slice view of each kind, left to right; each is a valid JavaScript name too.
VIEW_TAGS = {
    ImageKind.LOW_ENERGY: "CEMSynthLowEnergy",
    ImageKind.RECOMBINED: "CEMSynthClinical",
    ImageKind.SYNTHETIC: "CEMSynthSynthetic",
}
# Shown in the bar of each slice view: a short label and a color.
_LABELS = {
    ImageKind.LOW_ENERGY: ("LE", "#8C8C8C"),
    ImageKind.RECOMBINED: ("Clin", "#4C9BE8"),
    ImageKind.SYNTHETIC: ("Syn", "#E8A33D"),
}


def layout_xml() -> str:
    """The layout description in Slicer's XML."""
    items = "".join(
        f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{_LABELS[kind][0]}</property>'
        f'<property name="viewcolor" action="default">{_LABELS[kind][1]}</property>'
        f'<property name="viewgroup" action="default">{VIEW_GROUP}</property>'
        "</view></item>"
        for kind, tag in VIEW_TAGS.items()
    )
    return f'<layout type="horizontal" split="true">{items}</layout>'


def register_layout(layout_node: "vtkMRMLLayoutNode") -> None:
    """Make the layout known to a layout node; calling it again changes nothing."""
    if layout_node.IsLayoutDescription(LAYOUT_ID):
        layout_node.SetLayoutDescription(LAYOUT_ID, layout_xml())
    else:
        layout_node.AddLayoutDescription(LAYOUT_ID, layout_xml())


def show_layout(layout_node: "vtkMRMLLayoutNode") -> int | None:
    """Switch to the layout.

    Returns
    -------
    int or None
        The number of the layout that was shown before; ``None`` if it was this one.
    """
    register_layout(layout_node)
    before = int(layout_node.GetViewArrangement())
    # A slice view that the user has maximized would hide the other two.
    layout_node.RemoveAllMaximizedViewNodes()
    if before == LAYOUT_ID:
        return None
    layout_node.SetViewArrangement(LAYOUT_ID)
    return before
