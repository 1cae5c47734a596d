"""Background: work on plain arrays in a thread, while the window answers.

Slicer's Python threads stand still while the main thread waits for the user, since it holds the interpreter. So a timer
gives the interpreter away for some milliseconds at a time; numpy and scipy let it go themselves while they compute.
The thread must touch neither MRML nor Qt.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import qt

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.progress import Progress

_TICK_MS = 15
# The interpreter is given away for so long at each tick: the window answers within it.
_SLICE_SECONDS = 0.025


class WorkCanceledError(CEMSynthError):
    """The work was canceled; nobody waits for its result."""


class BackgroundWork:
    """One piece of work at a time.

    Parameters
    ----------
    done
        Called on the main thread with the result.
    failed
        Called on the main thread with a sentence for the user.
    progress
        Called on the main thread with steps done and steps in all.
    """

    def __init__(
        self, done: Callable[[Any], None], failed: Callable[[str], None], progress: Callable[[int, int], None]
    ) -> None:
        self._done, self._failed, self._progress = done, failed, progress
        self._executor: ThreadPoolExecutor | None = None
        self._future: Future[Any] | None = None
        self._canceled = threading.Event()
        self._step = self._shownStep = (0, 1)
        self._timer = qt.QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.connect("timeout()", self.onTimeout)

    @property
    def running(self) -> bool:
        """Whether there is work."""
        return self._future is not None

    def start(self, work: Callable[[Progress], Any]) -> None:
        """Begin; what runs already is canceled and its result thrown away.

        Parameters
        ----------
        work
            Gets a `Progress` that it calls after each step.
        """
        self.cancel()
        canceled = self._canceled = threading.Event()
        self._step = self._shownStep = (0, 1)

        def progress(done: int, total: int, what: str) -> None:
            if canceled.is_set():
                raise WorkCanceledError("Canceled.")
            self._step = (done, total)

        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "CEMSynth")
        self._future = self._executor.submit(work, progress)
        self._timer.start()

    def cancel(self) -> None:
        """Stop at the end of the present step; nothing is called any more."""
        self._canceled.set()
        self._future = None
        self._timer.stop()

    def cleanup(self) -> None:
        """Let go of the thread."""
        self.cancel()
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def onTimeout(self) -> None:
        """Let the thread work, then tell how far it is."""
        future = self._future
        if future is None:
            return
        wait([future], timeout=_SLICE_SECONDS)
        if self._step != self._shownStep:
            self._shownStep = self._step
            self._progress(*self._step)
        if not future.done() or self._future is not future:
            return
        self.cancel()
        try:
            result = future.result()
        except CEMSynthError as error:
            self._failed(str(error))
        else:
            self._done(result)
