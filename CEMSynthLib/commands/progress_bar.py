"""Progress on a terminal; nothing where the output goes to a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from CEMSynthLib.progress import Progress


@contextmanager
def progress_bar(title: str, unit: str = "image") -> Iterator[Progress]:
    """Give a `Progress` that draws a bar with the time left on standard error."""
    with tqdm(desc=title, unit=unit, disable=not sys.stderr.isatty(), leave=False) as bar:

        def advance(done: int, total: int, what: str) -> None:
            bar.total = total
            bar.set_postfix_str(what, refresh=False)
            bar.update(done - bar.n)

        yield advance
