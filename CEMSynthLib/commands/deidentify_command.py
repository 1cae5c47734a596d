"""`cemsynth deidentify`: a case without anything that tells whose it is, to share it."""

import argparse
import secrets
import sys
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.export.output_folder import OutputFolder


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser(
        "deidentify", help="copy images, reports, regions and scenes without names, numbers and dates (PS3.15)"
    )
    parser.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="files and folders of one or several cases: DICOM images, what synthesize and measure wrote, .mrb scenes",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the copies")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run, and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Copy what can be cleaned, and say what stays."""
    from CEMSynthLib.commands.deidentification import deidentify_files

    # The manifest goes with the copies, so it names no path: they often hold patients' names. A random number in their
    # place makes every run another one, so that no earlier export is replaced without --overwrite.
    parameters = {"run": secrets.token_hex(8)}
    with (
        OutputFolder(arguments.output, "deidentify", parameters, arguments.overwrite, arguments.paths) as staging,
        progress_bar("De-identifying", "file") as progress,
    ):
        result = deidentify_files(arguments.paths, staging, progress)
    for reason in result.warnings:
        print(f"Warning: {reason}", file=sys.stderr)
    for left_out in result.left_out:
        print(f"Left out {left_out.path.name}: {left_out.reason}", file=sys.stderr)
    patients = "1 patient" if result.patients == 1 else f"{result.patients} patients"
    print(f"{result.written} files of {patients}: {arguments.output}")
    print("Look at every image before you share it: only headers were cleaned, not what the pixels show.")
    return 0
