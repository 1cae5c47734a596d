"""`cemsynth benchmark`: one table of times, peak memory and ratios on this machine."""

import argparse


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("benchmark", help="measure reading, preprocessing, network, regions and halo here")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="runs of each; the fastest counts (3)")
    parser.add_argument(
        "--small", action="store_true", help="a network of a quarter of the width and smaller images, to try it out"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; every line is measured in a process of its own."""
    from CEMSynthLib.commands.benchmark import benchmark_lines

    for line in benchmark_lines(max(1, arguments.repeats), arguments.small):
        print(line, flush=True)
    return 0
