"""Views: the slice views of trame-slicer, as the comparison of `CEMSynthLib.scene` needs them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.mouse import Tool, ViewMouse
from CEMSynthLib.scene.layout import VIEW_GROUP, VIEWS, Layout, ViewSpec
from CEMSynthLib.scene.observing import Observations

if TYPE_CHECKING:
    from slicer import vtkMRMLSliceLogic

# Drawn coarsely while something moves, finely when it rests.
_MOVING_QUALITY = 50
_FRAMES_PER_SECOND = 30.0
# Of the other views while the window is dragged in one: clinical and synthetic image share it, and drawing both each
# time takes a quarter of the frames from the one that is looked at.
_FOLLOWING_FRAMES_PER_SECOND = 6.0
_OTHER_COLOR = "#808080"


class BrowserViews:
    """What the page does for a comparison (`CEMSynthLib.scene.comparison.ViewHost`).

    Parameters
    ----------
    server
        The trame server.
    application
        trame-slicer's SlicerApp.
    on_new_view
        Gets name, slice logic, renderer and a function that asks for a new picture, once for each view.
    """

    def __init__(
        self,
        server: Any,
        application: Any,
        on_new_view: Callable[[str, "vtkMRMLSliceLogic", Any, Callable[[], None]], None],
    ) -> None:
        from trame_rca import module
        from trame_slicer.core import LayoutManager
        from trame_slicer.rca_view import register_rca_factories

        # Else trame-rca comes with the first view, too late for views that are made while the server runs.
        server.enable_module(module)
        self._manager = application.view_manager
        self._state = server.state
        self._state.other_names = {}
        self._on_new_view = on_new_view
        #: Called when views have another size and the user has not zoomed yet: time to fit.
        self.resized: Callable[[], None] = lambda: None
        #: What dragging with the left button does.
        self.tool = Tool.WINDOW
        self._touched = False
        self._views: dict[str, Any] = {}
        self._mice: list[ViewMouse] = []
        self._observations = Observations()
        register_rca_factories(
            self._manager,
            server,
            slice_view_ui_f=_view_label,
            rca_encoder="jpeg",
            target_fps=_FRAMES_PER_SECOND,
            blur_fps=_FRAMES_PER_SECOND,
            interactive_quality=_MOVING_QUALITY,
        )
        self._layouts = LayoutManager(application.scene, self._manager, server)
        node = application.scene.GetFirstNodeByName("layout_node")
        if node is not None:
            # The comparison's state tells the layout; this node means nothing to desktop Slicer.
            node.SetSaveWithScene(False)
        self._layouts.register_layout_dict(
            {layout.name: _arrangement(layout) for layout in Layout}, lazy_initialization=True
        )

    def place(self, page: Any) -> None:
        """Put the views into a page, where the caller stands in it."""
        self._layouts.initialize_layout_grid(page)

    def slice_logic(self, tag: str) -> "vtkMRMLSliceLogic | None":
        """The slice logic of a view; ``None`` while there is no such view."""
        view = self._views.get(tag)
        return view._logic if view is not None else None

    def show_layout(self, layout: Layout) -> None:
        """Make the views of a layout appear."""
        # Not while the page is being built: the views would become parts of it.
        self._layouts.create_layout_views_if_needed(layout.name)
        self._layouts.set_layout(layout.name)
        for spec in VIEWS[layout]:
            if spec.tag not in self._views:
                view = self._manager.get_view(spec.tag)
                if view is not None:
                    self._take(spec, view)
        self._touched = False

    def show_others(self, name: str, arrangement: Any, labels: Mapping[str, str]) -> None:
        """Make other slice views appear in place of the comparison's.

        Parameters
        ----------
        name
            Of the arrangement.
        arrangement
            A layout of trame-slicer.
        labels
            What is written above each view, by its tag.
        """
        self._state.other_names = dict(labels)
        if not self._layouts.has_layout(name):
            self._layouts.register_layout(name, arrangement, lazy_initialization=True)
        self._layouts.create_layout_views_if_needed(name)
        self._layouts.set_layout(name)
        for tag in labels:
            view = self._manager.get_view(tag)
            if view is not None and tag not in self._views:
                self._prepare(tag, view)
        self._touched = False

    def settle(self) -> None:
        """Nothing to wait for: the page tells the sizes later, and `resized` is called then."""
        self._touched = False

    def touched(self) -> None:
        """The user chose zoom and pan: sizes that change do not change them."""
        self._touched = True

    def render(self) -> None:
        """Ask all views for new pictures."""
        for view in self._views.values():
            view.schedule_render()

    def _take(self, spec: ViewSpec, view: Any) -> None:
        self._prepare(spec.tag, view)
        self._on_new_view(spec.tag, view._logic, view.first_renderer(), view.schedule_render)

    def _prepare(self, tag: str, view: Any) -> None:
        # Eight samples, the default, take twice the time of one, and images have no edges to smooth.
        view.render_window().SetMultiSamples(0)
        self._views[tag] = view
        self._mice.append(ViewMouse(view, lambda: self.tool, self.touched, partial(self._follow_slowly, tag)))
        self._observations.add(view.interactor(), "WindowResizeEvent", self._on_resize)

    def _follow_slowly(self, dragged: str, slowly: bool) -> None:
        for tag, view in self._views.items():
            if tag != dragged:
                scheduler = view._scheduled_render._scheduler
                scheduler.target_fps = _FOLLOWING_FRAMES_PER_SECOND if slowly else _FRAMES_PER_SECOND

    def _on_resize(self, _interactor: Any) -> None:
        if not self._touched:
            self.resized()


def _arrangement(layout: Layout) -> Any:
    from trame_slicer.views import Layout as Grid
    from trame_slicer.views import LayoutDirection, ViewLayoutDefinition, ViewProps, ViewType

    views = [
        ViewLayoutDefinition(
            spec.tag,
            ViewType.SLICE_VIEW,
            ViewProps(orientation="Axial", label=spec.label, color=spec.color, group=VIEW_GROUP),
        )
        for spec in VIEWS[layout]
    ]
    if layout is Layout.HANGING:
        rows = [Grid(LayoutDirection.Horizontal, views[i : i + 2]) for i in (0, 2)]
        return Grid(LayoutDirection.Vertical, rows)
    return Grid(LayoutDirection.Horizontal, views)


def _view_label(_server: Any, view_id: str, _view: Any) -> None:
    """The name of a view in its upper left corner."""
    from trame.widgets import html

    spec = next((spec for specs in VIEWS.values() for spec in specs if spec.tag == view_id), None)
    html.Div(
        f"{{{{ view_names['{view_id}'] || other_names['{view_id}'] }}}}",
        classes="cem-view-name",
        style=f"border-color: {spec.color if spec is not None else _OTHER_COLOR}",
    )
