"""The command `cemsynth`: parses the command line and turns errors into one sentence and exit code 2."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from CEMSynthLib import __version__
from CEMSynthLib.commands.interrupt import interrupts
from CEMSynthLib.errors import CEMSynthError

#: Subcommands in the order of the work; each lives in `CEMSynthLib.commands`.
COMMANDS = (
    "demo",
    "review",
    "list",
    "synthesize",
    "measure",
    "deidentify",
    "simulate",
    "train",
    "evaluate",
    "readers",
    "trial",
    "models",
    "benchmark",
)
EXTRAS = {
    "torch": "generator",
    "safetensors": "generator",
    "openvino": "openvino",
    "matplotlib": "report",
    "jinja2": "report",
    "sklearn": "report",
    "highdicom": "export",
    "dicomanonymizer": "export",
    "distributed": "cluster",
    "dask": "cluster",
    "aiohttp": "browser",
    "trame": "browser",
    "trame_server": "browser",
    "trame_slicer": "browser",
    "slicer": "browser",
    "vtkmodules": "browser",
}


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="cemsynth",
        description="Synthetic iodine images for contrast-enhanced mammography, measured honestly. "
        "Research software: synthetic images are not for diagnosis.",
    )
    parser.add_argument("--version", action="version", version=f"cemsynth {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"CEMSynthLib.commands.{name}_command").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 2 cannot be done, 130 stopped by Ctrl-C."""
    parsed = make_parser().parse_args(arguments)
    try:
        # A polite kill is a Ctrl-C: staging folders and worker processes are cleaned up.
        with interrupts():
            return int(parsed.run(parsed))
    except CEMSynthError as error:
        print(f"cemsynth: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        print(
            f"cemsynth: the package {error.name} is not installed; run: pip install 'cemsynth[{extra}]'",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("cemsynth: stopped; nothing half-written was left", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
