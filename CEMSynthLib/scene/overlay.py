"""Overlay: what CEMSynth draws into a slice view over its images."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene.corner import CornerText
from CEMSynthLib.scene.cursor import CursorMark
from CEMSynthLib.scene.label import SyntheticLabel
from CEMSynthLib.scene.layout import ALL_TAGS
from CEMSynthLib.scene.legend import DifferenceLegend
from CEMSynthLib.scene.scale_bar import ScaleBar

if TYPE_CHECKING:
    from slicer import vtkMRMLSliceLogic


class ViewOverlay:
    """Label and legend of any slice view; corner text, scale bar and cursor mark too where it is one of CEMSynth's.

    Parameters
    ----------
    tag
        Name of the view.
    logic
        Its slice logic.
    renderer
        Its vtkRenderer.
    request_render
        Asks for a new picture.
    """

    def __init__(self, tag: str, logic: "vtkMRMLSliceLogic", renderer: Any, request_render: Callable[[], None]) -> None:
        composite = logic.GetSliceCompositeNode()
        self.label = SyntheticLabel(composite, renderer, request_render, logic.GetSliceNode())
        self.legend = DifferenceLegend(logic, renderer, request_render)
        own = tag in ALL_TAGS
        self.corner = CornerText(composite, renderer, request_render) if own else None
        self.scale_bar = ScaleBar(logic, renderer, request_render) if own else None
        self.mark = CursorMark(logic, renderer, request_render) if own else None

    def refresh(self) -> None:
        """Look again at what the view shows."""
        self.label.refresh()
        self.legend.refresh()

    def release(self) -> None:
        """Take everything out of the view."""
        for part in (self.corner, self.scale_bar, self.mark, self.legend, self.label):
            if part is not None:
                part.release()
