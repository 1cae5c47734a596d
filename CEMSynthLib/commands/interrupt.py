"""Interrupt: Ctrl-C and a polite kill stop a command, also where a library has swallowed the exception they raise."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = False


@contextmanager
def interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGINT and SIGTERM, and again in `check`; what is ignored stays ignored."""
    global _asked
    _asked = False
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) not in (signal.SIG_IGN, None)]
    earlier = {number: signal.signal(number, _stop) for number in numbers}
    try:
        yield
    finally:
        _asked = False
        for number, handler in earlier.items():
            signal.signal(number, handler)


def check() -> None:
    """Raise the KeyboardInterrupt that did not come through: C code that calls Python may drop an exception.

    Raises
    ------
    KeyboardInterrupt
        The command was asked to stop.
    """
    if _asked:
        raise KeyboardInterrupt


def _stop(number: int, frame: FrameType | None) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt
