"""Child: the command run by another program, which reads its progress and stops it by closing its stdin.

Slicer's Python is started through a launcher that a signal would end alone; the end of stdin reaches the real process.
"""

import _thread
import os
import threading
import time
from collections.abc import Sequence

from CEMSynthLib.cli import main as run
from CEMSynthLib.commands.progress_bar import VARIABLE

_ATTEMPTS, _PAUSE_S = 3, 3.0
_STOPPED = 130


def main(arguments: Sequence[str]) -> int:
    """Run the command line with progress as lines; the end of stdin is Ctrl-C, which leaves nothing half-written."""
    os.environ[VARIABLE] = "lines"
    threading.Thread(target=_interrupt_at_the_end, daemon=True).start()
    return run(arguments)


def _interrupt_at_the_end() -> None:
    # Not sys.stdin, whose lock Python needs when it ends.
    while os.read(0, 4096):
        pass
    for _attempt in range(_ATTEMPTS):
        # Once is not enough: Python drops an interrupt that hits a destructor or a weak reference's callback.
        _thread.interrupt_main()
        time.sleep(_PAUSE_S)
    os._exit(_STOPPED)
