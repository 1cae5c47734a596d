"""Reading views: the page's slice views for the reading room."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.soon import Soon
from CEMSynthLib.scene.reading.layout import VIEW_GROUP, ReadingView

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp

_COLOR = "#808080"
# Sizes of views arrive one after the other; they are fitted together.
_FIT_AFTER_S = 0.04


class BrowserReadingViews:
    """A `CEMSynthLib.scene.reading.room.ReadingHost`.

    Parameters
    ----------
    app
        The application.
    """

    def __init__(self, app: "ReviewApp") -> None:
        self._app = app
        self._resized: Any = None
        self._sizes = Soon(_FIT_AFTER_S, lambda: self.fit())
        #: Fits the images into the views; called when the page tells the views' sizes.
        self.fit: Callable[[], None] = lambda: None

    def show_layout(self, rows: Sequence[Sequence[ReadingView]]) -> None:
        """Make these slice views appear, and no others."""
        if self._resized is None:
            self._resized = self._app.views.resized
        labels = {view.tag: view.label for row in rows for view in row}
        self._app.views.show_others("READING" + "".join(str(len(row)) for row in rows), _arrangement(rows), labels)
        # The page tells the size of new views later.
        self._app.views.resized = self._sizes.restart

    def restore_layout(self) -> None:
        """Come back to the layout of the comparison."""
        self._sizes.cancel()
        if self._resized is not None:
            self._app.views.resized, self._resized = self._resized, None
            self._app.views.show_layout(self._app.comparison.state.layout)

    def slice_logic(self, tag: str) -> Any:
        """The slice logic of a view."""
        return self._app.views.slice_logic(tag)

    def renderer(self, tag: str) -> Any:
        """The renderer of a view."""
        view: Any = self._app.slicer.view_manager.get_view(tag)
        return view.first_renderer() if view is not None else None

    def request_render(self, tag: str) -> None:
        """Render a view soon."""
        view: Any = self._app.slicer.view_manager.get_view(tag)
        if view is not None:
            view.schedule_render()

    def settle(self) -> None:
        """Nothing to wait for: the images are fitted again when the page tells the sizes."""
        self._app.views.settle()


def _arrangement(rows: Sequence[Sequence[ReadingView]]) -> Any:
    from trame_slicer.views import Layout as Grid
    from trame_slicer.views import LayoutDirection, ViewLayoutDefinition, ViewProps, ViewType

    def made(view: ReadingView) -> Any:
        properties = ViewProps(orientation="Axial", label=view.label, color=_COLOR, group=VIEW_GROUP + view.row)
        return ViewLayoutDefinition(view.tag, ViewType.SLICE_VIEW, properties)

    if all(len(row) == 1 for row in rows):
        return Grid(LayoutDirection.Horizontal, [made(row[0]) for row in rows])
    return Grid(LayoutDirection.Vertical, [Grid(LayoutDirection.Horizontal, list(map(made, row))) for row in rows])
