"""Client: a loaded model in the worker process, used like one in this process (no torch here)."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from CEMSynthLib.generator.card import ModelCard, load_card
from CEMSynthLib.generator.client_job import delete_job, read_job, write_job
from CEMSynthLib.generator.client_process import WorkerProcess
from CEMSynthLib.generator.errors import CancelledError
from CEMSynthLib.generator.protocol import Message, cancel, error_of, load_model
from CEMSynthLib.generator.results import SyntheticImage
from CEMSynthLib.generator.store import find_model
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import CEMImage, FloatImage, VOIWindow


class WorkerGenerator:
    """A model loaded in a worker process of its own; a context manager, so that the process surely ends.

    After a crash, or a cancel that had to end the process, the next call starts a new one by itself.

    Parameters
    ----------
    model, device, precision, backend
        See `predictor.Predictor`.
    command
        What starts the worker (see `client_process.WorkerProcess`).

    Raises
    ------
    ModelError
        The model is missing, malformed, or not the one its card names.
    DeviceError
        The device is unknown or cannot be used.
    MissingPackageError
        PyTorch is not installed.
    WorkerError
        The worker cannot be started.
    """

    def __init__(
        self,
        model: str | Path = "demo",
        device: str = "auto",
        precision: str = "auto",
        backend: str = "auto",
        command: Sequence[str] | None = None,
    ) -> None:
        self.folder = find_model(model).resolve()
        self.card: ModelCard = load_card(self.folder)
        self._asked = (str(self.folder), device, precision, backend)
        self._command = command
        self._process: WorkerProcess | None = None
        self._jobs = 0
        self._running: str | None = None
        self._lock = threading.Lock()
        self._where: dict[str, Any] = {}
        self._start()

    def __enter__(self) -> "WorkerGenerator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        return str(self._where["device"])

    @property
    def device_reason(self) -> str:
        """A sentence: which device, and why."""
        return str(self._where["device_reason"])

    def close(self) -> None:
        """End the worker and delete its private folder."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def synthesize(self, image: CEMImage, progress: Progress = silent) -> SyntheticImage:
        """Make the synthetic image of one low-energy image, whose pixels are read here.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            The pixels cannot be read, no breast is found, or the device fails; `errors.CancelledError` after `cancel`.
        """
        return self.synthesize_array(image.pixels(), image.window, image.grid.spacing_mm, progress)

    def synthesize_array(
        self,
        low_energy: FloatImage,
        window: VOIWindow,
        spacing_mm: tuple[float, float] | None,
        progress: Progress = silent,
    ) -> SyntheticImage:
        """Make the synthetic image of an array (see `predictor.Predictor.synthesize_array`)."""
        start = time.perf_counter()
        process = self._process or self._start()
        identity = self._next()
        try:
            request = write_job(process.folder, identity, low_energy, window, spacing_mm)
            answer = self._ask(process, request, progress)
            made = read_job(process.folder, answer, self.card, time.perf_counter() - start)
        finally:
            delete_job(process.folder, identity)
        self._where = answer
        return made

    def cancel(self) -> None:
        """Stop the running job, from another thread; it raises `errors.CancelledError` there. Without one: nothing."""
        with self._lock:
            process, identity = self._process, self._running
        if process is not None and identity is not None:
            process.send(cancel(identity))

    def _start(self) -> WorkerProcess:
        process = WorkerProcess(self._command)
        self._process = process
        try:
            self._where = self._ask(process, load_model(self._next(), *self._asked))
        except BaseException:
            self.close()
            raise
        return process

    def _next(self) -> str:
        self._jobs += 1
        return f"job{self._jobs}"

    def _ask(self, process: WorkerProcess, request: Message, progress: Progress = silent) -> Message:
        """Send a request and wait for its answer."""
        with self._lock:
            self._running = request["id"]
        try:
            process.send(request)
            while True:
                answer = process.receive()
                if answer.get("id") != request["id"] or answer["type"] == "cancel":
                    continue
                if answer["type"] == "progress":
                    progress(answer["done"], answer["total"], answer["what"])
                    continue
                break
        except BaseException:
            # Also after Ctrl-C, or a progress that raised: an answer on its way would be taken for another job's.
            self.close()
            raise
        finally:
            with self._lock:
                self._running = None
        if answer["type"] != "error":
            return answer
        if answer.get("worker_ends"):
            self.close()
        error = error_of(answer)
        if isinstance(error, CancelledError):
            raise CancelledError("The synthesis was stopped.")
        raise error
