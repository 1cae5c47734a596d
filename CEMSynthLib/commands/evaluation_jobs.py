"""The work on one image of an evaluation, as a job that any process can do: synthesize, then measure."""

import atexit
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import as_completed as completed
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.baselines_file import read_baselines
from CEMSynthLib.evaluation.drawn import DrawnRegion
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.evaluation.image_measures import measure_image, observe_image
from CEMSynthLib.evaluation.image_record import ImageRecord
from CEMSynthLib.evaluation.observed_view import ObservedView
from CEMSynthLib.evaluation.truth import ViewTruth
from CEMSynthLib.generator.client import WorkerGenerator
from CEMSynthLib.measurement.regions import Region
from CEMSynthLib.study.model import Acquisition, CEMImage, FloatImage, ImageKind, VOIWindow


@dataclass(frozen=True)
class ImageJob:
    """One image; ``synthetic`` where it came as a file, ``number`` is its place in the run, ``key`` its file's name.

    With ``only_observed`` nothing is done but the model observer's filters.
    """

    number: int
    key: str
    source: str
    patient_id: str
    acquisition: Acquisition
    synthetic: CEMImage | None
    hashes: dict[str, str]
    regions: tuple[Region, ...]
    drawn: tuple[DrawnRegion, ...]
    truth: ViewTruth | None
    fingerprint: str = ""
    only_observed: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a record, or the sentence that says why there is none."""

    number: int
    record: ImageRecord | ObservedView | None
    problem: str = ""


@dataclass(frozen=True)
class WorkSettings:
    """Which models a process loads (``None``: synthetic images come as files), and whose null baselines."""

    model: str | None
    ceiling: str | None
    device: str
    precision: str
    baselines: Path | None


@dataclass(frozen=True)
class _Loaded:
    """Reads the pixels that are already there."""

    values: FloatImage

    def __call__(self) -> FloatImage:
        return self.values


class ImageMeasurer:
    """Does jobs in this process; a context manager, so that the models' processes surely end."""

    def __init__(self, settings: WorkSettings) -> None:
        self._stack = ExitStack()
        asked = settings.device, settings.precision
        self.model = self._open(settings.model, asked)
        self._ceiling = self._open(settings.ceiling, asked)
        self._baselines = read_baselines(settings.baselines) if settings.baselines else None

    def _open(self, name: str | None, asked: tuple[str, str]) -> WorkerGenerator | None:
        return self._stack.enter_context(WorkerGenerator(name, *asked)) if name else None

    def __enter__(self) -> "ImageMeasurer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the models' processes."""
        self._stack.close()

    def __call__(self, job: ImageJob) -> Outcome:
        """Do one job; what a user can mend becomes a sentence."""
        try:
            return Outcome(job.number, self._measure(job))
        except CEMSynthError as error:
            return Outcome(job.number, None, f"{job.source}: {error}")

    def _measure(self, job: ImageJob) -> ImageRecord | ObservedView:
        low = job.acquisition.low_energy
        synthetic = job.synthetic
        if synthetic is None and low is not None and self.model is not None:
            pixels = self.model.synthesize(low).pixels
            synthetic = _as_image(low, pixels, self.model.card.display_window)
        if synthetic is None or low is None:
            raise EvaluationError("there is no synthetic image of it.")
        if job.only_observed:
            if job.truth is None:
                raise EvaluationError("it is not simulated.")
            return observe_image(
                job.acquisition,
                synthetic,
                source=job.source,
                patient_id=job.patient_id,
                hashes=job.hashes,
                truth=job.truth,
            )
        return measure_image(
            job.acquisition,
            synthetic,
            source=job.source,
            patient_id=job.patient_id,
            hashes=job.hashes,
            baselines=self._baselines,
            ceiling=self._ceiling.synthesize(low).pixels if self._ceiling else None,
            regions=job.regions,
            drawn=job.drawn,
            truth=job.truth,
        )


def _as_image(low: CEMImage, pixels: FloatImage, window: VOIWindow) -> CEMImage:
    return CEMImage(
        path=low.path,
        kind=ImageKind.SYNTHETIC,
        grid=low.grid,
        window=window,
        chest_wall=low.chest_wall,
        bits_stored=16,
        sop_instance_uid=low.sop_instance_uid,
        load=_Loaded(pixels),
    )


_measurers: dict[WorkSettings, ImageMeasurer] = {}
_lock = threading.Lock()


def do_job(settings: WorkSettings, job: ImageJob) -> Outcome:
    """Do one job in a worker process, which loads the models once; one at a time, whatever threads there are."""
    with _lock:
        if settings not in _measurers:
            _measurers[settings] = ImageMeasurer(settings)
            atexit.register(_measurers[settings].close)
        return _measurers[settings](job)


def do_jobs(
    settings: WorkSettings, jobs: Iterable[ImageJob], processes: int = 1, scheduler: str | None = None
) -> Iterator[Outcome]:
    """Do jobs in this process, in several, or on a Dask cluster; outcomes come in any order.

    Parameters
    ----------
    settings, jobs
        What to do.
    processes
        Of this machine; 1 = this process.
    scheduler
        Address of a Dask scheduler, whose workers see cohort and models under the same paths and have this program.

    Raises
    ------
    CEMSynthError
        A model cannot be loaded, or the scheduler cannot be reached.
    """
    waiting = list(jobs)
    if not waiting:
        return
    if scheduler is not None:
        yield from _on_cluster(settings, waiting, scheduler)
        return
    if processes == 1 or len(waiting) == 1:
        with ImageMeasurer(settings) as measurer:
            yield from map(measurer, waiting)
        return
    with ProcessPoolExecutor(min(processes, len(waiting)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(do_job, settings, job) for job in waiting]
        try:
            for future in completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _on_cluster(settings: WorkSettings, jobs: list[ImageJob], scheduler: str) -> Iterator[Outcome]:
    from distributed import Client, as_completed

    try:
        client = Client(scheduler, timeout="15s")
    except (OSError, ValueError) as error:
        raise EvaluationError(f"No Dask scheduler answers at {scheduler}; check the address.") from error
    with client:
        futures = client.map(partial(do_job, settings), jobs, pure=False)
        for _, outcome in as_completed(futures, with_results=True):
            yield outcome
