"""Opening: a study is read in slices of time, between which Slicer answers; so there is nothing to wait in front of.

A child process would start in a second and hand back hundreds of headers; threads of Python stand still while Slicer's
main thread is in Qt. Reading file by file on a timer needs neither: a header takes milliseconds.
"""

import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import qt

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.study.model import StudyFolder

# Longer slices read no faster; shorter ones are lost in the event queue.
_SLICE_S = 0.03

Opened = tuple[StudyFolder, StudyFolder | None]


class StudyOpening:
    """One opening. Exactly one of ``onDone`` and ``onFailed`` is called, none of them after `cancel`.

    Parameters
    ----------
    paths
        A folder, archive or DICOMDIR, or several files.
    synthetic
        A folder of synthetic images, or ``None``.
    onProgress
        Gets files done and files in all (0 while they are being listed).
    onDone
        Gets the study and the synthetic images.
    onFailed
        Gets the sentence for the user.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        synthetic: Path | None,
        onProgress: Callable[[int, int], None],
        onDone: Callable[[StudyFolder, StudyFolder | None], None],
        onFailed: Callable[[str], None],
    ) -> None:
        self._steps = _steps(paths, synthetic)
        self._onProgress, self._onDone, self._onFailed = onProgress, onDone, onFailed
        self._timer: Any = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._read)

    def start(self) -> None:
        """Begin; returns at once."""
        self._timer.start()

    def cancel(self) -> None:
        """Stop reading and tell nobody."""
        self._end()

    def _read(self) -> None:
        until = time.perf_counter() + _SLICE_S
        try:
            done, total = next(self._steps)
            while time.perf_counter() < until:
                done, total = next(self._steps)
        except StopIteration as end:
            self._end()
            self._onDone(*end.value)
        except CEMSynthError as error:
            self._end()
            self._onFailed(str(error))
        else:
            self._onProgress(done, total)

    def _end(self) -> None:
        self._timer.stop()
        self._steps.close()


def _steps(paths: Sequence[Path], synthetic: Path | None) -> Generator[tuple[int, int], None, Opened]:
    # Imported here: pydicom takes as long as the module may take to open.
    from CEMSynthLib.study.reader import reading

    found = yield from reading(paths)
    if synthetic is None:
        return found, None
    return found, (yield from reading([synthetic]))
