"""Many patients: the same files whatever the order and the number of processes."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.study import WrittenView, finish_cohort, patient_id, write_patient
from CEMSynthLib.progress import Progress, silent


def simulate_cohort(
    folder: Path, seed: int, numbers: Sequence[int], spacing_mm: float, processes: int = 1, progress: Progress = silent
) -> list[WrittenView]:
    """Simulate patients into a folder.

    Parameters
    ----------
    folder
        Exists; gets ``dicom/``, ``regions/``, ``truth/`` and ``cohort.csv``.
    seed, numbers
        Each patient depends only on its number and the seed.
    spacing_mm
        Detector pixel spacing.
    processes
        Worker processes; the files do not depend on it.
    progress
        Called after each patient.

    Returns
    -------
    list of WrittenView
        Ordered by patient number.

    Raises
    ------
    PhantomError
        Nobody is asked for, or a setting is impossible.
    """
    if not numbers or processes < 1:
        raise PhantomError("nothing to simulate: ask for at least one patient and one process")
    written: dict[int, list[WrittenView]] = {}
    if processes == 1:
        for number in numbers:
            written[number] = write_patient(folder, seed, number, spacing_mm)
            progress(len(written), len(numbers), patient_id(seed, number))
    else:
        # "spawn" behaves alike on every platform and inherits no threads of the caller.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            jobs = {pool.submit(write_patient, folder, seed, number, spacing_mm): number for number in numbers}
            try:
                for job in as_completed(jobs):
                    written[jobs[job]] = job.result()
                    progress(len(written), len(numbers), patient_id(seed, jobs[job]))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    views = [view for number in numbers for view in written[number]]
    finish_cohort(folder, views)
    return views
