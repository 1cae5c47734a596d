"""`cemsynth simulate`: write CEM studies whose iodine is known."""

import argparse
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.export.output_folder import OutputFolder


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("simulate", help="write simulated CEM studies with known iodine")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="new or empty folder for the studies")
    parser.add_argument("--patients", type=int, default=1, metavar="N", help="how many patients (default 1)")
    parser.add_argument("--first", type=int, default=1, metavar="K", help="number of the first patient (default 1)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="same seed, same patients (default 1)")
    parser.add_argument(
        "--pixel-spacing-mm",
        type=float,
        default=0.4,
        metavar="X",
        help="detector pixel spacing (default 0.4; real detectors: 0.07 to 0.1)",
    )
    parser.add_argument("--processes", type=int, default=1, metavar="P", help="worker processes (default 1)")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier run in the output folder, and nothing else"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate and report where the files are."""
    from CEMSynthLib.phantom.cohort import simulate_cohort
    from CEMSynthLib.phantom.study import SIMULATOR_VERSION

    parameters = {
        "seed": arguments.seed,
        "first": arguments.first,
        "patients": arguments.patients,
        "pixel_spacing_mm": arguments.pixel_spacing_mm,
        "simulator_version": SIMULATOR_VERSION,
    }
    with (
        OutputFolder(arguments.output, "simulate", parameters, arguments.overwrite) as staging,
        progress_bar("Simulating", "patient") as progress,
    ):
        numbers = range(arguments.first, arguments.first + arguments.patients)
        views = simulate_cohort(
            staging, arguments.seed, numbers, arguments.pixel_spacing_mm, arguments.processes, progress
        )
    patients = len({view.row.patient_id for view in views})
    folder = arguments.output
    print(f"Simulated {len(views)} views of {patients} patient{'s' if patients != 1 else ''}: {folder / 'dicom'}")
    print(f"Truth: {folder / 'cohort.csv'} and {folder / 'truth'}; lesion regions: {folder / 'regions'}")
    return 0
