"""Progress: a progress dialog with Cancel while a folder is read."""

from types import TracebackType
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.errors import OpeningCanceledError

# Small folders are read before the dialog would appear.
_APPEARS_AFTER_MS = 700


class ReadingProgress:
    """A `CEMSynthLib.progress.Progress` for a ``with`` block; it shows nothing where there is no main window."""

    def __init__(self) -> None:
        self._dialog: Any = None

    def __enter__(self) -> "ReadingProgress":
        """Prepare the dialog."""
        if slicer.util.mainWindow() is not None:
            self._dialog = qt.QProgressDialog(slicer.util.mainWindow())
            self._dialog.windowTitle = _("Open study")
            self._dialog.labelText = _("Reading headers ...")
            self._dialog.windowModality = qt.Qt.WindowModal
            self._dialog.minimumDuration = _APPEARS_AFTER_MS
        return self

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show how far the reading is.

        Raises
        ------
        OpeningCanceledError
            The user pressed Cancel.
        """
        if self._dialog is None:
            return
        self._dialog.maximum = total
        self._dialog.setValue(done)
        if self._dialog.wasCanceled:
            raise OpeningCanceledError(_("Opening was canceled; nothing was changed."))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the dialog."""
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()
            self._dialog = None
