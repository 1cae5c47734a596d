"""`cemsynth evaluate`: a model on patients it has not seen, with null baselines and reference ceiling beside it."""

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.commands.synthesize_command import add_model_arguments
from CEMSynthLib.export.output_folder import OutputFolder


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("evaluate", help="compare a model with null baselines on unseen patients")
    parser.add_argument("path", type=Path, metavar="COHORT", help="studies of patients not used in training")
    add_model_arguments(parser)
    parser.add_argument("--ceiling", metavar="M", help="a model trained with the preset ceiling, printed beside")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for figures and model card")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run, and nothing else")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the table and write it, also as a model card that holds it."""
    from CEMSynthLib.commands.evaluation import (
        NothingToEvaluateError,
        card_metrics,
        describe,
        evaluate_cohort,
        result_lines,
        write_results,
    )
    from CEMSynthLib.evaluation.baselines_file import FILE_NAME, read_baselines
    from CEMSynthLib.export.files import write_text
    from CEMSynthLib.generator.card import CARD_FILE
    from CEMSynthLib.generator.client import WorkerGenerator
    from CEMSynthLib.generator.store import find_model
    from CEMSynthLib.study.reader import read_folder

    with progress_bar("Reading", "file") as reading:
        found = read_folder(arguments.path, reading)
    baselines = read_baselines(find_model(arguments.model))
    if baselines is None:
        raise NothingToEvaluateError(
            f"The model '{arguments.model}' holds no {FILE_NAME}, so there are no null baselines to compare with; "
            "train the model with cemsynth train."
        )
    with ExitStack() as stack:
        asked = arguments.device, arguments.precision
        generator = stack.enter_context(WorkerGenerator(arguments.model, *asked))
        ceiling = stack.enter_context(WorkerGenerator(arguments.ceiling, *asked)) if arguments.ceiling else None
        parameters = {
            "path": arguments.path.resolve(),
            "model_sha256": generator.card.weights_sha256,
            "ceiling_sha256": ceiling.card.weights_sha256 if ceiling else None,
        }
        print(f"Device: {generator.device_reason}", file=sys.stderr)
        folder = OutputFolder(arguments.output, "evaluate", parameters, arguments.overwrite, [arguments.path])
        staging = stack.enter_context(folder)
        with progress_bar("Evaluating") as progress:
            result = evaluate_cohort(found, generator, baselines, ceiling, progress)
        metrics = card_metrics(result, describe(found))
        write_text(staging / CARD_FILE, replace(generator.card, metrics=metrics).to_json())
        summary = {"verdict": result.verdict, "rows": metrics.rows}
        write_text(staging / "summary.json", json.dumps(summary, indent=2) + "\n")
        write_results(staging / "results.csv", result)
    for line in result_lines(result):
        print(line)
    print(f"Model card with these figures: {arguments.output / CARD_FILE}")
    return 0
