"""Command process: the command `cemsynth` as a child process in Slicer's Python, with its progress."""

import json
from collections.abc import Callable, Sequence

from CEMSynthLib.desktop.child_process import ChildProcess
from CEMSynthLib.desktop.python_program import commandArguments, pythonProgram

#: What a line of progress begins with (`CEMSynthLib.commands.progress_bar`).
PROGRESS = "@progress "


class CommandProcess:
    """One run of a command. Nothing here waits, but for `stop`.

    Parameters
    ----------
    onFinished
        Exit code (0 done, 2 cannot be done) and the last sentence that the command has said.
    onProgress
        Gets done, total and what.
    onLog
        Gets every other line.
    """

    def __init__(
        self,
        onFinished: Callable[[int, str], None],
        onProgress: Callable[[int, int, str], None],
        onLog: Callable[[str], None],
    ) -> None:
        self._onFinished, self._onProgress, self._onLog = onFinished, onProgress, onLog
        self._child = ChildProcess(self._onOutput, self._onLine, self._onEnded)
        self._rest = b""
        self._last = ""

    @property
    def running(self) -> bool:
        """Whether the command runs."""
        return self._child.running

    def start(self, arguments: Sequence[str]) -> None:
        """Run ``cemsynth`` with these arguments."""
        self._child.start(pythonProgram(), commandArguments(*arguments))

    def stop(self) -> None:
        """End the command and tell nobody. Given a moment it leaves nothing half-written."""
        self._child.stop()

    def _onOutput(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._onLine(line.decode("utf-8", "replace").rstrip())

    def _onLine(self, line: str) -> None:
        if line.startswith(PROGRESS):
            try:
                done, total, what = json.loads(line.removeprefix(PROGRESS))
            except ValueError:
                return
            self._onProgress(int(done), int(total), str(what))
        elif line:
            self._last = line
            self._onLog(line)

    def _onEnded(self, exitCode: int, crashed: bool) -> None:
        self._onFinished(-1 if crashed else exitCode, self._last.removeprefix("cemsynth: "))
