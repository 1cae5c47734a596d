"""Keeper: gathers the work of all panels a few seconds after a change, and gives it back when its study is opened."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.autosave import Autosave, study_mark
from CEMSynthLib.browser.event_loop import event_loop

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp

_log = logging.getLogger(__name__)
#: Saved this long after the first change that was told, and so often for those that nobody tells (a window that is
#: dragged): a crash loses less than five seconds. Work that is the same is not written again.
DELAY_S, PERIOD_S = 2.0, 4.0


class Keeper:
    """Saves the work of one study, and restores it.

    Parameters
    ----------
    app
        Whose panels.
    """

    def __init__(self, app: "ReviewApp") -> None:
        self._app = app
        self._file: Autosave | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._period: asyncio.TimerHandle | None = None

    def open(self, keys: Sequence[str]) -> bool:
        """Another study is open: give its work back to the panels; whether there was any."""
        self._stop()
        self._file = Autosave(study_mark(keys)) if keys else None
        if self._period is None:
            self._period = event_loop().call_later(PERIOD_S, self._again)
        found = self._file.load() if self._file is not None else None
        if found is None:
            return False
        work, saved = found
        for panel in self._app.panels:
            part = work.get(panel.name)
            if isinstance(part, dict):
                panel.restore(part)
        if work.get("selected") in keys and work["selected"] != self._app.selected:
            self._app.select(work["selected"])
        self._app.refresh()
        self._app.say(f"Your work of {saved} was found again.", passing=True)
        return True

    def touched(self) -> None:
        """Something changed; further changes do not put the saving off."""
        if self._timer is None and self._file is not None:
            self._timer = event_loop().call_later(DELAY_S, self.save)

    def save(self) -> None:
        """Save now; on a full disk the user is told."""
        self._stop()
        if self._file is None:
            return
        work: dict[str, Any] = {panel.name: panel.work() for panel in self._app.panels}
        work["selected"] = self._app.selected
        try:
            self._file.save(work)
        except OSError as error:
            _log.warning("Work could not be saved: %s", error.strerror)
            self._app.say("Your work could not be saved; free some disk space.")

    def _again(self) -> None:
        self._period = event_loop().call_later(PERIOD_S, self._again)
        self.save()

    def close(self) -> None:
        """Save for the last time."""
        if self._period is not None:
            self._period.cancel()
        self.save()
        self._file = None

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
