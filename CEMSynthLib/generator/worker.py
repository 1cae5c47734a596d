"""Worker: the process that holds the loaded generator; requests on stdin, answers on stdout (see ``protocol.md``).

Start it with ``python -m CEMSynthLib.generator.worker``, or by the path of this file with nothing on the Python path.
It ends when its stdin closes, so it never outlives the program that started it.
"""

import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

if TYPE_CHECKING:
    from CEMSynthLib.generator.protocol import Message

# So long a cancelled job may take to stop by itself, which keeps the model loaded; then the process ends.
_PATIENCE_S = 0.5
#: Exit code after a job that had to be abandoned.
ABANDONED = 75


class Job:
    """A request that waits or runs. It is answered once, by the job itself or by its cancellation."""

    def __init__(self, request: "Message", worker: "Worker") -> None:
        self.request = request
        self.identity: str | None = request.get("id")
        self.stopped = threading.Event()
        self._worker = worker
        self._lock = threading.Lock()
        self._answered = False

    def answer(self, message: "Message") -> bool:
        """Send the answer, unless there was one."""
        with self._lock:
            if self._answered:
                return False
            self._answered = True
            self._worker.send({**message, "id": self.identity})
            return True


class Worker:
    """Reads requests in a thread of its own, and does them one after the other in the main thread."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        from CEMSynthLib.generator.worker_jobs import WorkerJobs

        self._requests, self._answers = requests, answers
        self._jobs = WorkerJobs()
        self._waiting: queue.Queue[Job] = queue.Queue()
        self._open: dict[str, Job] = {}
        self._writing = threading.Lock()

    def run(self) -> None:
        """Work until shutdown is asked for; the end of stdin ends the process from the reading thread."""
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            job = self._waiting.get()
            if job.request["type"] == "shutdown":
                job.answer({"type": "shutdown"})
                self._end(0)
            self._do(job)
            if job.identity is not None:
                self._open.pop(job.identity, None)

    def send(self, message: "Message") -> None:
        """Write one line."""
        from CEMSynthLib.generator.protocol import encode

        with self._writing:
            try:
                self._answers.write(encode(message))
                self._answers.flush()
            except OSError:  # nobody listens any more
                self._end(0)

    def _do(self, job: Job) -> None:
        from CEMSynthLib.errors import CEMSynthError
        from CEMSynthLib.generator.errors import CancelledError
        from CEMSynthLib.generator.protocol import error_kind

        kind, request = job.request["type"], job.request
        failure: Message = {"type": "error", "kind": "internal", "text": "The worker failed.", "worker_ends": True}
        try:
            if job.stopped.is_set():
                raise CancelledError("Stopped.")
            if kind == "synthesize":
                fields = self._jobs.synthesize(request, self.send, job.stopped.is_set)
            else:
                fields = getattr(self._jobs, kind)(request)
            failure = {"type": kind, **fields}
        except CEMSynthError as error:
            failure = _error(error_kind(error), str(error))
        except MemoryError:
            failure = _error("out_of_memory", "There is too little free memory; close other programs.")
        except ImportError as error:
            failure = _error("missing_package", _missing(error))
        finally:
            job.answer(failure)

    def _read(self) -> None:
        from CEMSynthLib.generator.protocol import LONGEST_LINE, ProtocolError, parse_request

        while line := self._requests.readline(LONGEST_LINE + 1):
            if not line.strip():
                continue
            try:
                if len(line) > LONGEST_LINE:
                    while line and not line.endswith(b"\n"):
                        line = self._requests.readline(LONGEST_LINE)
                    raise ProtocolError("The line is too long.")
                request = parse_request(line)
            except ProtocolError as error:
                self.send({**_error("bad_request", str(error)), "id": None})
                continue
            if request["type"] == "cancel":
                self._cancel(request["id"])
                continue
            job = Job(request, self)
            if job.identity is not None:
                self._open[job.identity] = job
            self._waiting.put(job)
        self._end(0)

    def _cancel(self, identity: str) -> None:
        job = self._open.get(identity)
        self.send({"type": "cancel", "id": identity, "found": job is not None})
        if job is not None:
            job.stopped.set()
            timer = threading.Timer(_PATIENCE_S, self._abandon, [job])
            timer.daemon = True
            timer.start()

    def _abandon(self, job: Job) -> None:
        """A job that did not stop in time is left with its process; one that only waits is answered."""
        waits = job in list(self._waiting.queue)
        if job.answer({**_error("cancelled", "Stopped."), "worker_ends": not waits}) and not waits:
            os._exit(ABANDONED)

    def _end(self, code: int) -> NoReturn:
        """End now, whatever runs; the client's folder goes too, in case the client is gone."""
        from CEMSynthLib.generator.private_folder import remove_private_folder

        if self._jobs.folder is not None:
            remove_private_folder(self._jobs.folder)
        os._exit(code)


def main() -> None:
    """Take stdin and stdout for the protocol, and work."""
    answers = _claim_stdout()
    _find_package()
    # Ctrl-C in a terminal reaches this process too; the client decides what stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Worker(os.fdopen(os.dup(0), "rb"), answers).run()


def _claim_stdout() -> BinaryIO:
    """Keep stdout for answers; whatever libraries print goes to stderr."""
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(answers, "wb")


def _find_package() -> None:
    """Make `CEMSynthLib` importable when this file was started by its path.

    Python then puts this file's folder on the path, where ``errors.py`` would hide other modules of such names. The
    folder above the package is on the path only while the package is found.
    """
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != here]
    if "CEMSynthLib" not in sys.modules:
        sys.path.insert(0, str(here.parents[1]))
        import CEMSynthLib  # noqa: F401

        del sys.path[0]


def _error(kind: str, text: str) -> "Message":
    return {"type": "error", "kind": kind, "text": text, "worker_ends": False}


def _missing(error: ImportError) -> str:
    package = (error.name or "").split(".")[0] or "that is needed"
    return f"The Python package {package} is not installed or does not load; run: pip install 'cemsynth[generator]'"


if __name__ == "__main__":
    main()
