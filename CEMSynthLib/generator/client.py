"""Client: a loaded model in the worker process, used like one in this process (no torch here)."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from CEMSynthLib.generator.card import ModelCard, load_card
from CEMSynthLib.generator.client_process import WorkerProcess
from CEMSynthLib.generator.errors import CancelledError, WorkerError
from CEMSynthLib.generator.private_folder import inside
from CEMSynthLib.generator.protocol import Message, cancel, error_of, load_model, synthesize
from CEMSynthLib.generator.results import Provenance, SyntheticImage
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
        source, target = (inside(process.folder, f"{identity}-{name}.npy") for name in ("low-energy", "synthetic"))
        try:
            np.save(source, np.asarray(low_energy, dtype=np.float32), allow_pickle=False)
            answer = self._ask(process, synthesize(identity, source.name, target.name, window, spacing_mm), progress)
            pixels = np.load(target, allow_pickle=False)
        except OSError as error:
            raise WorkerError(f"The private folder {process.folder} cannot be used: {error.strerror}.") from error
        finally:
            for file in (source, target):
                file.unlink(missing_ok=True)
        self._where = answer
        return SyntheticImage(
            pixels=pixels,
            window=self.card.display_window,
            warnings=tuple(answer["warnings"]),
            provenance=Provenance(
                model_name=self.card.name,
                model_version=self.card.version,
                weights_sha256=self.card.weights_sha256,
                simulated_only=self.card.training.simulated_only,
                device=answer["device"],
                device_reason=answer["device_reason"],
                backend=answer["backend"],
                precision=answer["precision"],
                seconds=time.perf_counter() - start,
            ),
            training_range=answer["training_range"],
        )

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
