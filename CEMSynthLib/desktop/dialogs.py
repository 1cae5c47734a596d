"""Dialogs: consent and the choice of files; the only places where the module stops for an answer."""

import qt
import slicer


def agreed(question: str, title: str) -> bool:
    """Whether the user says yes."""
    return bool(slicer.util.confirmYesNoDisplay(question, windowTitle=title))


def chooseFile(title: str, pattern: str, folder: str = "") -> str:
    """An existing file that the user picks; empty if none. ``pattern`` is one of Qt: ``Model card (*.json)``."""
    return str(qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, folder, pattern) or "")


def chooseFolder(title: str, folder: str = "") -> str:
    """A folder that the user picks; empty if none."""
    return str(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, folder) or "")


def openFolder(folder: str) -> None:
    """Show a folder in the system's file manager."""
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(folder))
