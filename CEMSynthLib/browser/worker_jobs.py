"""Worker jobs: synthetic images of acquisitions in the scene, made by the worker process while the page answers.

One thread waits for the worker; the scene is touched only by the thread that runs the page.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from CEMSynthLib.generator.client import WorkerGenerator
from CEMSynthLib.generator.errors import CancelledError, PreparationError
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.scene.synthetic_volume import SyntheticRecord, add_synthetic, low_energy_input
from CEMSynthLib.study.errors import UnreadableImageError

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


#: What says that one image cannot be used; all other errors end a run.
_ABOUT_AN_IMAGE = (PreparationError, SceneError, UnreadableImageError)
#: Fraction of the run that is done, and what is being done.
OnStep = Callable[[float, str], None]


@dataclass(frozen=True)
class JobReport:
    """How a run ended: keys of acquisitions with a new image, sentences about the others, whether it was canceled."""

    made: tuple[str, ...]
    failed: tuple[str, ...]
    canceled: bool


class WorkerJobs:
    """Makes synthetic images, one run at a time; the worker with its model is kept for the next run.

    Parameters
    ----------
    study
        Whose acquisitions.
    """

    def __init__(self, study: StudyInScene) -> None:
        self._study = study
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="synthesis")
        self._generator: WorkerGenerator | None = None
        self._model = ""
        self._canceled = False
        self.running = False

    @property
    def device_reason(self) -> str:
        """On which device the model runs and why; empty while none is loaded."""
        return self._generator.device_reason if self._generator is not None else ""

    async def run(self, keys: Sequence[str], model: str, on_step: OnStep, on_image: Callable[[str], None]) -> JobReport:
        """Make synthetic images of acquisitions.

        Parameters
        ----------
        keys
            Of `StudyInScene.rows`.
        model
            Name of a model of the store.
        on_step, on_image
            Called between the page's other work; ``on_image`` with the key of an acquisition that has a new image.

        Raises
        ------
        CEMSynthError
            What ends the run as a whole; images that were made before stay.
        """
        if self.running:
            raise SceneError("Synthetic images are being made already; wait for them or cancel.")
        self.running = True
        made: list[str] = []
        failed: list[str] = []
        try:
            on_step(0.0, "starting, and loading the model")
            generator = await self._loaded(model)
            for number, key in enumerate(keys):
                if self._canceled:
                    break
                try:
                    await self._one(generator, key, partial(_tell, on_step, number, len(keys)))
                except _ABOUT_AN_IMAGE as error:
                    failed.append(str(error))
                else:
                    made.append(key)
                    on_image(key)
        except CancelledError:
            self._canceled = True
        finally:
            # A cancel can come before a run has begun; so it is forgotten when the run ends, not when it begins.
            canceled, self.running, self._canceled = self._canceled, False, False
        return JobReport(tuple(made), tuple(failed), canceled)

    def cancel(self) -> None:
        """Stop the run; images that are made stay."""
        self._canceled = True
        if self._generator is not None:
            self._generator.cancel()

    def close(self) -> None:
        """End the worker."""
        self.cancel()
        generator, self._generator = self._generator, None
        if generator is not None:
            generator.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _loaded(self, model: str) -> WorkerGenerator:
        loop = asyncio.get_running_loop()
        if self._generator is None or self._model != model:
            if self._generator is not None:
                await loop.run_in_executor(self._thread, self._generator.close)
            self._generator = None
            self._generator = await loop.run_in_executor(self._thread, WorkerGenerator, model)
            self._model = model
        return self._generator

    async def _one(self, generator: WorkerGenerator, key: str, on_progress: OnStep) -> None:
        loop = asyncio.get_running_loop()
        source = self._low_energy(key)
        given = low_energy_input(source)

        def report(done: int, total: int, what: str) -> None:
            loop.call_soon_threadsafe(on_progress, done / max(total, 1), what)

        on_progress(0.0, "preparing")
        work = partial(generator.synthesize_array, given.pixels, given.window, given.spacing_mm, report)
        image = await loop.run_in_executor(self._thread, work)
        add_synthetic(source, image.pixels, image.window, SyntheticRecord(**image.told(generator.card)))

    def _low_energy(self, key: str) -> "vtkMRMLScalarVolumeNode":
        source = self._study.load(key).low_energy
        if source is None:
            raise SceneError("This acquisition has no low-energy image, so no synthetic image can be made of it.")
        return source


def _tell(on_step: OnStep, number: int, count: int, fraction: float, what: str) -> None:
    words = {"network": "computing", "restoring": "writing"}
    image = f"image {number + 1} of {count}: " if count > 1 else ""
    on_step((number + min(fraction, 1.0)) / count, image + words.get(what, what))
