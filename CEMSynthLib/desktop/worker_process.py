"""Worker process: the generator's worker, run by Qt; the same protocol as `CEMSynthLib.generator.client`."""

from collections.abc import Callable
from pathlib import Path

from slicer.i18n import tr as _

from CEMSynthLib.desktop.child_process import NOT_STARTED, ChildProcess
from CEMSynthLib.desktop.python_program import pythonProgram
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.client_job import ended_error, folder_error
from CEMSynthLib.generator.client_process import WORKER_FILE
from CEMSynthLib.generator.errors import WorkerError
from CEMSynthLib.generator.private_folder import make_private_folder, remove_private_folder
from CEMSynthLib.generator.protocol import LineSplitter, Message, ProtocolError, decode, encode, error_of, hello


class WorkerProcess:
    """One worker with its private folder. It is started by its path and ends with Slicer, whatever happens.

    Parameters
    ----------
    onMessage
        Gets every answer but that to ``hello``.
    onLog
        Gets each line that the worker's libraries print.
    onEnded
        Gets the error when the worker ended although nobody asked for that; its folder is gone then.

    Raises
    ------
    WorkerError
        The private folder cannot be made.
    """

    def __init__(
        self,
        onMessage: Callable[[Message], None],
        onLog: Callable[[str], None],
        onEnded: Callable[[CEMSynthError], None],
    ) -> None:
        self._onMessage, self._onEnded = onMessage, onEnded
        self._lines = LineSplitter()
        try:
            self.folder: Path = make_private_folder()
        except OSError as error:
            raise folder_error(Path(error.filename or "."), error) from error
        self._child = ChildProcess(self._onOutput, onLog, self._onChildEnded)
        self._child.start(pythonProgram(), [str(WORKER_FILE)])
        self.send(hello(str(self.folder)))

    @property
    def running(self) -> bool:
        """Whether requests can be sent."""
        return self._child.running

    def send(self, message: Message) -> None:
        """Send a request; the answer comes to ``onMessage``, or the end of the worker to ``onEnded``."""
        self._child.write(encode(message))

    def kill(self) -> None:
        """End a worker that does not answer; told to ``onEnded``."""
        self._child.kill()

    def stop(self) -> None:
        """End the worker and remove its folder; told to nobody."""
        self._child.stop()
        remove_private_folder(self.folder)

    def _onOutput(self, piece: bytes) -> None:
        for line in self._lines.feed(piece):
            try:
                message = decode(line)
            except ProtocolError:
                continue  # a worker never writes such a line; the job's own answer is still to come
            if message["type"] == "hello":
                continue
            if message["type"] == "error" and message.get("id") is None and not message.get("worker_ends"):
                # Only a request that this class sends without an identity: hello, to a worker of another version.
                self.stop()
                self._onEnded(error_of(message))
                return
            self._onMessage(message)

    def _onChildEnded(self, exitCode: int, crashed: bool) -> None:
        remove_private_folder(self.folder)
        if exitCode == NOT_STARTED:
            self._onEnded(WorkerError(_("Slicer's Python (PythonSlicer) could not be started; install Slicer again.")))
        else:
            self._onEnded(ended_error(None if crashed else exitCode, crashed, self._child.told))
