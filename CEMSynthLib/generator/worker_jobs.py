"""Worker jobs: what the worker does for each request; PyTorch and OpenVINO are imported at the first job."""

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from CEMSynthLib import __version__
from CEMSynthLib.generator.backends import Stop
from CEMSynthLib.generator.client_job import folder_error
from CEMSynthLib.generator.errors import PreparationError, WorkerError
from CEMSynthLib.generator.private_folder import PREFIX, inside
from CEMSynthLib.generator.protocol import PROTOCOL_VERSION, Message
from CEMSynthLib.study.model import FloatImage, VOIWindow

if TYPE_CHECKING:
    from CEMSynthLib.generator.predictor import Predictor

Send = Callable[[Message], None]
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


class WorkerJobs:
    """The state of a worker: its private folder and the loaded model.

    Methods are named after the requests; each returns the fields of the answer.
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._predictor: Predictor | None = None
        self._loaded: tuple[str, ...] = ()

    def hello(self, request: Message) -> Message:
        """Agree on the protocol and the private folder."""
        if request["protocol"] != PROTOCOL_VERSION:
            raise WorkerError(
                f"The worker speaks protocol {PROTOCOL_VERSION}, not {request['protocol']}: worker and program are of "
                "different versions of CEMSynth; install one of them again."
            )
        folder = Path(request["folder"])
        if not folder.is_absolute() or not folder.name.startswith(PREFIX) or not folder.is_dir():
            raise WorkerError(f"The private folder must be there and its name must begin with {PREFIX}.")
        self.folder = folder
        return {"protocol": PROTOCOL_VERSION, "version": __version__, "pid": os.getpid()}

    def devices(self, request: Message) -> Message:
        """Tell which devices there are."""
        from CEMSynthLib.generator.devices import describe_devices

        return {"devices": describe_devices(), "python": platform.python_version(), "executable": sys.executable}

    def load_model(self, request: Message) -> Message:
        """Load a model, unless it is loaded already."""
        from CEMSynthLib.generator.predictor import Predictor

        start = time.perf_counter()
        asked = tuple(request[name] for name in ("model", "device", "precision", "backend"))
        if self._predictor is None or asked != self._loaded:
            self._predictor, self._loaded = None, ()  # the old model's memory is free before the new one comes
            self._predictor, self._loaded = Predictor(*asked), asked
        card = self._predictor.card
        return {
            "folder": str(self._predictor.folder),
            "name": card.name,
            "version": card.version,
            "weights_sha256": card.weights_sha256,
            **self._where(self._predictor),
            "seconds": time.perf_counter() - start,
        }

    def synthesize(self, request: Message, send: Send, stop: Stop) -> Message:
        """Read the low-energy image, make the synthetic one, write it beside."""
        if self._predictor is None:
            raise WorkerError("No model is loaded; send load_model first.")
        if self.folder is None:
            raise WorkerError("There is no private folder yet; send hello first.")
        source, target = (inside(self.folder, request[name]) for name in ("input", "output"))
        pixels = _read(source)

        def tell(done: int, total: int, what: str) -> None:
            send({"type": "progress", "id": request["id"], "done": done, "total": total, "what": what})

        made = self._predictor.synthesize_array(
            pixels, _window(request["window"]), _spacing(request["spacing_mm"]), stop, tell
        )
        part = target.with_name(f".{target.name}.part")
        try:
            with part.open("wb") as file:
                np.save(file, made.pixels, allow_pickle=False)
            os.replace(part, target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise folder_error(self.folder, error) from error
        return {
            "output": target.name,
            "warnings": list(made.warnings),
            "training_range": made.training_range,
            **self._where(self._predictor),
            "seconds": made.provenance.seconds,
        }

    @staticmethod
    def _where(predictor: "Predictor") -> Message:
        backend = predictor.backend
        return {
            "device": backend.device,
            "device_reason": predictor.device_reason,
            "backend": backend.name,
            "precision": backend.precision,
        }


def _read(file: Path) -> FloatImage:
    try:
        pixels = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PreparationError(f"The image {file.name} in the private folder cannot be read as .npy.") from error
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.dtype.kind not in "fiu":
        raise PreparationError(f"The image {file.name} is no array of numbers with rows and columns.")
    return np.asarray(pixels, dtype=np.float32)


def _window(fields: Message) -> VOIWindow:
    center, width, function = (fields.get(name) for name in ("center", "width", "function"))
    if not (_is_number(center) and _is_number(width) and fields["width"] > 0 and function in _FUNCTIONS):
        raise WorkerError(f"The window needs a center, a width above 0 and a function of {', '.join(_FUNCTIONS)}.")
    return VOIWindow(float(fields["center"]), float(fields["width"]), str(function))


def _spacing(value: list[float] | None) -> tuple[float, float] | None:
    if value is None:
        return None
    if len(value) != 2 or not all(_is_number(one) and one > 0 for one in value):
        raise WorkerError("The pixel spacing must be null or two numbers above 0, in mm.")
    return float(value[0]), float(value[1])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300
