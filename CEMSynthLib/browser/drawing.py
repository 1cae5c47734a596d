"""Drawing: the left button of the views draws a region, until one is drawn or the user gives up."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.mouse import Tool
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import Points
from CEMSynthLib.scene.layout import VIEWS
from CEMSynthLib.scene.regions.freehand import Freehand
from CEMSynthLib.scene.regions.info import COLORS, RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.scene.regions.views import shown_acquisition

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp


class Drawing:
    """What the left button draws.

    Parameters
    ----------
    app
        The application.
    regions
        The regions of its scene.
    drawn
        Called with role and control points when a line was drawn.
    """

    def __init__(self, app: "ReviewApp", regions: RegionSet, drawn: Callable[[RegionRole, Points], None]) -> None:
        self._app, self._regions, self._drawn = app, regions, drawn
        self._kind: RegionKind | None = None
        self._role = RegionRole.LESION
        self._lines: list[Freehand] = []

    @property
    def kind(self) -> RegionKind | None:
        """What is being drawn; ``None`` if nothing."""
        if self._kind in (RegionKind.RECTANGLE, RegionKind.ELLIPSE) and not self._regions.placing:
            self._end()
        return self._kind

    def start(self, kind: RegionKind, role: RegionRole) -> None:
        """Let the next clicks, or the next drag, in a view draw a region.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            No acquisition is shown.
        """
        self.stop()
        if kind is RegionKind.CURVE:
            self._lines = self._freehand(role)
        else:
            self._regions.place(role, kind)
        self._kind, self._role = kind, role
        # A button that pans or zooms would never reach what draws.
        self._app.views.tool = Tool.WINDOW

    def stop(self) -> None:
        """Give the left button back; what was not finished is given up."""
        if self._regions.placing:
            self._regions.cancel_placing()
        if self._kind is not None:
            self._end()

    def _end(self) -> None:
        self._kind = None
        for line in self._lines:
            line.release()
        self._lines = []
        self._app.views.tool = Tool(self._app.state.compare_tool)

    def _freehand(self, role: RegionRole) -> list[Freehand]:
        made = []
        for spec in VIEWS[self._app.comparison.state.layout]:
            view: Any = self._app.slicer.view_manager.get_view(spec.tag)
            logic = self._app.views.slice_logic(spec.tag)
            if view is None or logic is None:
                continue
            if shown_acquisition(logic.GetSliceCompositeNode()) == self._regions.acquisition:
                node, renderer = logic.GetSliceNode(), view.first_renderer()
                made.append(
                    Freehand(view.interactor(), node, renderer, view.schedule_render, self._line_drawn, COLORS[role])
                )
        return made

    def _line_drawn(self, points: Points) -> None:
        role = self._role
        self._end()
        self._drawn(role, points)
