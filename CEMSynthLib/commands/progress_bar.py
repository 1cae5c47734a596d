"""Progress on a terminal; lines for a program that asks for them; else nothing."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from CEMSynthLib.commands.interrupt import check
from CEMSynthLib.progress import Progress, silent

#: Set to ``lines`` by a program that runs the command: each step is one line ``@progress [done, total, what]``.
VARIABLE = "CEMSYNTH_PROGRESS"


@contextmanager
def progress_bar(title: str, unit: str = "image") -> Iterator[Progress]:
    """Give a `Progress` that draws a bar with the time left on standard error, and ends an interrupted command."""
    with _shown(title, unit) as show:

        def advance(done: int, total: int, what: str) -> None:
            check()
            show(done, total, what)

        yield advance


@contextmanager
def _shown(title: str, unit: str) -> Iterator[Progress]:
    if os.environ.get(VARIABLE) == "lines":
        yield _line
        return
    if not sys.stderr.isatty():
        yield silent
        return
    # Imported here: Slicer's Python does not have it, and needs no bar.
    from tqdm import tqdm

    with tqdm(desc=title, unit=unit, leave=False) as bar:

        def advance(done: int, total: int, what: str) -> None:
            bar.total = total
            bar.set_postfix_str(what, refresh=False)
            bar.update(done - bar.n)

        yield advance


def _line(done: int, total: int, what: str) -> None:
    print(f"@progress {json.dumps([done, total, what])}", file=sys.stderr, flush=True)
