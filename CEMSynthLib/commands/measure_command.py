"""`cemsynth measure`: CNR, halo and similarity of a study and its synthetic images, as a table and a report."""

import argparse
import sys
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.export.output_folder import OutputFolder


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("measure", help="measure CNR, halo and similarity; write a table and a report")
    parser.add_argument("path", type=Path, metavar="PATH", help="folder of the study")
    parser.add_argument(
        "--synthetic", type=Path, required=True, metavar="DIR", help="what cemsynth synthesize made of that study"
    )
    parser.add_argument(
        "--regions",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE_OR_FOLDER",
        help="Slicer markups files (.mrk.json), folders of them with a regions.json, or annotation tables (.csv)",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the table and the report")
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=("table", "sr", "report"),
        default=["table", "sr", "report"],
        metavar="PART",
        help="what to write: table (CSV), sr (DICOM structured report), report (HTML; default: all)",
    )
    parser.add_argument("--pictures", action="store_true", help="write the images as 8-bit PNG with a scale bar too")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run, and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and say where the report is."""
    from CEMSynthLib.commands.measurement import measure_folder
    from CEMSynthLib.evaluation.baselines_file import read_baselines
    from CEMSynthLib.export.synthesis_record import read_synthesis_record
    from CEMSynthLib.measurement.annotations import ANNOTATION_SUFFIX, read_annotations
    from CEMSynthLib.measurement.markups import read_regions
    from CEMSynthLib.study.reader import read_folder

    with progress_bar("Reading", "file") as reading:
        found = read_folder(arguments.path, reading)
        synthetic = [image for study in read_folder(arguments.synthetic).studies for image in study.synthetic]
    tables = [path for path in arguments.regions if path.suffix.lower() == ANNOTATION_SUFFIX]
    regions = read_regions([path for path in arguments.regions if path not in tables])
    annotations = [read_annotations(path) for path in tables]
    regions += [region for annotated in annotations for region in annotated.regions]
    record, baselines = read_synthesis_record(arguments.synthetic), read_baselines(arguments.synthetic)
    parameters = {
        "path": arguments.path.resolve(),
        "synthetic": arguments.synthetic.resolve(),
        "regions": [path.resolve() for path in arguments.regions],
        "pictures": arguments.pictures,
        "parts": arguments.parts,
    }
    inputs = [arguments.path, arguments.synthetic, *arguments.regions]
    with (
        OutputFolder(arguments.output, "measure", parameters, arguments.overwrite, inputs) as staging,
        progress_bar("Measuring", "acquisition") as progress,
    ):
        measurement = measure_folder(
            found, synthetic, regions, staging, record, baselines, progress, arguments.pictures, arguments.parts
        )
    for warning in (*measurement.warnings, *(text for annotated in annotations for text in annotated.left_out)):
        print(f"Warning: {warning}", file=sys.stderr)
    for left_out in (*found.skipped, *(u for s in found.studies for u in s.unclassified), *measurement.left_out):
        print(f"Skipped {left_out.path.name}: {left_out.reason}", file=sys.stderr)
    where = arguments.output / "measurements.csv" if "table" in arguments.parts else arguments.output
    print(f"{measurement.rows} numbers: {where}")
    for report in measurement.reports:
        print(f"Report: {arguments.output / report.name}")
    return 0
