"""Soon: something is done once, a moment after it was asked for, however often it was asked for meanwhile."""

import asyncio
from collections.abc import Callable

from CEMSynthLib.browser.event_loop import event_loop


class Soon:
    """A timer of the server's event loop.

    Parameters
    ----------
    seconds
        How long to wait.
    work
        What to do.
    """

    def __init__(self, seconds: float, work: Callable[[], None]) -> None:
        self._seconds, self._work = seconds, work
        self._handle: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Do it after the wait; asked again meanwhile, nothing changes."""
        if self._handle is None:
            self._start(self._seconds)

    def restart(self, seconds: float | None = None) -> None:
        """Do it when nobody has asked for so long (``None``: the usual wait)."""
        self.cancel()
        self._start(self._seconds if seconds is None else seconds)

    def cancel(self) -> None:
        """Do not do it."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _start(self, seconds: float) -> None:
        self._handle = event_loop().call_later(seconds, self._run)

    def _run(self) -> None:
        self._handle = None
        self._work()
