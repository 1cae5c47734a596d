"""Time left: how long the rest of a run takes, from the images that are done or from earlier runs on this machine."""

import time
from collections.abc import Callable

import qt
import slicer

_SETTING = "CEMSynth/SecondsPerImage"


class TimeLeft:
    """Estimates the end of a run.

    Parameters
    ----------
    what
        What the time depends on (model and device); the time of one image is kept under it on this machine.
    count
        How many images.
    clock
        Seconds that pass.
    """

    def __init__(self, what: str, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._setting = f"{_SETTING}/{what}"
        self._count, self._clock = count, clock
        self._done, self._began = 0, clock()
        self._each = float(slicer.util.settingsValue(self._setting, 0.0, converter=float))

    def begin(self) -> None:
        """The model is loaded: the first image begins."""
        self._began = self._clock()

    def imageDone(self) -> None:
        """One more image is done."""
        self._done += 1
        self._each = (self._clock() - self._began) / self._done
        qt.QSettings().setValue(self._setting, self._each)

    def seconds(self) -> float | None:
        """Seconds left; ``None`` while nothing is known."""
        if self._each <= 0:
            return None
        return max(0.0, self._count * self._each - (self._clock() - self._began))

    def fraction(self) -> float | None:
        """How much of the run is done, 0 to 1; ``None`` while nothing is known."""
        if self._each <= 0:
            return None
        elapsed = self._clock() - self._began
        # Never beyond the image that runs, however long it takes.
        return min(elapsed / (self._count * self._each), (self._done + 0.95) / self._count, 1.0)


def durationText(seconds: float) -> str:
    """Seconds as ``12 s`` or ``2 min 05 s``."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
