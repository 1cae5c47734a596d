"""Ctrl-C stops a command even where the exception it raised was dropped."""

import os
import signal
from contextlib import suppress

import pytest

from CEMSynthLib.commands.interrupt import interrupts
from CEMSynthLib.commands.progress_bar import progress_bar


def ask(number: signal.Signals) -> None:
    """As C code does that calls Python and clears its error."""
    with suppress(KeyboardInterrupt):
        os.kill(os.getpid(), number)
        for _ in range(1000):
            pass
        pytest.fail("no signal came")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_dropped_interrupt_comes_again_at_the_next_step(number):
    before = signal.getsignal(number)
    with interrupts(), progress_bar("Working") as progress:
        progress(1, 3, "first")
        ask(number)
        with pytest.raises(KeyboardInterrupt):
            progress(2, 3, "second")
    assert signal.getsignal(number) is before
    with progress_bar("Working") as progress:
        progress(1, 1, "another command")


def test_who_ignores_ctrl_c_goes_on():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
