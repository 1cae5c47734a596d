"""`cemsynth evaluate`: a model, or images made elsewhere, on patients it has not seen, beside null baselines."""

import argparse
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.commands.synthesize_command import add_model_arguments
from CEMSynthLib.export.resumable_folder import ResumableFolder

if TYPE_CHECKING:
    from CEMSynthLib.commands.evaluation_elsewhere import MadeElsewhere
    from CEMSynthLib.study.model import CEMImage, StudyFolder


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="compare a model with null baselines on unseen patients",
        description="Compare synthetic with clinical iodine images over a cohort: tables and a report. "
        "A run that was stopped goes on where it stopped when the same command is given again.",
    )
    parser.add_argument("path", type=Path, metavar="COHORT", help="studies of patients not used in training")
    add_model_arguments(parser)
    parser.add_argument(
        "--synthetic",
        type=Path,
        metavar="DIR",
        help="images made elsewhere (or by cemsynth synthesize), not by a model: DICOM, PNG or TIFF named after their "
        "low-energy image, or a table cemsynth-synthetic.csv (file,source)",
    )
    parser.add_argument("--ceiling", metavar="M", help="a model trained with the preset ceiling, printed beside")
    parser.add_argument(
        "--regions",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE_OR_FOLDER",
        help="Slicer markups, folders of them with a regions.json, or annotation tables (.csv); simulated: found alone",
    )
    parser.add_argument(
        "--patient-key", type=Path, metavar="FILE", help="key of the training, to compare patient identifiers too"
    )
    parser.add_argument("--processes", type=int, default=1, metavar="P", help="worker processes (default 1)")
    parser.add_argument(
        "--readers", type=Path, metavar="FILE", help="summary.json of cemsynth readers analyze, for detection and BPE"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="do the work on the Dask cluster of this scheduler")
    parser.add_argument(
        "--pre-contrast", type=Path, metavar="COHORT", help="the same simulated patients with LE before injection"
    )
    parser.add_argument(
        "--training",
        type=Path,
        metavar="COHORT",
        help="simulated training patients, on which the model observer's thresholds are chosen (else leave one out)",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for tables and report")
    parser.add_argument("--overwrite", action="store_true", help="replace a finished run, and nothing else")
    parser.set_defaults(run=run)


def _synthetic_images(place: Path, found: "StudyFolder") -> "tuple[list[CEMImage], MadeElsewhere]":
    """Images that tell their source themselves, or else files whose names do."""
    from CEMSynthLib.commands.evaluation_elsewhere import MadeElsewhere, images_made_elsewhere
    from CEMSynthLib.study.errors import StudyFolderError
    from CEMSynthLib.study.reader import read_folder
    from CEMSynthLib.study.synthetic import synthetic_of

    if not place.exists():
        raise StudyFolderError(f"There is no folder {place}; give the one that holds the synthetic images.")
    own: list[CEMImage] = []
    if place.is_dir():
        with suppress(StudyFolderError):
            own = [image for study in read_folder(place).studies for image in study.synthetic]
    if any(synthetic_of(acquisition, own) for study in found.studies for acquisition in study.acquisitions):
        return own, MadeElsewhere((), (), ())
    made = images_made_elsewhere(place, found)
    return [*own, *made.images], made


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the table and write tables, report and a model card that holds the figures."""
    from CEMSynthLib import __version__
    from CEMSynthLib.commands import evaluation, evaluation_runs
    from CEMSynthLib.commands.evaluation_jobs import WorkSettings, do_jobs
    from CEMSynthLib.commands.evaluation_leakage import check_leakage
    from CEMSynthLib.commands.evaluation_readers import read_readings
    from CEMSynthLib.commands.region_files import read_region_files
    from CEMSynthLib.evaluation.baselines_file import FILE_NAME, read_baselines
    from CEMSynthLib.export.manifest import sha256, walk
    from CEMSynthLib.generator.card import load_card
    from CEMSynthLib.generator.store import find_model
    from CEMSynthLib.study.reader import read_folder

    if arguments.processes < 1:
        raise evaluation.NothingToEvaluateError("--processes must be at least 1.")
    if arguments.synthetic and arguments.pre_contrast:
        raise evaluation.NothingToEvaluateError(
            "--pre-contrast needs --model: other images are not made from those LE."
        )
    with progress_bar("Reading", "file") as reading:
        found = read_folder(arguments.path, reading)
    regions = read_region_files(arguments.regions)
    model = None if arguments.synthetic else find_model(arguments.model)
    ceiling = find_model(arguments.ceiling) if arguments.ceiling else None
    baselines = model or arguments.synthetic
    if model is not None and read_baselines(model) is None:
        raise evaluation.NothingToEvaluateError(
            f"The model '{arguments.model}' holds no {FILE_NAME}, so there are no null baselines to compare with; "
            "train the model with cemsynth train."
        )
    synthetic, unused = None, []
    if arguments.synthetic:
        synthetic, elsewhere = _synthetic_images(arguments.synthetic, found)
        for line in elsewhere.lines:
            print(line)
        unused = list(elsewhere.unused)
    card, ceiling_card = (load_card(folder) if folder else None for folder in (model, ceiling))
    readings = read_readings(arguments.readers) if arguments.readers else None
    with progress_bar("Hashing") as hashing:
        planned = evaluation.plan_jobs(found, synthetic, regions, hashing)
        before = None
        if arguments.pre_contrast:
            before = evaluation.plan_pre_contrast(read_folder(arguments.pre_contrast), planned, hashing)
        training = None
        if arguments.training:
            training = evaluation.plan_training(read_folder(arguments.training), planned, synthetic, hashing)
    leakage = check_leakage(planned.images(), card, arguments.patient_key)
    if ceiling_card is not None:
        of_ceiling = check_leakage(planned.images(), ceiling_card, arguments.patient_key)
        leakage += [check for check in of_ceiling if check not in leakage]
    settings = WorkSettings(
        str(model) if model else None,
        str(ceiling) if ceiling else None,
        arguments.device,
        arguments.precision,
        baselines if read_baselines(baselines) is not None else None,
    )
    parameters = {
        "path": arguments.path.resolve(),
        "model_sha256": card.weights_sha256 if card else None,
        "synthetic": arguments.synthetic.resolve() if arguments.synthetic else None,
        "ceiling_sha256": ceiling_card.weights_sha256 if ceiling_card else None,
        "regions": [path.resolve() for path in arguments.regions],
        "pre_contrast": arguments.pre_contrast.resolve() if arguments.pre_contrast else None,
        "readers": arguments.readers.resolve() if arguments.readers else None,
        "training": arguments.training.resolve() if arguments.training else None,
        "precision": arguments.precision,
        "device": arguments.device,
        # Records of another version must not be mixed with those of this one.
        "cemsynth": __version__,
    }
    ours = evaluation_runs.belongs(planned, before, training)
    folder = ResumableFolder(arguments.output, "evaluate", parameters, ours, arguments.overwrite)
    with folder as output:
        try:
            with progress_bar("Evaluating") as progress:
                work = partial(do_jobs, settings, processes=arguments.processes, scheduler=arguments.scheduler)
                records, problems = evaluation_runs.run_jobs(planned, output.target, work, progress)
                earlier, more = evaluation_runs.run_jobs(before, output.target, work, progress) if before else ([], [])
                observed, lost = (
                    evaluation_runs.run_observations(training, output.target, work, progress) if training else ([], [])
                )
        except KeyboardInterrupt:
            print("The same command goes on where it stopped.", file=sys.stderr)
            raise
        result = evaluation.conclude(records, card, readings, observed, earlier)
        pre_contrast = evaluation.conclude(earlier, card, observed=observed, before=earlier) if earlier else None
        facts = {"Synthetic images": f"made by {card.name} {card.version}" if card else str(arguments.synthetic)}
        if card is not None:
            facts |= {"Weights SHA-256": card.weights_sha256, "Trained on": card.training.description}
        left_out = [*planned.left_out, *unused, *problems, *more, *lost]
        evaluation.write_results(output.target, result, found, card, leakage, left_out, facts, pre_contrast)
        names = [name for name in walk(output.target) if ours(name)]
        output.finish({name: sha256(output.target / name) for name in names})
    for check in leakage:
        if check.passed is False:
            print(f"Warning: leakage check failed, {check.what}: {check.outcome}", file=sys.stderr)
    for text in left_out:
        print(f"Left out: {text}", file=sys.stderr)
    for line in evaluation.result_lines(result, pre_contrast):
        print(line)
    print(f"Report: {arguments.output / evaluation.REPORT}")
    return 0
