"""`cemsynth trial`: the study in silico, from simulated patients to the filled table, in one command."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.errors import CEMSynthError

TRIAL, KEY = "trial.json", "patient-key"
#: Test patients of the study's design, by number: the first and how many.
TEST_PATIENTS = {"quick": (101, 10), "test": (101, 40), "study": (101, 40)}
#: Training patients, on which the model observer's thresholds are chosen and (study) the model is trained; quick has no
#: time for any, its thresholds are chosen on the other test patients.
TRAINING_PATIENTS = {"quick": (1, 0), "test": (1, 40), "study": (1, 100)}


class TrialError(CEMSynthError):
    """A step of the trial failed."""


@dataclass(frozen=True)
class Step:
    """One step: its name and the words of a `cemsynth` command; one with ``resumes`` goes on where that folder is."""

    name: str
    words: tuple[str, ...]
    resumes: Path | None = None


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "trial",
        help="the study in silico: simulate, train (preset study), evaluate, one report",
        description="Simulate the study's test patients after and before injection (test, study: also training "
        "patients, for the thresholds of the model observer), evaluate a model on them, and fill the study's table. "
        "A trial that was stopped goes on where it stopped when the same command is given again.",
    )
    parser.add_argument(
        "--preset",
        choices=tuple(TEST_PATIENTS),
        default="quick",
        help="quick: 10 test patients, shipped weights (default); test: 40; study: also trains on the 100",
    )
    parser.add_argument(
        "--patients", type=_patients, metavar="N", help="at most so many test and training patients, to try it out"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the trial")
    parser.add_argument("--seed", type=int, default=2026, metavar="S", help="of the simulated patients (default 2026)")
    parser.add_argument(
        "--pixel-spacing-mm", type=float, default=0.4, metavar="X", help="detector pixel spacing (default 0.4)"
    )
    parser.add_argument("--model", default="demo", metavar="M", help="model of quick and test (default: demo)")
    parser.add_argument(
        "--training-preset", default="study", metavar="NAME", help="how study trains (default: study, for a GPU)"
    )
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or mps (default: auto)")
    parser.add_argument("--processes", type=int, default=2, metavar="P", help="worker processes (default 2)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do the steps one after the other and tell where report and summary are."""
    from CEMSynthLib.cli import make_parser
    from CEMSynthLib.export.files import write_text

    parser = make_parser()

    def command(words: tuple[str, ...]) -> int:
        parsed = parser.parse_args(words)
        return int(parsed.run(parsed))

    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    spent = run_steps(list(steps(arguments)), folder, command, write_text)
    total = sum(spent.values())
    print(f"Trial ({arguments.preset}) done in {total / 60:.1f} minutes: {folder / 'evaluation/report.html'}")
    print(f"Summary: {folder / 'evaluation/summary.json'}; time of each step: {folder / TRIAL}")
    return 0


def steps(arguments: argparse.Namespace) -> Iterator[Step]:
    """The steps of a preset."""
    folder, preset = arguments.output, arguments.preset
    common: tuple[str, ...] = (
        "--preset",
        "study",
        "--seed",
        str(arguments.seed),
        "--pixel-spacing-mm",
        str(arguments.pixel_spacing_mm),
    )
    common += ("--processes", str(arguments.processes))

    def simulated(name: str, first: int, count: int, *more: str) -> Step:
        numbers = ("--first", str(first), "--patients", str(count))
        return Step(f"simulate {name}", ("simulate", *common, *numbers, *more, "--output", str(folder / name)))

    most = arguments.patients or 10**6
    tested, trained = ((first, min(n, most)) for first, n in (TEST_PATIENTS[preset], TRAINING_PATIENTS[preset]))
    model = arguments.model
    if trained[1]:
        yield simulated("training", *trained)
    if preset == "study":
        model = str(folder / "model")
        words: tuple[str, ...] = ("train", str(folder / "training/dicom"), "--preset", arguments.training_preset)
        words += ("--device", arguments.device, "--patient-key", str(folder / KEY), "--output", model)
        yield Step("train", words, resumes=folder / "model")
    yield simulated("test", *tested)
    yield simulated("test_before_injection", *tested, "--pre-contrast")
    words = ("evaluate", str(folder / "test/dicom"), "--pre-contrast", str(folder / "test_before_injection/dicom"))
    words += ("--model", model, "--device", arguments.device, "--processes", str(arguments.processes))
    words += ("--training", str(folder / "training/dicom")) if trained[1] else ()
    words += ("--patient-key", str(folder / KEY)) if preset == "study" else ()
    yield Step("evaluate", (*words, "--output", str(folder / "evaluation")))


def _patients(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return count


def run_steps(
    planned: list[Step],
    folder: Path,
    command: Callable[[tuple[str, ...]], int],
    write: Callable[[Path, str], None],
) -> dict[str, float]:
    """Do what is not done; seconds of each step, those of stopped runs added, are kept in ``trial.json``.

    Raises
    ------
    TrialError
        The folder holds a trial with other parameters, or its record is damaged.
    CEMSynthError
        A step failed.
    """
    path = folder / TRIAL
    record: dict[str, dict[str, object]] = {}
    if path.is_file():
        try:
            record = dict(json.loads(path.read_text(encoding="utf-8"))["steps"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrialError(f"{path} is damaged; choose another folder.") from error
    spent: dict[str, float] = {}
    for step in planned:
        earlier = record.get(step.name, {"words": list(step.words), "seconds": 0.0, "done": False})
        if earlier.get("words") != list(step.words):
            raise TrialError(f"{folder} holds a trial with other parameters; choose another folder.")
        seconds, done = float(str(earlier.get("seconds", 0.0))), earlier.get("done") is True
        if not done:
            start = time.monotonic()
            try:
                more = ("--resume",) if seconds > 0 and step.resumes and step.resumes.exists() else ()
                done = command((*step.words, *more)) == 0
            finally:
                seconds += time.monotonic() - start
                record[step.name] = {"words": list(step.words), "seconds": round(seconds, 1), "done": done}
                write(path, json.dumps({"steps": record}, indent=2) + "\n")
            if not done:
                raise TrialError(f"The step '{step.name}' did not end well.")
        spent[step.name] = seconds
    return spent
