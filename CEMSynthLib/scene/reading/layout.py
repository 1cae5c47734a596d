"""Reading layout: one row for each view, one slice view for each image, with labels that tell nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slicer import vtkMRMLLayoutNode

#: Layouts of the reader study are numbered from here, by how many slice views each row has (one digit a row).
LAYOUT_BASE = 570_000
#: Rows are linked within themselves: a lesion lies elsewhere in the other view.
VIEW_GROUP = 570
_COLOR = "#808080"


@dataclass(frozen=True)
class ReadingView:
    """A slice view of the reader study.

    Parameters
    ----------
    row, column
        From 0.
    label
        In the bar of the slice view: ``CC 1``.
    """

    row: int
    column: int
    label: str

    @property
    def tag(self) -> str:
        """Singleton tag (layout name); a valid JavaScript name too."""
        return f"CEMSynthReading{self.row + 1}{self.column + 1}"


def reading_views(names: Sequence[str], counts: Sequence[int]) -> list[list[ReadingView]]:
    """The slice views of a case.

    Parameters
    ----------
    names
        Of the views (``CC``, ``MLO``).
    counts
        How many images each has.
    """
    return [
        [ReadingView(row, column, f"{name} {column + 1}") for column in range(count)]
        for row, (name, count) in enumerate(zip(names, counts, strict=True))
    ]


def reading_layout_xml(rows: Sequence[Sequence[ReadingView]]) -> str:
    """The layout in Slicer's XML. Views of a single image lie side by side, else each view has its row."""
    if all(len(row) == 1 for row in rows):
        return f'<layout type="horizontal" split="true">{"".join(_item(row[0]) for row in rows)}</layout>'
    lines = "".join(
        f'<item><layout type="horizontal" split="true">{"".join(map(_item, row))}</layout></item>' for row in rows
    )
    return f'<layout type="vertical" split="true">{lines}</layout>'


def show_reading_layout(layout_node: "vtkMRMLLayoutNode", rows: Sequence[Sequence[ReadingView]]) -> int | None:
    """Switch a layout node to the slice views of a case.

    Returns
    -------
    int or None
        The number of the layout that was shown before; ``None`` if it was one of the reader study.
    """
    number = LAYOUT_BASE + int("".join(str(len(row)) for row in rows))
    xml = reading_layout_xml(rows)
    if layout_node.IsLayoutDescription(number):
        layout_node.SetLayoutDescription(number, xml)
    else:
        layout_node.AddLayoutDescription(number, xml)
    before = int(layout_node.GetViewArrangement())
    layout_node.RemoveAllMaximizedViewNodes()
    layout_node.SetViewArrangement(number)
    return before if before < LAYOUT_BASE else None


def is_reading_layout(number: int) -> bool:
    """Whether a layout is one of the reader study."""
    return number >= LAYOUT_BASE


def _item(view: ReadingView) -> str:
    return (
        f'<item><view class="vtkMRMLSliceNode" singletontag="{view.tag}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{view.label}</property>'
        f'<property name="viewcolor" action="default">{_COLOR}</property>'
        f'<property name="viewgroup" action="default">{VIEW_GROUP + view.row}</property>'
        "</view></item>"
    )
