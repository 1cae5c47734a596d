"""`cemsynth simulate`: write CEM studies whose iodine is known."""

import argparse
import sys
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.export.output_folder import OutputFolder
from CEMSynthLib.export.resumable_folder import ResumableFolder
from CEMSynthLib.phantom.errors import PhantomError


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "simulate",
        help="write simulated CEM studies with known iodine",
        description="Write simulated CEM studies as DICOM, with regions, truth and a table (cohort.csv). A run that "
        "was stopped goes on where it stopped when the same command is given again.",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="new or empty folder for the studies")
    parser.add_argument(
        "--patients", type=int, metavar="N", help="how many patients (default 1; all of them with --preset)"
    )
    parser.add_argument("--first", type=int, default=1, metavar="K", help="number of the first patient (default 1)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="same seed, same patients (default 1)")
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="'study': 100 training patients (195 breasts, 102 positive), 40 test patients (63 breasts, 37 positive)",
    )
    parser.add_argument("--raw", action="store_true", help="also write low and high energy For Processing")
    parser.add_argument(
        "--pre-contrast", action="store_true", help="low energy before injection: without the iodine it else holds"
    )
    parser.add_argument("--arrays", action="store_true", help="also write each view as NumPy arrays (npz)")
    parser.add_argument(
        "--pixel-spacing-mm",
        type=float,
        default=0.4,
        metavar="X",
        help="detector pixel spacing (default 0.4; real detectors: 0.07 to 0.1)",
    )
    parser.add_argument(
        "--object", action="store_true", help="write the CEM test object (iodine inserts, steps) in place of patients"
    )
    parser.add_argument("--pair", metavar="NAME", help="exposures of the test object (default RhRh29-RhCu49)")
    parser.add_argument("--thickness-cm", type=float, metavar="T", help="of the test object (default 5)")
    parser.add_argument("--processes", type=int, default=1, metavar="P", help="worker processes (default 1)")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a finished run in the output folder, and nothing else"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate patients or the test object, and report where the files are."""
    if arguments.object:
        return _run_object(arguments)
    for given, option in ((arguments.pair, "--pair"), (arguments.thickness_cm, "--thickness-cm")):
        if given is not None:
            raise PhantomError(f"{option} is for the test object: add --object (those of patients are drawn)")
    return _run_cohort(arguments)


def _run_object(arguments: argparse.Namespace) -> int:
    from CEMSynthLib.phantom.object_files import write_test_object
    from CEMSynthLib.phantom.object_image import simulate_test_object
    from CEMSynthLib.phantom.version import SIMULATOR_VERSION

    for given, option in (
        (arguments.patients, "--patients"),
        (arguments.preset, "--preset"),
        (arguments.raw or None, "--raw"),
        (arguments.pre_contrast or None, "--pre-contrast"),
        (arguments.arrays or None, "--arrays"),
    ):
        if given is not None:
            raise PhantomError(f"{option} is for patients and goes not together with --object")
    pair = arguments.pair or "RhRh29-RhCu49"
    thickness_cm = 5.0 if arguments.thickness_cm is None else arguments.thickness_cm
    test_object = simulate_test_object(pair, thickness_cm, arguments.pixel_spacing_mm, arguments.seed)
    parameters = {
        "object": True,
        "seed": arguments.seed,
        "pair": pair,
        "thickness_cm": thickness_cm,
        "spacing_mm": arguments.pixel_spacing_mm,
        "simulator_version": SIMULATOR_VERSION,
    }
    folder = arguments.output
    with OutputFolder(folder, "simulate", parameters, arguments.overwrite) as staging:
        write_test_object(staging, arguments.seed, test_object)
    print(f"Simulated the test object ({pair}, {thickness_cm:g} cm): {folder / 'dicom'} and {folder / 'raw'}")
    print(f"Truth: {folder / 'object.csv'} and {folder / 'truth'}; regions: {folder / 'regions'}, {folder / 'steps'}")
    return 0


def _run_cohort(arguments: argparse.Namespace) -> int:
    from CEMSynthLib.phantom.cohort import check_numbers, cohort_files, cohort_holds, simulate_cohort
    from CEMSynthLib.phantom.design import preset_size
    from CEMSynthLib.phantom.settings import CohortSettings

    settings = CohortSettings(
        arguments.seed,
        arguments.pixel_spacing_mm,
        arguments.preset,
        arguments.raw,
        arguments.pre_contrast,
        arguments.arrays,
    )
    count = arguments.patients
    if count is None:
        count = 1 if arguments.preset is None else preset_size(arguments.preset) + 1 - arguments.first
    numbers = range(arguments.first, arguments.first + count)
    check_numbers(settings, numbers, arguments.processes)
    parameters = {**settings.parameters(), "first": arguments.first, "patients": count}
    folder = arguments.output
    with ResumableFolder(
        folder, "simulate", parameters, cohort_holds(settings, numbers), arguments.overwrite
    ) as output:
        try:
            with progress_bar("Simulating", "patient") as progress:
                done = simulate_cohort(
                    output.target,
                    settings.seed,
                    numbers,
                    settings.spacing_mm,
                    arguments.processes,
                    progress,
                    preset=settings.preset,
                    raw=settings.raw,
                    pre_contrast=settings.pre_contrast,
                    arrays=settings.arrays,
                )
        except KeyboardInterrupt:
            print("The same command goes on where it stopped.", file=sys.stderr)
            raise
        output.finish(cohort_files(output.target, settings, numbers))
    earlier = f" ({done.patients - done.made} of them earlier)" if done.made < done.patients else ""
    plural = "s" if done.patients != 1 else ""
    print(f"Simulated {done.views} views of {done.patients} patient{plural}{earlier}: {folder / 'dicom'}")
    print(f"Truth: {folder / 'cohort.csv'} and {folder / 'truth'}; lesion regions: {folder / 'regions'}")
    return 0
