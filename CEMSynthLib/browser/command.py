"""Command: the command `cemsynth` in a process of its own, so that nothing heavy enters this one."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence

from CEMSynthLib.browser.errors import ReviewError

#: What a line of progress begins with (`CEMSynthLib.commands.progress_bar`).
_PROGRESS = "@progress "
_CHILD = "import sys; from CEMSynthLib.commands.child import main; sys.exit(main(sys.argv[1:]))"


def run_command(arguments: Sequence[str], on_progress: Callable[[float], None] = lambda fraction: None) -> list[str]:
    """Run ``cemsynth`` with arguments and wait; not on the page's thread.

    Returns
    -------
    list of str
        What it said, without its progress.

    Raises
    ------
    ReviewError
        It failed; with its last sentence.
    """
    said: list[str] = []
    # The end of its stdin, which comes with the end of this process, ends the command too.
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stderr or ():
            if line.startswith(_PROGRESS):
                done, total, _ = json.loads(line.removeprefix(_PROGRESS))
                on_progress(done / max(total, 1))
            elif line.strip():
                said.append(line.strip())
        code = process.wait()
    if code != 0:
        raise ReviewError(said[-1].removeprefix("cemsynth: ") if said else f"The command ended with code {code}.")
    return said
