"""Child process: a program that Qt runs beside Slicer, told of by call-backs on the main thread."""

import codecs
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import qt

# Python owns a QProcess: freed within one of its own signals it would crash Slicer, so the last ones are kept.
_ENDED: deque[Any] = deque(maxlen=8)
#: Exit code of a program that could not be started.
NOT_STARTED = -1
# Enough to explain a failure, little enough to keep.
_LONGEST_LOG = 20000


class ChildProcess:
    """Runs one program. Nothing here waits, but for `stop`.

    Parameters
    ----------
    onOutput
        Gets each piece of bytes of the program's stdout.
    onLog
        Gets each complete line of the program's stderr, without its end.
    onEnded
        Called once when the program has ended: exit code (`NOT_STARTED` if it could not be started), and whether it
        crashed. Not called after `stop`.
    """

    def __init__(
        self,
        onOutput: Callable[[bytes], None],
        onLog: Callable[[str], None],
        onEnded: Callable[[int, bool], None],
    ) -> None:
        self._onOutput, self._onLog, self._onEnded = onOutput, onLog, onEnded
        self._process: Any = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        #: The last of what the program wrote to stderr.
        self.told = ""

    @property
    def running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._process is not None

    def start(self, program: str, arguments: Sequence[str]) -> None:
        """Start the program; that it cannot be started is told to ``onEnded``."""
        self._process = process = qt.QProcess()
        process.setProcessChannelMode(qt.QProcess.SeparateChannels)
        process.connect("readyReadStandardOutput()", self._readOutput)
        process.connect("readyReadStandardError()", self._readLog)
        process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        process.connect("errorOccurred(QProcess::ProcessError)", self._failed)
        process.start(program, list(arguments))

    def write(self, data: bytes) -> None:
        """Write to the program's stdin; nothing where it has ended."""
        if self._process is not None:
            self._process.write(data)

    def closeInput(self) -> None:
        """Let the program see the end of its stdin."""
        if self._process is not None:
            self._process.closeWriteChannel()

    def kill(self) -> None:
        """End the program at once; ``onEnded`` is told when it has ended."""
        if self._process is not None:
            # PythonSlicer starts the real Python, which outlives it: it ends at the end of its stdin.
            self._process.closeWriteChannel()
            self._process.kill()

    def stop(self, waitMs: int = 2000) -> None:
        """End the program and tell nobody: close its stdin, wait for it so long, then kill it."""
        process = self._release()
        if process is None:
            return
        process.closeWriteChannel()
        if process.state() != qt.QProcess.NotRunning and not process.waitForFinished(waitMs):
            process.kill()
            process.waitForFinished(waitMs)

    def _release(self) -> Any:
        """Let go of the process: Qt keeps what it calls alive until it is disconnected."""
        process, self._process = self._process, None
        if process is not None:
            _ENDED.append(process)
            process.disconnect("readyReadStandardOutput()", self._readOutput)
            process.disconnect("readyReadStandardError()", self._readLog)
            process.disconnect("finished(int,QProcess::ExitStatus)", self._finished)
            process.disconnect("errorOccurred(QProcess::ProcessError)", self._failed)
        return process

    def _readOutput(self) -> None:
        if self._process is not None:
            self._onOutput(bytes(self._process.readAllStandardOutput().data()))

    def _readLog(self) -> None:
        if self._process is None:
            return
        # Progress bars end their lines with a carriage return.
        text = self._decoder.decode(bytes(self._process.readAllStandardError().data())).replace("\r", "\n")
        self.told = (self.told + text)[-_LONGEST_LOG:]
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if line.strip():
                self._onLog(line.rstrip())

    def _finished(self, exitCode: int, exitStatus: int) -> None:
        self._readOutput()
        self._readLog()
        if self._process is not None:
            crashed = self._process.exitStatus() == qt.QProcess.CrashExit
            self._end(exitCode, crashed)

    def _failed(self, error: int) -> None:
        # Every other error is followed by "finished".
        if self._process is not None and self._process.error() == qt.QProcess.FailedToStart:
            self._end(NOT_STARTED, True)

    def _end(self, exitCode: int, crashed: bool) -> None:
        self._release()
        self._onEnded(exitCode, crashed)
