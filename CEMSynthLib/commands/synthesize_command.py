"""`cemsynth synthesize`: synthetic iodine images from the low-energy images of a study folder."""

import argparse
import sys
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.export.output_folder import OutputFolder
from CEMSynthLib.export.provenance import NOTICE


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("synthesize", help="make synthetic iodine images from low-energy images")
    parser.add_argument("path", type=Path, metavar="PATH", help="folder of DICOM files or CDD-CESM style images")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the synthetic images")
    add_model_arguments(parser)
    parser.add_argument(
        "--burn-in", action="store_true", help="draw the notice SYNTHETIC into the pixels of DICOM images, for viewing"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run, and nothing else")
    parser.set_defaults(run=run)


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses the generator and where it runs."""
    parser.add_argument("--model", default="demo", metavar="M", help="model folder, or a shipped model (default: demo)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or mps (default: auto)")
    parser.add_argument(
        "--precision",
        choices=("auto", "full", "half"),
        default="auto",
        help="auto: half precision where it is faster and close enough (default)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Synthesize, say on which device and what was left out."""
    from CEMSynthLib.commands.synthesis import synthesize_folder
    from CEMSynthLib.generator.client import WorkerGenerator
    from CEMSynthLib.study.reader import read_folder

    with progress_bar("Reading", "file") as reading:
        found = read_folder(arguments.path, reading)
    with WorkerGenerator(arguments.model, arguments.device, arguments.precision) as generator:
        card = generator.card
        print(f"Model {card.name} {card.version}. Device: {generator.device_reason}", file=sys.stderr)
        if card.training_range is None:
            print(
                "Whether the images are like those of the training is not known: the model card does not say.",
                file=sys.stderr,
            )
        parameters = {
            "path": arguments.path.resolve(),
            "model_sha256": card.weights_sha256,
            "device": generator.device,
            "precision": arguments.precision,
            "burn_in": arguments.burn_in,
        }
        with (
            OutputFolder(arguments.output, "synthesize", parameters, arguments.overwrite, [arguments.path]) as staging,
            progress_bar("Synthesizing") as progress,
        ):
            synthesis = synthesize_folder(found, generator, staging, progress, arguments.burn_in)
    for warning in sorted({w for image in synthesis.record.images for w in image.warnings}):
        print(f"Warning: {warning}", file=sys.stderr)
    for left_out in (*found.skipped, *(u for s in found.studies for u in s.unclassified), *synthesis.skipped):
        print(f"Skipped {left_out.path.name}: {left_out.reason}", file=sys.stderr)
    count = len(synthesis.record.images)
    print(f"{NOTICE}: wrote {count} synthetic iodine image{'s' if count != 1 else ''} to {arguments.output}")
    return 0
