"""`cemsynth review`: a study compared and measured in the browser."""

import argparse
import sys
import webbrowser
from functools import partial
from pathlib import Path

from CEMSynthLib.commands.progress_bar import progress_bar
from CEMSynthLib.errors import CEMSynthError

_ACKNOWLEDGE = "--i-know-that-others-can-reach-it"


# A browser names the address it wants, and only that one is let in.
_ALL = ("0.0.0.0", "::", "")


class HostNotAcknowledgedError(CEMSynthError):
    """The page would be served to other computers, and nobody said which way or that this is meant."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the subcommand."""
    parser = subparsers.add_parser("review", help="compare and measure a study in the browser")
    parser.add_argument(
        "path",
        type=Path,
        nargs="?",
        metavar="PATH",
        help="folder, zip archive, DICOMDIR or reader study (default: none)",
    )
    parser.add_argument("--synthetic", type=Path, metavar="DIR", help="folder of synthetic images made from it")
    parser.add_argument(
        "--regions", type=Path, nargs="+", default=[], metavar="FILE_OR_FOLDER", help="Slicer markups files drawn on it"
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port (default: one that is free)")
    parser.add_argument("--no-browser", action="store_true", help="print the address and do not open it")
    parser.add_argument(
        "--upload-limit-mb", type=int, default=4096, metavar="N", help="most that may be sent at once (default 4096)"
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to serve at (default: this computer)")
    parser.add_argument(
        _ACKNOWLEDGE, action="store_true", dest="acknowledged", help="needed for a --host that others can reach"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the study and serve the page until Ctrl-C."""
    from CEMSynthLib.browser.opengl_check import OpenGLCheck
    from CEMSynthLib.browser.review import Review, review
    from CEMSynthLib.browser.server import Address
    from CEMSynthLib.browser.uploads import UploadLimits
    from CEMSynthLib.measurement.markups import read_regions
    from CEMSynthLib.reading.protocol import PROTOCOL_FILE
    from CEMSynthLib.study.reader import read_folder

    address = Address(arguments.host, arguments.port)
    if not address.local:
        _warn(arguments.host, arguments.acknowledged)
    check = OpenGLCheck()
    # Its images are blinded: nothing else is opened beside them.
    readers = arguments.path if arguments.path and (arguments.path / PROTOCOL_FILE).is_file() else None
    with progress_bar("Reading", "file") as reading:
        found = read_folder(arguments.path, reading) if arguments.path and readers is None else None
    synthetic = read_folder(arguments.synthetic) if arguments.synthetic else None
    regions = read_regions(arguments.regions)
    what = Review(found, synthetic, regions, UploadLimits(arguments.upload_limit_mb << 20), readers)
    review(what, address, check, partial(say_where, open_it=not arguments.no_browser))
    return 0


def say_where(url: str, url_once: str, open_it: bool) -> None:
    """Print the address of the page, and open it by the address that works once."""
    print(f"Review: {url}", flush=True)
    print("Only whoever has this address can open the page. Ctrl-C ends it.", file=sys.stderr)
    if open_it and not webbrowser.open(url_once):
        print("No browser could be opened; open the address by hand.", file=sys.stderr)


def _warn(host: str, acknowledged: bool) -> None:
    meaning = (
        f"--host {host} lets other computers reach the page. Images, patient IDs and the key travel unencrypted: "
        "whoever listens on the network can read them, open the page and change the work."
    )
    if not acknowledged:
        raise HostNotAcknowledgedError(f"{meaning} If that is meant, add {_ACKNOWLEDGE}.")
    if host in _ALL:
        raise HostNotAcknowledgedError(
            f"--host {host} is all addresses at once; name the one that the others are to use, such as 192.168.1.5."
        )
    print(f"Warning: {meaning}", file=sys.stderr)
