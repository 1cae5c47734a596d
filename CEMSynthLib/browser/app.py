"""Review application: the scene, what the user does with it, and the page, built from panels."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.downloads import Downloads
from CEMSynthLib.browser.errors import UploadError
from CEMSynthLib.browser.event_loop import event_loop
from CEMSynthLib.browser.keeper import Keeper
from CEMSynthLib.browser.keys import Keys
from CEMSynthLib.browser.layout import build_page
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.private_folder import PrivateFolder
from CEMSynthLib.browser.uploads import UploadLimits, Uploads
from CEMSynthLib.browser.views import BrowserViews
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.scene.comparison import Comparison
from CEMSynthLib.scene.difference import remove_differences
from CEMSynthLib.scene.hanging import hanging_keys, load_hanging
from CEMSynthLib.scene.layout import Layout
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.study.reader import read_files, read_folder

if TYPE_CHECKING:
    from aiohttp import web
    from slicer import vtkMRMLScene, vtkMRMLSliceLogic

    from CEMSynthLib.measurement.markups import TiedRegion
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
    limits
        How much an upload may bring.
    """

    def __init__(self, server: Any, panels: Sequence[type[Panel]], limits: UploadLimits) -> None:
        from trame_slicer.core import SlicerApp

        self.server = server
        self.state: Any = server.state
        self.slicer = SlicerApp()
        _quiet_vtk()
        self.scene: vtkMRMLScene = self.slicer.scene
        self.study = StudyInScene(self.scene)
        #: Key of the acquisition that is shown; empty if none.
        self.selected = ""
        #: Files of this process on their way in or out.
        self.folder = PrivateFolder()
        self.downloads = Downloads()
        self.uploads = Uploads(limits, self.folder, self._on_upload)
        self._fitting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.views = BrowserViews(server, self.slicer, self._on_new_view)
        self.comparison = Comparison(self.scene, self.views, partial(load_hanging, self.study))
        self.views.resized = self._fit_soon
        self.keys = Keys(self.state)
        server.controller.trigger("page_key")(self.keys.press)
        server.controller.on_exception.add(self._on_exception)
        self.state.page_message = ""
        self.state.page_message_passes = False
        self.panels = [panel(self) for panel in panels]
        self.keeper = Keeper(self)
        for one in self.panels:
            one.refresh()
        self.views.show_layout(self.comparison.state.layout)
        build_page(self)

    def add_routes(self, application: "web.Application") -> None:
        """Serve uploads and downloads."""
        self.uploads.add_routes(application)
        self.downloads.add_routes(application)

    def panel(self, name: str) -> Panel:
        """A panel by its name."""
        return next(panel for panel in self.panels if panel.name == name)

    def say(self, sentence: str, passing: bool = False) -> None:
        """Show a sentence to the user until it is closed; an empty one takes the last one away.

        Parameters
        ----------
        sentence
            What happened and what to do.
        passing
            It is good news, and goes away by itself.
        """
        with self.state:
            self.state.page_message = sentence
            self.state.page_message_passes = passing

    def touched(self) -> None:
        """Tell that something changed that autosave should keep."""
        self.keeper.touched()

    def open(
        self,
        found: "StudyFolder",
        synthetic: "StudyFolder | None" = None,
        regions: "Sequence[TiedRegion]" = (),
    ) -> None:
        """Take a study in place of the one before, show its first acquisition, and find the work on it again.

        Regions from files are drawn where that work has none.

        Raises
        ------
        SceneError
            As `StudyInScene.open`.
        """
        self.keeper.save()
        rows = self.study.open(found, synthetic)
        self.select(rows[0].key if rows else "")
        again = self.keeper.open([row.key for row in rows if self.study.acquisition(row.key) is not None])
        panel: Any = self.panel("regions")
        if regions and not panel.regions.all_regions():
            left_out = panel.take(regions)
            if left_out or not again:
                self.say(" ".join(left_out))

    def select(self, key: str) -> None:
        """Show an acquisition; an image that cannot be read is told to the user."""
        if not key:
            self._shown("", None)
            return
        try:
            volumes = self.study.load(key)
            self.comparison.show(volumes)
            shown = hanging_keys(self.study.rows(), key).values()
            remove_differences(self.scene, {key, *shown} if self._hangs else {key})
        except CEMSynthError as error:
            self.say(str(error))
            return
        self._shown(key, volumes)

    def renew(self, key: str) -> None:
        """Show new images of an acquisition; zoom and pan stay."""
        self.comparison.apply()
        if key == self.selected:
            self._shown(key, self.comparison.volumes)
        else:
            self.refresh()

    def refresh(self) -> None:
        """Bring all panels up to date."""
        with self.state:
            for panel in self.panels:
                panel.refresh()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something without keeping the page from answering: wslink handles one message of a page at a time."""
        task = event_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def close(self) -> None:
        """Save the work and let go of everything."""
        self.keeper.close()
        for panel in self.panels:
            panel.close()
        self.comparison.release()
        self.folder.close()

    @property
    def _hangs(self) -> bool:
        return self.comparison.state.layout is Layout.HANGING

    def _shown(self, key: str, volumes: "AcquisitionVolumes | None") -> None:
        self.selected = key
        with self.state:
            for panel in self.panels:
                panel.on_shown(volumes)
                panel.refresh()
        self.touched()

    async def _on_upload(self, folder: Path) -> None:
        if self.state.page_alone:
            raise UploadError("Leave the reader study first: nothing else is opened beside its images.")
        files = [path for path in folder.iterdir() if path.is_file()]
        try:
            # One archive is read as such; headers are read beside the page's work.
            read = partial(read_files, files) if len(files) == 1 else partial(read_folder, folder)
            found = await asyncio.get_running_loop().run_in_executor(None, read)
            self.open(found)
        except CEMSynthError as error:
            raise UploadError(str(error)) from error

    def _on_new_view(self, tag: str, logic: "vtkMRMLSliceLogic", renderer: Any, render: Callable[[], None]) -> None:
        self.comparison.attach(tag, logic, renderer, render)

    def _on_exception(self, error: BaseException) -> None:
        """A handler failed: the user is told, and what happened is for a report of the mistake."""
        _log.error("A handler of the page failed.", exc_info=error)
        self.say(str(error) if isinstance(error, CEMSynthError) else "Something went wrong; nothing was lost.")

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_exception(error)

    def _fit_soon(self) -> None:
        if self._fitting is None:
            self._fitting = event_loop().call_later(_FIT_AFTER_S, self._fit)

    def _fit(self) -> None:
        self._fitting = None
        self.comparison.fit()


def _quiet_vtk() -> None:
    """Errors of VTK once on stderr, no warnings: it warns at each change of a view's size about its next version."""
    from vtkmodules.vtkCommonCore import vtkLogger, vtkOutputWindow

    vtkOutputWindow.GetInstance().SetDisplayModeToNever()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
