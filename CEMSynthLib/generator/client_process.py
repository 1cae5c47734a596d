"""Client process: starts the worker, talks with it line by line, and never leaves it or its folder behind."""

import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from CEMSynthLib.generator.client_job import ended_error
from CEMSynthLib.generator.errors import WorkerError
from CEMSynthLib.generator.private_folder import make_private_folder, remove_private_folder
from CEMSynthLib.generator.protocol import LineSplitter, Message, ProtocolError, decode, encode, error_of, hello

# Started by its path, so it needs nothing on the Python path of the child.
WORKER_FILE = Path(__file__).resolve().with_name("worker.py")
_LOG = "worker.log"
# A start on a slow disk takes seconds; a worker that says nothing for a minute is broken.
_START_S = 60.0
_END_S = 5.0


class WorkerProcess:
    """One worker process with its private folder.

    Parameters
    ----------
    command
        What starts the worker; by default this Python with ``worker.py``.

    Raises
    ------
    WorkerError
        It cannot be started, or speaks another protocol.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self.folder = make_private_folder()
        self._answers: queue.Queue[Message | None] = queue.Queue()
        self._log: IO[bytes] = (self.folder / _LOG).open("wb")
        try:
            self._process = subprocess.Popen(
                list(command or (sys.executable, str(WORKER_FILE))),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self._log.close()
            remove_private_folder(self.folder)
            raise WorkerError(f"The worker process cannot be started: {error.strerror}.") from error
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self.send(hello(str(self.folder)))
            answer = self.receive(_START_S)
            if answer["type"] == "error":
                raise error_of(answer)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Send one message.

        Raises
        ------
        WorkerError
            The worker has ended.
        """
        stdin = self._process.stdin
        try:
            if stdin is None:
                raise BrokenPipeError
            stdin.write(encode(message))
            stdin.flush()
        except (OSError, ValueError) as error:
            raise self._ended() from error

    def receive(self, timeout: float | None = None) -> Message:
        """Wait for the next message.

        Raises
        ------
        WorkerError
            The worker has ended, or said nothing for ``timeout`` seconds.
        """
        try:
            message = self._answers.get(timeout=timeout)
        except queue.Empty as error:
            raise WorkerError(f"The worker process has not answered for {timeout:.0f} s.") from error
        if message is None:
            raise self._ended()
        return message

    def close(self) -> None:
        """End the process, politely and then not, and delete its folder."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            try:
                self._process.stdin.close()  # at the end of its stdin the worker ends, whatever it is doing
            except OSError:
                self._process.kill()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        remove_private_folder(self.folder)

    def _listen(self) -> None:
        stdout = self._process.stdout
        splitter = LineSplitter()
        while stdout is not None and (piece := stdout.read1(65536)):  # type: ignore[attr-defined]
            for line in splitter.feed(piece):
                try:
                    self._answers.put(decode(line))
                except ProtocolError:
                    continue  # a worker never writes such a line; the job's own answer is still to come
        if stdout is not None:
            stdout.close()
        self._answers.put(None)

    def _ended(self) -> WorkerError:
        try:
            code: int | None = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            code = None
        crashed = code is not None and code < 0
        return ended_error(-code if crashed and code is not None else code, crashed, self._told())

    def _told(self) -> str:
        try:
            return (self.folder / _LOG).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
