"""Synthesis: synthetic images of acquisitions in the scene, made by the worker while Slicer goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.python_program import pythonProgram
from CEMSynthLib.desktop.worker_process import WorkerProcess
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.card import ModelCard, load_card
from CEMSynthLib.generator.client_job import delete_job, read_job, write_job
from CEMSynthLib.generator.client_process import WORKER_FILE
from CEMSynthLib.generator.errors import CancelledError, PreparationError
from CEMSynthLib.generator.protocol import Message, cancel, error_of, load_model
from CEMSynthLib.generator.store import find_model
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.scene.synthetic_volume import SyntheticRecord, add_synthetic, low_energy_input
from CEMSynthLib.study.errors import UnreadableImageError

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

# The worker answers a cancel within half a second, or ends; one that does neither is ended.
_CANCEL_MS = 3000
# Identity of the request for devices.
_DEVICES = "devices"
_Asked = tuple[Callable[[Sequence[Mapping[str, Any]]], None], Callable[[CEMSynthError], None]]
#: What says that one image cannot be used; all other errors end a run.
_ABOUT_AN_IMAGE = (PreparationError, SceneError, UnreadableImageError)


@dataclass(frozen=True)
class SynthesisReport:
    """How a run ended.

    Parameters
    ----------
    made
        Keys of the acquisitions that have a new synthetic image.
    failed
        Sentences about acquisitions that could not be used.
    canceled
        Whether the user stopped it.
    error
        Why it ended before all were done.
    """

    made: tuple[str, ...]
    failed: tuple[str, ...] = ()
    canceled: bool = False
    error: CEMSynthError | None = None


class SynthesisListener(Protocol):
    """Who is told how a run goes; everything comes on the main thread."""

    def onStep(self, number: int, count: int, what: str) -> None:
        """Image ``number`` of ``count`` (from 1); ``what`` is "model", or the worker's word for its step."""

    def onDevice(self, reason: str) -> None:
        """The model is loaded; ``reason`` says on which device, and why."""

    def onImage(self, key: str, node: "vtkMRMLScalarVolumeNode") -> None:
        """A synthetic volume is in the scene."""

    def onLog(self, line: str) -> None:
        """What the worker's libraries print."""

    def onFinished(self, report: SynthesisReport) -> None:
        """The run ended; another one can be started."""


class Synthesis:
    """Makes synthetic images: `run` waits for them, `start` does not. One worker is kept for all runs.

    Only pixels, window and spacing of low-energy images ever go to the worker.

    Parameters
    ----------
    study
        Whose acquisitions.
    """

    def __init__(self, study: StudyInScene) -> None:
        self._study = study
        self._worker: WorkerProcess | None = None
        self._listener: SynthesisListener | None = None
        self._waiting: list[str] = []
        self._count = 0
        self._jobs = 0
        self._job = ""
        self._key = ""
        self._sourceID = ""
        self._started = datetime.now()
        self._card: ModelCard | None = None
        self._made: list[str] = []
        self._failed: list[str] = []
        self._canceled = False
        self._timer: Any = None
        self._asked: _Asked | None = None
        self._connected = False

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return self._listener is not None

    def run(
        self, keys: Sequence[str], model: str = "demo", device: str = "auto", progress: Progress = silent
    ) -> list["vtkMRMLScalarVolumeNode"]:
        """Make synthetic images and wait for them, with a worker of its own; for the Python console and scripts.

        Parameters
        ----------
        keys
            Of acquisitions (`StudyInScene.rows`).
        model
            Name of a model, or a model folder.
        device
            ``auto``, ``cpu``, ``cuda`` or ``mps``.
        progress
            Called after each image.

        Returns
        -------
        list of vtkMRMLScalarVolumeNode

        Raises
        ------
        CEMSynthError
            The first thing that went wrong; what was made before it stays.
        """
        from CEMSynthLib.generator.client import WorkerGenerator

        made = []
        with WorkerGenerator(model, device, command=(pythonProgram(), str(WORKER_FILE))) as generator:
            for number, key in enumerate(keys, start=1):
                source = self._lowEnergy(key)
                given = low_energy_input(source)
                image = generator.synthesize_array(given.pixels, given.window, given.spacing_mm)
                made.append(
                    add_synthetic(source, image.pixels, image.window, SyntheticRecord(**image.told(generator.card)))
                )
                progress(number, len(keys), "synthetic images")
        return made

    def start(self, keys: Sequence[str], model: str, device: str, listener: SynthesisListener) -> None:
        """Begin to make synthetic images; everything else is told to the listener.

        Raises
        ------
        CEMSynthError
            The model is not there, or the worker's folder cannot be made.
        """
        if self.running:
            return
        folder = find_model(model).resolve()
        self._card = load_card(folder)
        worker = self._startWorker()
        self._listener = listener
        self._waiting, self._count = list(keys), len(keys)
        self._made, self._failed, self._canceled = [], [], False
        listener.onStep(1, self._count, "model")
        worker.send(load_model(self._next(), str(folder), device))

    def cancel(self) -> None:
        """Stop the run; images made before stay. The loaded model stays where the network can be interrupted."""
        if not self.running or self._worker is None or self._canceled:
            return
        self._canceled = True
        self._worker.send(cancel(self._job))
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self._onCancelTimeout)
        self._timer.start(_CANCEL_MS)

    def askDevices(
        self,
        onDevices: Callable[[Sequence[Mapping[str, Any]]], None],
        onFailure: Callable[[CEMSynthError], None],
    ) -> None:
        """Let the worker try which devices there are; PyTorch is imported there. Not while a run goes on.

        Raises
        ------
        WorkerError
            The worker's folder cannot be made.
        """
        worker = self._startWorker()
        self._asked = (onDevices, onFailure)
        worker.send({"type": "devices", "id": _DEVICES})

    def stop(self) -> None:
        """End run and worker, and tell nobody: the scene closes, or the module goes."""
        self._listener, self._asked = None, None
        self._stopTimer()
        if self._connected:
            slicer.app.disconnect("aboutToQuit()", self.stop)
            self._connected = False
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    def _lowEnergy(self, key: str) -> "vtkMRMLScalarVolumeNode":
        source = self._study.load(key).low_energy
        if source is None:
            raise SceneError(_("This acquisition has no low-energy image, so no synthetic image can be made of it."))
        return source

    def _startWorker(self) -> WorkerProcess:
        if self._worker is None:
            self._worker = WorkerProcess(self._onMessage, self._onLog, self._onEnded)
            if not self._connected:
                slicer.app.connect("aboutToQuit()", self.stop)
                self._connected = True
        return self._worker

    def _next(self) -> str:
        self._jobs += 1
        self._job = f"job{self._jobs}"
        return self._job

    def _onLog(self, line: str) -> None:
        if self._listener is not None:
            self._listener.onLog(line)

    def _onMessage(self, message: Message) -> None:
        if message.get("id") == _DEVICES and self._asked is not None:
            (onDevices, onFailure), self._asked = self._asked, None
            if message["type"] == "devices":
                onDevices(message["devices"])
            else:
                onFailure(error_of(message))
            return
        if message.get("id") != self._job or self._listener is None or message["type"] == "cancel":
            return
        number = self._count - len(self._waiting)
        if message["type"] == "progress":
            self._listener.onStep(number, self._count, str(message["what"]))
        elif message["type"] == "load_model":
            self._listener.onDevice(str(message["device_reason"]))
            self._nextImage()
        elif message["type"] == "synthesize":
            self._onImage(message)
        elif message["type"] == "error":
            self._onError(message)

    def _nextImage(self) -> None:
        while self._waiting and self._worker is not None and not self._canceled:
            self._key = self._waiting.pop(0)
            try:
                source = self._lowEnergy(self._key)
                given = low_energy_input(source)
                identity = self._next()
                request = write_job(self._worker.folder, identity, given.pixels, given.window, given.spacing_mm)
            except _ABOUT_AN_IMAGE as error:
                self._failed.append(str(error))
                continue
            except CEMSynthError as error:
                self._finish(error)
                return
            self._sourceID, self._started = source.GetID(), datetime.now()
            self._worker.send(request)
            return
        self._finish()

    def _onImage(self, answer: Message) -> None:
        if self._worker is None or self._card is None or self._listener is None:
            return
        seconds = (datetime.now() - self._started).total_seconds()
        try:
            image = read_job(self._worker.folder, answer, self._card, seconds)
            source = slicer.mrmlScene.GetNodeByID(self._sourceID)
            if source is None:
                raise SceneError(
                    _("The low-energy image was removed from the scene, so its synthetic image is left out.")
                )
            node = add_synthetic(source, image.pixels, image.window, SyntheticRecord(**image.told(self._card)))
        except _ABOUT_AN_IMAGE as error:
            self._failed.append(str(error))
        except CEMSynthError as error:
            self._finish(error)
            return
        else:
            self._made.append(self._key)
            self._listener.onImage(self._key, node)
        finally:
            if self._worker is not None:
                delete_job(self._worker.folder, str(answer["id"]))
        self._nextImage()

    def _onError(self, message: Message) -> None:
        error = error_of(message)
        if self._worker is not None:
            delete_job(self._worker.folder, str(message["id"]))
        if message.get("worker_ends") and self._worker is not None:
            self._worker.stop()
            self._worker = None
        if isinstance(error, CancelledError):
            self._canceled = True
            self._finish()
        elif isinstance(error, _ABOUT_AN_IMAGE):
            self._failed.append(str(error))
            self._nextImage()
        else:
            self._finish(error)

    def _onEnded(self, error: CEMSynthError) -> None:
        self._worker = None
        if self._asked is not None:
            (_onDevices, onFailure), self._asked = self._asked, None
            onFailure(error)
        if self.running:
            self._finish(None if self._canceled else error)

    def _onCancelTimeout(self) -> None:
        if self.running and self._worker is not None:
            self._worker.stop()
            self._worker = None
            self._finish()

    def _finish(self, error: CEMSynthError | None = None) -> None:
        self._stopTimer()
        listener, self._listener = self._listener, None
        self._waiting, self._job = [], ""
        if listener is not None:
            listener.onFinished(SynthesisReport(tuple(self._made), tuple(self._failed), self._canceled, error))

    def _stopTimer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
