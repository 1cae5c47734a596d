"""Command process: the command `cemsynth` as a child process in Slicer's Python, with its progress."""

import json
from collections.abc import Callable, Sequence

from CEMSynthLib.desktop.child_process import NOT_STARTED, ChildProcess
from CEMSynthLib.desktop.python_program import commandArguments, pythonProgram

#: What a line of progress begins with (`CEMSynthLib.commands.progress_bar`).
PROGRESS = "@progress "


class CommandLines:
    """Takes apart what a command prints: lines of progress, and all others.

    Parameters
    ----------
    onProgress
        Gets done, total and what.
    onLine
        Gets every other line.
    """

    def __init__(
        self, onProgress: Callable[[int, int, str], None], onLine: Callable[[str], None] = lambda line: None
    ) -> None:
        self._onProgress, self._onLine = onProgress, onLine
        self._rest = b""
        #: The lines without progress.
        self.lines: list[str] = []

    @property
    def last(self) -> str:
        """The last sentence that the command has said, without its name."""
        return self.lines[-1].removeprefix("cemsynth: ") if self.lines else ""

    def feed(self, piece: bytes) -> None:
        """Take a piece of output, with several lines or a part of one."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self.take(line.decode("utf-8", "replace").rstrip())

    def take(self, line: str) -> None:
        """Take one line."""
        if line.startswith(PROGRESS):
            try:
                done, total, what = json.loads(line.removeprefix(PROGRESS))
            except ValueError:
                return
            self._onProgress(int(done), int(total), str(what))
        elif line:
            self.lines.append(line)
            self._onLine(line)


class CommandProcess:
    """One command at a time, run by Qt. Nothing here waits, but for `stop`.

    Parameters
    ----------
    onFinished
        Exit code (0 done, 2 cannot be done, -1 crashed) and the last sentence that the command has said.
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
        self._lines = CommandLines(onProgress, onLog)
        self._child = ChildProcess(self._onOutput, self._onLine, self._onEnded)

    @property
    def running(self) -> bool:
        """Whether the command runs."""
        return self._child.running

    def start(self, arguments: Sequence[str]) -> None:
        """Run ``cemsynth`` with these arguments."""
        self._lines = CommandLines(self._onProgress, self._onLog)
        self._child.start(pythonProgram(), commandArguments(*arguments))

    def stop(self) -> None:
        """End the command and tell nobody. Given a moment it leaves nothing half-written."""
        self._child.stop()

    def _onOutput(self, piece: bytes) -> None:
        self._lines.feed(piece)

    def _onLine(self, line: str) -> None:
        self._lines.take(line)

    def _onEnded(self, exitCode: int, crashed: bool) -> None:
        self._onFinished(NOT_STARTED if crashed else exitCode, self._lines.last)
