"""Sample: a simulated study, made on this computer the first time it is asked for, and kept for the next time."""

from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.command_process import CommandProcess
from CEMSynthLib.phantom.version import SIMULATOR_VERSION

#: Large enough for a look at lesions, made in eight seconds on one core.
SPACING_MM = 0.2
#: The patient of `cemsynth demo`: enhancing lesions in both breasts, and a halo.
SEED, PATIENT = 2026, 267


def sampleFolder() -> Path:
    """Where the simulated study is kept: in Slicer's cache, which the user can empty."""
    cache = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory())
    return cache / f"CEMSynth-sample-{SIMULATOR_VERSION}-{SEED}-{PATIENT}"


def isSimulated(folder: Path) -> bool:
    """Whether the study is complete: this file is written last."""
    return any(folder.glob("truth/*/patient.json"))


class SampleSimulation:
    """One simulation in a child process. One of ``onDone`` and ``onFailed`` is called, none of them after `cancel`.

    Parameters
    ----------
    onDone
        Gets the folder of DICOM files; called at once where the study is there already.
    onFailed
        Gets the sentence for the user.
    """

    def __init__(self, onDone: Callable[[Path], None], onFailed: Callable[[str], None]) -> None:
        self._onDone, self._onFailed = onDone, onFailed
        self._folder = sampleFolder()
        self._process = CommandProcess(self._onFinished, lambda done, total, what: None, lambda line: None)

    def start(self) -> None:
        """Begin; returns at once."""
        if isSimulated(self._folder):
            self._onDone(self._folder / "dicom")
            return
        self._process.start(
            [
                *("simulate", "--output", str(self._folder)),
                *("--seed", str(SEED), "--first", str(PATIENT), "--pixel-spacing-mm", str(SPACING_MM)),
            ]
        )

    def cancel(self) -> None:
        """Stop; a later start goes on from here."""
        self._process.stop()

    def _onFinished(self, code: int, said: str) -> None:
        if code == 0 and isSimulated(self._folder):
            self._onDone(self._folder / "dicom")
        else:
            self._onFailed(_("The sample study could not be made: {reason}").format(reason=said))
