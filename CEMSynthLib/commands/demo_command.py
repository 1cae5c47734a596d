"""`cemsynth demo`: the whole job on a simulated study, from DICOM files to the review page in the browser."""

import argparse
import importlib.util
import sys
import webbrowser
from functools import partial
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
    parser.add_argument("--no-browser", action="store_true", help="only write; do not open the review page")
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
    if arguments.no_browser:
        return 0
    reason = open_review(arguments.output)
    if reason:
        print(f"The review page cannot be shown: {reason} The report is opened instead.", file=sys.stderr)
        if not webbrowser.open(report.as_uri()):
            print("No browser could be opened; open the report by hand.", file=sys.stderr)
    return 0


def open_review(output: Path) -> str:
    """Serve the review page of a demo until Ctrl-C; where that cannot be, return why, in one sentence."""
    try:
        from CEMSynthLib.browser.errors import ReviewError
        from CEMSynthLib.browser.opengl_check import OpenGLCheck
        from CEMSynthLib.browser.review import Review, review
        from CEMSynthLib.browser.server import Address
    except ModuleNotFoundError as error:
        return f"the package {error.name} is not installed (pip install 'cemsynth[browser]')."
    for name in ("slicer", "trame_slicer", "trame_vuetify"):
        if importlib.util.find_spec(name) is None:
            return f"the package {name} is not installed (pip install 'cemsynth[browser]')."
    from CEMSynthLib.commands.review_command import say_where
    from CEMSynthLib.measurement.markups import read_regions
    from CEMSynthLib.study.reader import read_folder

    check = OpenGLCheck()
    found, synthetic = read_folder(output / "study" / "dicom"), read_folder(output / "synthetic")
    regions = read_regions([output / "study" / "regions"])
    try:
        review(Review(found, synthetic, regions), Address(), check, partial(say_where, open_it=True))
    except ReviewError as error:
        return str(error)
    return ""
