"""Review application: the scene, what the user does with it, and the page, built from panels."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.keys import Keys
from CEMSynthLib.browser.layout import build_page
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.views import BrowserViews
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.scene.comparison import Comparison
from CEMSynthLib.scene.hanging import load_hanging
from CEMSynthLib.scene.study import StudyInScene

if TYPE_CHECKING:
    from slicer import vtkMRMLScene, vtkMRMLSliceLogic

    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
    from CEMSynthLib.study.model import StudyFolder

_log = logging.getLogger(__name__)
# Sizes of views arrive one after the other; they are fitted together.
_FIT_AFTER_S = 0.04


class ReviewApp:
    """The review of one study at a time.

    Parameters
    ----------
    server
        The trame server.
    panels
        Classes of the panels, in the order of their tabs.
    """

    def __init__(self, server: Any, panels: "list[type[Panel]]") -> None:
        from trame_slicer.core import SlicerApp

        self.server = server
        self.state: Any = server.state
        self.slicer = SlicerApp()
        _quiet_vtk()
        self.scene: vtkMRMLScene = self.slicer.scene
        self.study = StudyInScene(self.scene)
        #: Key of the acquisition that is shown; empty if none.
        self.selected = ""
        #: Called after something that autosave should keep may have changed.
        self.touched: Callable[[], None] = lambda: None
        self._fitting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.views = BrowserViews(server, self.slicer, self._on_new_view)
        self.comparison = Comparison(self.scene, self.views, partial(load_hanging, self.study))
        self.views.resized = self._fit_soon
        self.keys = Keys(self.state)
        server.controller.trigger("page_key")(self.keys.press)
        server.controller.on_exception.add(self._on_exception)
        self.state.page_message = ""
        self.state.page_busy = ""
        self.panels = [panel(self) for panel in panels]
        for one in self.panels:
            one.refresh()
        self.views.show_layout(self.comparison.state.layout)
        build_page(self)

    def panel(self, name: str) -> Panel:
        """A panel by its name."""
        return next(panel for panel in self.panels if panel.name == name)

    def say(self, sentence: str) -> None:
        """Show a sentence to the user; an empty one takes the last one away."""
        with self.state:
            self.state.page_message = sentence

    def open(self, found: "StudyFolder", synthetic: "StudyFolder | None" = None) -> None:
        """Take a study in place of the one before, and show its first acquisition.

        Raises
        ------
        SceneError
            As `StudyInScene.open`.
        """
        rows = self.study.open(found, synthetic)
        self.select(rows[0].key if rows else "")

    def select(self, key: str) -> None:
        """Show an acquisition; an image that cannot be read is told to the user."""
        if not key:
            self._shown("", None)
            return
        try:
            volumes = self.study.load(key)
            self.comparison.show(volumes)
        except CEMSynthError as error:
            self.say(str(error))
            return
        self._shown(key, volumes)

    def show_again(self) -> None:
        """Show the selected acquisition again: one of its images is new."""
        if self.selected:
            self.select(self.selected)

    def refresh(self) -> None:
        """Bring all panels up to date."""
        with self.state:
            for panel in self.panels:
                panel.refresh()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something without keeping the page from answering: wslink handles one message of a page at a time."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Let go of everything."""
        for panel in self.panels:
            panel.close()
        self.comparison.release()

    def _shown(self, key: str, volumes: "AcquisitionVolumes | None") -> None:
        self.selected = key
        with self.state:
            for panel in self.panels:
                panel.on_shown(volumes)
                panel.refresh()
        self.touched()

    def _on_new_view(self, tag: str, logic: "vtkMRMLSliceLogic", renderer: Any, render: Callable[[], None]) -> None:
        self.comparison.attach(tag, logic, renderer, render)

    def _on_exception(self, error: BaseException) -> None:
        """A handler failed: the user is told, and what happened is for a report of the mistake."""
        _log.error("A handler of the page failed.", exc_info=error)
        self.say(str(error) if isinstance(error, CEMSynthError) else "Something went wrong; nothing was lost.")

    def _fit_soon(self) -> None:
        if self._fitting is None:
            self._fitting = asyncio.get_event_loop().call_later(_FIT_AFTER_S, self._fit)

    def _fit(self) -> None:
        self._fitting = None
        self.comparison.fit()


def _quiet_vtk() -> None:
    """Errors of VTK once on stderr, no warnings: it warns at each change of a view's size about its next version."""
    from vtkmodules.vtkCommonCore import vtkLogger, vtkOutputWindow

    vtkOutputWindow.GetInstance().SetDisplayModeToNever()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
