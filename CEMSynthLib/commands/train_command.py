"""`cemsynth train`: learn a generator from a folder of CEM studies and write a model folder."""

import argparse
import sys
from pathlib import Path

PRESETS = ("demo", "refine", "study", "fast", "pix2pix", "ceiling")
_INTERRUPTED = 130


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand ``train``."""
    parser = subparsers.add_parser(
        "train",
        help="learn a generator from CEM studies",
        description="Learn a generator from all acquisitions under PATH that have a low-energy and a recombined image. "
        "A training that was stopped, by Ctrl-C or otherwise, goes on with --resume. Several GPUs or computers: "
        "torchrun --nproc-per-node N -m CEMSynthLib.cli train ...",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="folder of CEM studies (DICOM or images)")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the model folder to write")
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default="demo",
        help="demo (small CycleGAN, for a CPU), refine (goes on from another model), study (the reference CycleGAN, "
        "for a GPU), fast (coarse, to try data out), pix2pix, or ceiling (plain paired regression); default: demo",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=_positive_number, metavar="N", help="stop after so many minutes")
    length.add_argument("--epochs", type=_positive_whole, metavar="N", help="passes over the images (default: preset)")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="of split, weights and order (default: 0)")
    parser.add_argument(
        "--batch-size",
        type=_positive_whole,
        metavar="N",
        help="images per step, over all processes together, at least one for each (default: preset)",
    )
    parser.add_argument(
        "--split",
        type=Path,
        metavar="CSV",
        help="who trains and who validates: columns patient_id and split (train, validation; others are left out), "
        "such as the cohort.csv of a simulated cohort; default: by a hash of seed and Patient ID",
    )
    parser.add_argument(
        "--regions",
        type=Path,
        nargs="+",
        default=[],
        metavar="R",
        help="lesions as Slicer markups (files or folders); default: the truth of a simulated cohort, if any",
    )
    parser.add_argument(
        "--start", type=Path, metavar="MODEL", help="model to go on from: its network, trained on the same patients"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16", "float64"),
        default="auto",
        help="of the forward passes (default: auto)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where prepared images are kept for the next training; default: in the model folder, removed at the end",
    )
    parser.add_argument(
        "--patient-key",
        type=Path,
        metavar="FILE",
        help="key of the patient hashes in the model card, made where there is none; it stays with you "
        "(default: ~/.config/cemsynth/patient-key)",
    )
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard logs into the model folder")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was stopped")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier training in the model folder")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train as asked.

    Returns
    -------
    int
        0; 130 after Ctrl-C, with the best and the last state so far written.

    Raises
    ------
    CEMSynthError
        Nothing can be learned: no pairs, too few patients, unknown device, output not usable, loss no number.
    """
    from dataclasses import replace

    from CEMSynthLib.commands.training_run import TrainingRun
    from CEMSynthLib.generator.card import load_card
    from CEMSynthLib.generator.devices import choose_device
    from CEMSynthLib.training.errors import TrainingSetupError
    from CEMSynthLib.training.plan import PRESETS as PLANS
    from CEMSynthLib.training.runtime import end, start

    if arguments.preset == "refine" and arguments.start is None:
        raise TrainingSetupError("The preset refine goes on from a trained model; give its folder with --start.")
    device, reason = choose_device(arguments.device)
    plan = PLANS[arguments.preset].with_limits(arguments.epochs, arguments.minutes, arguments.seed)
    plan = replace(plan, precision=arguments.precision, batch_size=arguments.batch_size or plan.batch_size)
    if arguments.start is not None:
        plan = replace(plan, architecture=load_card(arguments.start).architecture)
    fabric = start(device, plan.precision)
    if fabric.is_global_zero:
        print(f"Device: {reason}", file=sys.stderr)
    stopped = TrainingRun(arguments, plan, fabric).go()
    if fabric.is_global_zero:
        state = "Stopped; --resume goes on. What there is so far is in" if stopped else "The model is in"
        print(f"{state} {arguments.output}", file=sys.stderr)
    if not stopped:  # after Ctrl-C another one may still be in the middle of a step
        end(fabric)
    return _INTERRUPTED if stopped else 0


def _positive_number(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**63:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to 2^63 - 1")
    return value


def _positive_whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return value
