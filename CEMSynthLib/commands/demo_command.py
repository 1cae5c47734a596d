"""`cemsynth demo`: the whole job on a simulated study, from DICOM files to a report in the browser."""

import argparse
import sys
import webbrowser
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.commands.synthesize_command import add_model_arguments
from CEMSynthLib.export.output_folder import OutputFolder

#: A patient with enhancing lesions in both breasts and a halo.
SEED, PATIENT = 2026, 267


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("demo", help="simulate a study and do the whole job on it")
    parser.add_argument("--output", type=Path, default=Path("demo-output"), metavar="DIR", help="default: demo-output")
    parser.add_argument(
        "--seed", type=int, default=SEED, metavar="S", help=f"another seed, another patient (default {SEED})"
    )
    parser.add_argument("--patient", type=int, default=PATIENT, metavar="N", help=f"patient number (default {PATIENT})")
    parser.add_argument(
        "--pixel-spacing-mm", type=float, default=0.2, metavar="X", help="detector pixel spacing (default 0.2)"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the report")
    add_model_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier demo with other settings")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, write, read, synthesize, measure, report."""
    from CEMSynthLib.commands.measurement import measure_folder
    from CEMSynthLib.commands.synthesis import synthesize_folder
    from CEMSynthLib.evaluation.baselines_file import read_baselines
    from CEMSynthLib.generator.client import WorkerGenerator
    from CEMSynthLib.measurement.markups import read_regions
    from CEMSynthLib.phantom.cohort import simulate_cohort
    from CEMSynthLib.phantom.version import SIMULATOR_VERSION
    from CEMSynthLib.study.reader import read_folder

    generator = WorkerGenerator(arguments.model, arguments.device, arguments.precision)
    parameters = {
        "seed": arguments.seed,
        "patient": arguments.patient,
        "pixel_spacing_mm": arguments.pixel_spacing_mm,
        "simulator_version": SIMULATOR_VERSION,
        "model_sha256": generator.card.weights_sha256,
    }
    with generator, OutputFolder(arguments.output, "demo", parameters, arguments.overwrite) as staging:
        study, synthetic = staging / "study", staging / "synthetic"
        study.mkdir()
        synthetic.mkdir()
        print("Simulating a CEM study of four views ...", file=sys.stderr)
        with progress_bar("Simulating", "patient") as progress:
            simulate_cohort(study, arguments.seed, [arguments.patient], arguments.pixel_spacing_mm, 1, progress)
        found = read_folder(study / "dicom")
        print(f"Synthesizing. Device: {generator.device_reason}", file=sys.stderr)
        with progress_bar("Synthesizing") as progress:
            made = synthesize_folder(found, generator, synthetic, progress)
        print("Measuring CNR, halo and similarity ...", file=sys.stderr)
        images = [image for one in read_folder(synthetic).studies for image in one.synthetic]
        with progress_bar("Measuring", "acquisition") as progress:
            measured = measure_folder(
                found,
                images,
                read_regions([study / "regions"]),
                staging,
                made.record,
                read_baselines(synthetic),
                progress,
            )
        names = [path.name for path in measured.reports]
    report = (arguments.output / names[0]).resolve()
    print(f"Report: {report}")
    if not arguments.no_browser and not webbrowser.open(report.as_uri()):
        print("No browser could be opened; open the report by hand.", file=sys.stderr)
    return 0
