"""The run of an evaluation: jobs that are not done yet, and a record of each image as soon as it is there."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from CEMSynthLib.commands.evaluation import RESULT_FILES, Planned
from CEMSynthLib.commands.evaluation_jobs import ImageJob, Outcome
from CEMSynthLib.evaluation.errors import EvaluationError
from CEMSynthLib.evaluation.image_record import ImageRecord, parse_record
from CEMSynthLib.evaluation.observed_view import ObservedView, parse_view
from CEMSynthLib.export.files import write_text
from CEMSynthLib.progress import Progress, silent

IMAGES = "images"
Record = TypeVar("Record", ImageRecord, ObservedView)


def run_jobs(
    planned: Planned,
    folder: Path,
    work: Callable[[Sequence[ImageJob]], Iterable[Outcome]],
    progress: Progress = silent,
) -> tuple[list[ImageRecord], list[str]]:
    """Do what is not done yet; each record is written as soon as it is there.

    Parameters
    ----------
    planned
        The jobs.
    folder
        Holds ``images/KEY.json`` of an earlier run that was stopped; records of images whose pixels have changed since
        are made anew.
    work
        Does jobs and gives their outcomes in any order.
    progress
        Called after each image.

    Returns
    -------
    records, problems
    """
    return _run_jobs(planned, folder, work, progress, ImageRecord, parse_record)


def run_observations(
    planned: Planned,
    folder: Path,
    work: Callable[[Sequence[ImageJob]], Iterable[Outcome]],
    progress: Progress = silent,
) -> tuple[list[ObservedView], list[str]]:
    """The same for the jobs of `plan_training`."""
    return _run_jobs(planned, folder, work, progress, ObservedView, parse_view)


def _run_jobs(
    planned: Planned,
    folder: Path,
    work: Callable[[Sequence[ImageJob]], Iterable[Outcome]],
    progress: Progress,
    kind: type[Record],
    parse: Callable[[str, str], Record],
) -> tuple[list[Record], list[str]]:
    (folder / IMAGES).mkdir(exist_ok=True)
    records: list[Record] = []
    waiting = []
    for job in planned.jobs:
        earlier = _earlier(folder, job, parse)
        if earlier is None:
            waiting.append(job)
        else:
            records.append(earlier)
    done, problems = len(records), []
    if done:
        progress(done, len(planned.jobs), "done earlier")
    keys = {job.number: job.key for job in planned.jobs}
    for outcome in work(waiting):
        if isinstance(outcome.record, kind):
            write_text(record_file(folder, keys[outcome.number]), outcome.record.to_json())
            records.append(outcome.record)
        else:
            problems.append(outcome.problem)
        done += 1
        progress(done, len(planned.jobs), "evaluated")
    if not records:
        raise EvaluationError(f"No image could be evaluated. {problems[0] if problems else ''}".strip())
    return records, sorted(problems)


def record_file(folder: Path, key: str) -> Path:
    """Where the record of an image lies."""
    return folder / IMAGES / f"{key}.json"


def _earlier(folder: Path, job: ImageJob, parse: Callable[[str, str], Record]) -> Record | None:
    path = record_file(folder, job.key)
    if not path.is_file():
        return None
    record = parse(path.read_text(encoding="utf-8"), path.name)
    return record if record.hashes == job.hashes and record.source == job.source else None


def belongs(*planned: Planned | None) -> Callable[[str], bool]:
    """Whether an evaluation writes a file of this name."""
    names = {f"{IMAGES}/{job.key}.json" for one in planned if one for job in one.jobs}
    return lambda name: name in names or name in RESULT_FILES
