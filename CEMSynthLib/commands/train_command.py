"""`cemsynth train`: learn a generator from a folder of CEM studies and write a model folder."""

import argparse
import sys
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.commands.training_baselines import write_training_baselines
from CEMSynthLib.export.output_folder import OutputFolder
from CEMSynthLib.study.reader import read_folder

_INTERRUPTED = 130


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand ``train``."""
    parser = subparsers.add_parser(
        "train",
        help="learn a generator from CEM studies",
        description="Learn a generator from all acquisitions under PATH that have a low-energy and a recombined image. "
        "Patients are split into training and validation by a hash of seed and Patient ID. Ctrl-C keeps the best "
        "state so far.",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="folder of CEM studies (DICOM or images)")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the model folder to write")
    parser.add_argument("--preset", choices=("demo", "ceiling"), default="demo", help="settings (default: demo)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_positive_number, metavar="N", help="stop after so many minutes")
    length.add_argument("--epochs", type=_positive_whole, metavar="N", help="passes over the images (default: preset)")
    parser.add_argument("--seed", type=int, default=0, help="of split, weights and order (default: 0)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run with other settings")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train as asked.

    Returns
    -------
    int
        0; 130 after Ctrl-C, with the best state so far written.

    Raises
    ------
    CEMSynthError
        Nothing can be learned: no pairs, too few patients, unknown device, output not usable.
    """
    from CEMSynthLib.generator.devices import choose_device
    from CEMSynthLib.training.plan import PRESETS
    from CEMSynthLib.training.session import prepare_training, train

    device, reason = choose_device(arguments.device)
    plan = PRESETS[arguments.preset].with_limits(arguments.epochs, arguments.minutes, arguments.seed)
    asked = {
        "path": arguments.path.resolve(),
        "preset": plan.name,
        "epochs": None if plan.minutes else plan.epochs,
        "minutes": plan.minutes,
        "seed": plan.seed,
        "device": device.type,
    }
    interrupted = False
    with OutputFolder(arguments.output, "train", asked, arguments.overwrite, [arguments.path]) as staging:
        print(f"Device: {reason}", file=sys.stderr)
        with progress_bar("Reading image pairs", "pair") as bar:
            found = read_folder(arguments.path)
            prepared = prepare_training(found, plan, progress=bar)
        for left_out in prepared.skipped:
            print(f"Skipped {left_out.path.name}: {left_out.reason}", file=sys.stderr)
        print(
            f"Training on {len(prepared.training)} images of {prepared.card.training.training_patients} patients, "
            f"validation on {len(prepared.validation)} of {prepared.card.training.validation_patients}.",
            file=sys.stderr,
        )
        with progress_bar("Null baselines") as bar:
            write_training_baselines(found, {pair.patient_id for pair in prepared.training}, staging, bar)
        try:
            with progress_bar("Training", "s" if plan.minutes else "step") as bar:
                train(prepared, plan, device, staging, bar)
        except KeyboardInterrupt:
            if not (staging / "model.json").is_file():
                raise
            interrupted = True
    state = "Stopped early; the best state so far is in" if interrupted else "The model is in"
    print(f"{state} {arguments.output}", file=sys.stderr)
    return _INTERRUPTED if interrupted else 0


def _positive_number(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _positive_whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return value
