"""Python program: Slicer's own Python as a child process, so that nothing heavy is imported into Slicer."""

import shutil
import sys
from pathlib import Path

import CEMSynthLib

#: The folder that holds the package; a child does not know the module folders that Slicer adds to its own path.
_ROOT = Path(CEMSynthLib.__file__).resolve().parents[1]


def pythonProgram() -> str:
    """The program that runs Slicer's Python without Slicer.

    Slicer puts it on the PATH; inside Slicer ``sys.executable`` is the same program.
    """
    return shutil.which("PythonSlicer") or sys.executable


def commandArguments(*arguments: str) -> list[str]:
    """What `pythonProgram` needs to run the command `cemsynth` with these arguments.

    The package is on the path only while it is found, so that it hides nothing.
    """
    code = (
        f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from CEMSynthLib.commands.child import main; "
        "del sys.path[0]; sys.exit(main(sys.argv[1:]))"
    )
    return ["-c", code, *arguments]
