"""`cemsynth readers`: a reader study; `new` makes its protocol, `analyze` evaluates the answers."""

import argparse
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.export.output_folder import OutputFolder

if TYPE_CHECKING:
    from CEMSynthLib.reading.truth_table import BreastTruth
    from CEMSynthLib.study.model import StudyFolder

_TABLE = "cohort.csv"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("readers", help="a reader study: make its protocol, analyze the answers")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    new = actions.add_parser("new", help="make a protocol from a cohort and its synthetic images")
    new.add_argument("path", type=Path, metavar="COHORT", help="studies with clinical iodine images")
    new.add_argument("--synthetic", type=Path, metavar="DIR", help="synthetic images made from them")
    new.add_argument("--output", type=Path, required=True, metavar="PROTOCOL", help="folder of the reader study")
    new.add_argument("--readers", nargs="+", default=["R1", "R2", "R3"], metavar="R", help="codes (default: R1 R2 R3)")
    new.add_argument(
        "--image-types",
        nargs="+",
        default=["low_energy+recombined", "low_energy+synthetic"],
        metavar="A+B",
        help="images shown together, each in a session of its own (default: low_energy+recombined "
        "low_energy+synthetic; low_energy alone is possible)",
    )
    new.add_argument("--truth", type=Path, metavar="CSV", help=f"patient_id, laterality, positive (default: {_TABLE})")
    new.add_argument(
        "--regions",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE_OR_FOLDER",
        help="where the lesions lie, to judge the readers' marks: Slicer markups, folders of them with a regions.json, "
        "or annotation tables (.csv); simulated: found alone",
    )
    new.add_argument("--title", default="Reader study", help="shown to readers: must not tell what is synthetic")
    new.add_argument("--seed", type=int, default=1, metavar="S", help="draws codes and order (default 1)")
    new.add_argument("--repeats", type=int, default=0, metavar="N", help="cases read again in a last session")
    new.add_argument("--washout-days", type=float, default=28, metavar="D", help="between sessions (default 28)")
    new.set_defaults(run=run_new)
    analyze = actions.add_parser("analyze", help="rates, differences, agreement, artifacts and reading time")
    analyze.add_argument("path", type=Path, metavar="PROTOCOL", help="folder of the reader study")
    analyze.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for tables and report")
    analyze.add_argument(
        "--mark-radius-mm", type=float, default=5, metavar="R", help="a mark this near a lesion hits it (default 5)"
    )
    analyze.add_argument(
        "--mark-radius-pixels",
        type=float,
        default=0,
        metavar="R",
        help="the same in pixels, where the spacing is unknown (default 0: inside only)",
    )
    analyze.add_argument("--overwrite", action="store_true", help="replace an earlier analysis, and nothing else")
    analyze.set_defaults(run=run_analyze)


def run_new(arguments: argparse.Namespace) -> int:
    """Make protocol and key; a folder that holds anything is refused, so answers are never lost."""
    from CEMSynthLib.commands.reader_places import lesion_places
    from CEMSynthLib.commands.region_files import read_region_files
    from CEMSynthLib.export.files import write_text
    from CEMSynthLib.reading.design import StudyDesign, design_study
    from CEMSynthLib.reading.errors import ProtocolError
    from CEMSynthLib.reading.key import KEY_FILE
    from CEMSynthLib.reading.protocol import PROTOCOL_FILE, Arm
    from CEMSynthLib.reading.questions import default_form
    from CEMSynthLib.study.reader import read_folder

    output = arguments.output.absolute()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ProtocolError(f"{output} is not empty; a reader study begins in a new folder.")
    design = StudyDesign(
        title=arguments.title,
        arms=tuple(Arm.parse(text) for text in arguments.image_types),
        readers=tuple(arguments.readers),
        form=default_form(),
        seed=arguments.seed,
        repeats=arguments.repeats,
        washout_days=arguments.washout_days,
    )
    truths = _truths(arguments.path, arguments.truth)
    with progress_bar("Reading", "file") as reading:
        found = read_folder(arguments.path, reading)
    synthetic = None
    if arguments.synthetic:
        with progress_bar("Reading", "file") as reading:
            synthetic = read_folder(arguments.synthetic, reading)
    folders = [_named(folder, output) for folder in (arguments.path, arguments.synthetic or arguments.path)]
    places, problems = lesion_places(found, read_region_files(arguments.regions))
    study = design_study(design, found, synthetic, truths, (folders[0], folders[1]), places)
    for warning in (*study.warnings, *problems, *_burned_in(synthetic or found)):
        print(f"Warning: {warning}", file=sys.stderr)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProtocolError(f"The folder {output} cannot be made: {error.strerror}.") from error
    # The key first: a protocol without its key would look complete.
    write_text(output / KEY_FILE, study.key.to_json())
    write_text(output / PROTOCOL_FILE, study.protocol.to_json())
    cases, readers = len(study.protocol.cases), len(study.protocol.readers)
    print(
        f"Wrote {output / PROTOCOL_FILE}: {cases} cases, {readers} readers, {study.protocol.sessions} sessions each. "
        f"Keep {KEY_FILE} from the readers: it tells patients, truth and order."
    )
    return 0


def run_analyze(arguments: argparse.Namespace) -> int:
    """Analyze the answers that are there and write tables and report."""
    from CEMSynthLib.reading.analysis.analyze import analyze_study
    from CEMSynthLib.reading.analysis.output import summary_lines, write_analysis
    from CEMSynthLib.reading.analysis.reads import load_study
    from CEMSynthLib.reading.errors import AnswerError
    from CEMSynthLib.reading.places import MarkRadius

    radius = MarkRadius(arguments.mark_radius_mm, arguments.mark_radius_pixels)
    if not (0 <= radius.mm < math.inf and 0 <= radius.pixels < math.inf):
        raise AnswerError("The radius of marks must be a number of 0 or more.")
    study = load_study(arguments.path)
    parameters = {
        "path": arguments.path.resolve(),
        "protocol_sha256": study.protocol.sha256,
        "mark_radius": [radius.mm, radius.pixels],
    }
    with OutputFolder(
        arguments.output, "readers analyze", parameters, arguments.overwrite, [arguments.path]
    ) as staging:
        with progress_bar("Analyzing") as progress:
            analysis = analyze_study(study, progress, radius)
        write_analysis(staging, analysis)
    for line in summary_lines(analysis):
        print(line)
    print(f"Report: {arguments.output / 'report.html'}")
    return 0


def _truths(cohort: Path, given: Path | None) -> "Mapping[tuple[str, str], BreastTruth]":
    from CEMSynthLib.reading.truth_table import read_truth

    if given is not None:
        return read_truth(given)
    beside = [path for path in (cohort / _TABLE, cohort.absolute().parent / _TABLE) if path.is_file()]
    return read_truth(beside[0]) if beside else {}


def _named(folder: Path, output: Path) -> str:
    """How the key names a folder: relative where both can move together, else absolute (another drive)."""
    try:
        return Path(os.path.relpath(folder.resolve(), output.resolve())).as_posix()
    except ValueError:
        return str(folder.resolve())


def _burned_in(found: "StudyFolder") -> list[str]:
    """A warning where a notice in the pixels tells readers what they see."""
    from CEMSynthLib.export.derived import read_source

    images = [image for study in found.studies for image in study.synthetic if image.sop_instance_uid is not None]
    marked = sum(read_source(image.path).get("BurnedInAnnotation") == "YES" for image in images)
    what = f"{marked} synthetic images have a notice in their pixels, which tells readers what they see; synthesize "
    return [f"{what}without --burn-in."] if marked else []
