"""Many patients: the same files whatever the order and the number of processes; what is done is not done again."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from CEMSynthLib.export.manifest import sha256
from CEMSynthLib.export.markups import INDEX_NAME, RegionTie, write_regions_index
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.settings import CohortSettings
from CEMSynthLib.phantom.study import ROOMS, patient_file, read_patient, write_patient
from CEMSynthLib.phantom.table import TABLE, write_table
from CEMSynthLib.progress import Progress, silent


@dataclass(frozen=True)
class Simulated:
    """What a cohort's folder holds now; ``made`` patients were simulated by this run, the others earlier."""

    patients: int
    made: int
    views: int


def simulate_cohort(
    folder: Path,
    seed: int,
    numbers: Sequence[int],
    spacing_mm: float,
    processes: int = 1,
    progress: Progress = silent,
    *,
    preset: str | None = None,
    raw: bool = False,
    pre_contrast: bool = False,
    arrays: bool = False,
) -> Simulated:
    """Simulate patients into a folder.

    Parameters
    ----------
    folder
        Exists; gets ``dicom/``, ``regions/``, ``truth/`` and, when all patients are done, ``cohort.csv``. Patients that
        an earlier run with the same settings has finished are kept as they are.
    seed, numbers
        Each patient depends only on its number, the seed and the preset.
    spacing_mm, preset, raw, pre_contrast, arrays
        See `CohortSettings`.
    processes
        Worker processes; the files do not depend on it.
    progress
        Called after each patient.

    Returns
    -------
    Simulated

    Raises
    ------
    PhantomError
        Nobody is asked for, a setting is impossible, or the folder holds a patient with other settings.
    CEMSynthLib.export.errors.ExportError
        A file cannot be written; what was written so far stays, whole.
    """
    settings = CohortSettings(seed, spacing_mm, preset, raw, pre_contrast, arrays)
    check_numbers(settings, numbers, processes)
    unfinished = [number for number in numbers if read_patient(folder, settings, number) is None]
    done = len(numbers) - len(unfinished)
    if done:
        progress(done, len(numbers), "done earlier")

    def finished(number: int) -> None:
        nonlocal done
        done += 1
        progress(done, len(numbers), settings.patient_id(number))

    if processes == 1 or len(unfinished) < 2:
        for number in unfinished:
            write_patient(folder, settings, number)
            finished(number)
    else:
        _simulate_in_processes(folder, settings, unfinished, processes, finished)
    return Simulated(len(numbers), len(unfinished), _finish(folder, settings, sorted(numbers)))


def check_numbers(settings: CohortSettings, numbers: Sequence[int], processes: int = 1) -> None:
    """Refuse patients that there cannot be, before anything is written.

    Raises
    ------
    PhantomError
        Nobody is asked for, or a number that the preset does not have.
    """
    if not numbers or processes < 1:
        raise PhantomError("nothing to simulate: ask for at least one patient and one process")
    for number in (min(numbers), max(numbers)):
        settings.design(number)


def _simulate_in_processes(
    folder: Path, settings: CohortSettings, numbers: Sequence[int], processes: int, finished: Callable[[int], None]
) -> None:
    # "spawn" behaves alike on every platform and inherits no threads of the caller.
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(min(processes, len(numbers)), mp_context=context, initializer=_start_worker) as pool:
        jobs = {pool.submit(_work, folder, settings, number): number for number in numbers}
        try:
            for job in as_completed(jobs):
                job.result()
                finished(jobs[job])
        except BaseException as error:
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            pool.shutdown(cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise PhantomError(
                    "a worker process was ended from outside (perhaps the memory was used up); what is finished is "
                    "kept: give the same command again, with fewer --processes"
                ) from error
            raise


_working = _stopping = False


def _start_worker() -> None:
    """Ctrl-C reaches the whole process group: only the parent answers it, and stops its workers by SIGTERM.

    A worker whose parent was killed ends too: the pool itself would let it wait for work forever.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop_worker)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _stop_worker(number: int, frame: FrameType | None) -> None:
    global _stopping
    _stopping = True
    if not _working:
        raise SystemExit
    raise KeyboardInterrupt


def _work(folder: Path, settings: CohortSettings, number: int) -> None:
    global _working
    if _stopping:
        raise KeyboardInterrupt
    _working = True
    try:
        write_patient(folder, settings, number)
    finally:
        _working = False


def cohort_holds(settings: CohortSettings, numbers: Sequence[int]) -> Callable[[str], bool]:
    """Whether a cohort of these patients writes a file of a given name (relative to its folder, with ``/``)."""
    common = {TABLE, f"regions/{INDEX_NAME}"}
    known = {settings.patient_id(number) for number in numbers}

    def holds(name: str) -> bool:
        room, _, rest = name.partition("/")
        if room == "regions":
            return name in common or rest.partition("_")[0] in known
        return name in common or (room in ROOMS and rest.partition("/")[0] in known)

    return holds


def cohort_files(folder: Path, settings: CohortSettings, numbers: Sequence[int]) -> dict[str, str]:
    """SHA-256 of every file of a finished cohort, by name."""
    files = {name: sha256(folder / name) for name in (TABLE, f"regions/{INDEX_NAME}")}
    for number in numbers:
        record = read_patient(folder, settings, number, verify=False) or {"files": {}}
        files |= record["files"]
        name = patient_file(settings, number)
        files[name] = sha256(folder / name)
    return files


def _finish(folder: Path, settings: CohortSettings, numbers: Sequence[int]) -> int:
    """Write what covers all patients, ``regions/regions.json`` and then ``cohort.csv``; return the number of views."""

    def views() -> Iterator[dict[str, Any]]:
        for number in numbers:
            record = read_patient(folder, settings, number, verify=False)
            if record is None:
                raise PhantomError(f"files of patient {number} vanished from {folder}; give the same command again")
            yield from (record["views"][name] for name in sorted(record["views"]))

    write_regions_index(folder / "regions", [RegionTie(**tie) for view in views() for tie in view["regions"]])
    count = 0

    def rows() -> Iterator[dict[str, object]]:
        nonlocal count
        for view in views():
            count += 1
            yield view["row"]

    write_table(folder, rows())
    return count
