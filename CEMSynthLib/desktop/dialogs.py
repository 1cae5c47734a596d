"""Dialogs: consent and the choice of files; the only places where the module stops for an answer."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.errors import NameTakenError


def agreed(question: str, title: str) -> bool:
    """Whether the user says yes."""
    return bool(slicer.util.confirmYesNoDisplay(question, windowTitle=title))


def chooseFile(title: str, pattern: str, folder: str = "") -> str:
    """An existing file that the user picks; empty if none. ``pattern`` is one of Qt: ``Model card (*.json)``."""
    return str(qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, folder, pattern) or "")


def chooseFolder(title: str, folder: str = "") -> str:
    """A folder that the user picks; empty if none."""
    return str(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, folder) or "")


def fileToSave(title: str, proposed: str, pattern: str, ending: str) -> Path | None:
    """A file to be written, with its ending; ``None`` if the user wants none. The dialog asks before one is replaced.

    Raises
    ------
    NameTakenError
        There is a file of that name, about which the dialog has not asked: the name was given without the ending.
    """
    name = str(qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, proposed, pattern) or "")
    if not name or name.lower().endswith(ending):
        return Path(name) if name else None
    path = Path(name + ending)
    if path.exists():
        raise NameTakenError(_("{name} is there already; choose another name.").format(name=path.name))
    return path


def openFolder(folder: str) -> None:
    """Show a folder in the system's file manager."""
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(folder))
