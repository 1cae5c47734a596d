"""A stand-in for QProcess on top of subprocess: real processes, and only the members of Qt that the module uses.

Qt tells of output when its event loop runs; here a test calls ``pump()``, on the main thread as in Qt.
"""

import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar


class ByteArray:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def data(self) -> bytes:
        return self.content


class QProcess:
    SeparateChannels = 0
    NormalExit, CrashExit = 0, 1
    NotRunning, Starting, Running = 0, 1, 2
    FailedToStart, Crashed = 0, 1
    #: Every process that was started, for pump() and for tests that kill one.
    made: ClassVar[list["QProcess"]] = []
    SIGNALS = (
        "readyReadStandardOutput()",
        "readyReadStandardError()",
        "finished(int,QProcess::ExitStatus)",
        "errorOccurred(QProcess::ProcessError)",
    )

    def __init__(self) -> None:
        self.slots: dict[str, list[Any]] = {name: [] for name in self.SIGNALS}
        self.process: subprocess.Popen[bytes] | None = None
        self.read: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self.threads: list[threading.Thread] = []
        self.failed = self.told = False

    def setProcessChannelMode(self, mode: int) -> None:
        assert mode == self.SeparateChannels

    def connect(self, signal: str, slot: Any) -> None:
        self.slots[signal].append(slot)

    def disconnect(self, signal: str, slot: Any) -> None:
        self.slots[signal].remove(slot)

    def start(self, program: str, arguments: list[str]) -> None:
        assert isinstance(arguments, list)
        self.made.append(self)
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen([program, *arguments], stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError:
            self.failed = True
            return
        for name in self.read:
            thread = threading.Thread(target=self._listen, args=(name, getattr(self.process, name)), daemon=True)
            thread.start()
            self.threads.append(thread)

    def write(self, data: bytes) -> int:
        assert isinstance(data, bytes)
        if self.process is None or self.process.stdin is None:
            return -1
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except OSError:
            return -1
        return len(data)

    def closeWriteChannel(self) -> None:
        if self.process is not None and self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def state(self) -> int:
        return self.Running if self.process is not None and self.process.poll() is None else self.NotRunning

    def waitForFinished(self, milliseconds: int) -> bool:
        if self.process is None:
            return False
        try:
            self.process.wait(milliseconds / 1000)
        except subprocess.TimeoutExpired:
            return False
        return True

    def readAllStandardOutput(self) -> ByteArray:
        return self._take("stdout")

    def readAllStandardError(self) -> ByteArray:
        return self._take("stderr")

    def exitStatus(self) -> int:
        return self.CrashExit if self.process is not None and (self.process.poll() or 0) < 0 else self.NormalExit

    def error(self) -> int:
        return self.FailedToStart if self.failed else self.Crashed

    def _listen(self, name: str, stream: Any) -> None:
        while piece := stream.read1(65536):
            self.read[name] += piece

    def _take(self, name: str) -> ByteArray:
        content, self.read[name] = self.read[name], b""
        return ByteArray(content)

    def _emit(self, signal: str, *arguments: Any) -> None:
        for slot in list(self.slots[signal]):
            slot(*arguments)

    def _tell(self) -> None:
        if self.told:
            return
        ended = self.process is not None and self.process.poll() is not None
        if ended:
            for thread in self.threads:
                thread.join()
        if self.read["stdout"]:
            self._emit("readyReadStandardOutput()")
        if self.read["stderr"]:
            self._emit("readyReadStandardError()")
        if self.failed:
            self.told = True
            self._emit("errorOccurred(QProcess::ProcessError)", self.FailedToStart)
        elif ended and self.process is not None:
            self.told = True
            self._emit("finished(int,QProcess::ExitStatus)", max(self.process.returncode, 0), self.exitStatus())


def pump(until: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Tell of what processes did until a condition holds, as Qt's event loop would."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for process in list(QProcess.made):
            process._tell()
        if until():
            return True
        time.sleep(0.01)
    return until()


def end_all() -> None:
    """Leave no process behind."""
    for process in QProcess.made:
        if process.process is not None:
            process.closeWriteChannel()
            process.process.kill()
            process.process.wait()
    QProcess.made.clear()
