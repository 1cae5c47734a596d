"""Shortcuts: keys of Slicer's main window that work while the module is open, and only then."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _


class Shortcuts:
    """Keys and what they do.

    Parameters
    ----------
    actions
        Function by key (``"Ctrl+Shift+B"``).
    allowed
        Whether a key may do something at the moment.
    """

    def __init__(self, actions: dict[str, Callable[[], None]], allowed: Callable[[], bool] = lambda: True) -> None:
        self._actions = actions
        self._allowed = allowed
        self._made: list[Any] = []

    def enable(self) -> None:
        """The module was opened."""
        window = slicer.util.mainWindow()
        if window is None or self._made:
            return
        for key, action in self._actions.items():
            shortcut = qt.QShortcut(qt.QKeySequence(key), window)
            shortcut.connect("activated()", partial(self._act, action))
            self._made.append(shortcut)

    def remove(self) -> None:
        """The module was left: the keys do nothing of ours any more."""
        for shortcut in self._made:
            # Taken from its window it no longer acts, even before Qt deletes it.
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._made.clear()

    def _act(self, action: Callable[[], None]) -> None:
        if self._allowed():
            action()


def keyText(key: str) -> str:
    """A key as it is written on this computer's keyboard: Qt's Ctrl is the command key on macOS."""
    return key.replace("Ctrl", "Cmd") if sys.platform == "darwin" else key


def withKey(toolTip: str, key: str) -> str:
    """A tooltip that tells the key."""
    return str(_("{toolTip} ({key})").format(toolTip=toolTip, key=keyText(key))) if key else toolTip
