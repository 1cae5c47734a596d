"""`cemsynth review`: a study compared and measured in the browser."""

import argparse
import sys
import webbrowser
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("review", help="compare and measure a study in the browser")
    parser.add_argument("path", type=Path, metavar="PATH", help="folder, zip archive or DICOMDIR of the study")
    parser.add_argument("--synthetic", type=Path, metavar="DIR", help="folder of synthetic images made from it")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port (default: one that is free)")
    parser.add_argument("--no-browser", action="store_true", help="print the address and do not open it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the study and serve the page until Ctrl-C."""
    from CEMSynthLib.browser.opengl_check import OpenGLCheck
    from CEMSynthLib.browser.review import Review, review
    from CEMSynthLib.browser.server import Address
    from CEMSynthLib.study.reader import read_folder

    check = OpenGLCheck()
    found = read_folder(arguments.path)
    synthetic = read_folder(arguments.synthetic) if arguments.synthetic else None

    def on_ready(url: str) -> None:
        print(f"Review: {url}", flush=True)
        if not arguments.no_browser and not webbrowser.open(url):
            print("No browser could be opened; open the address by hand.", file=sys.stderr)

    review(Review(found, synthetic), Address(port=arguments.port), check, on_ready)
    return 0
