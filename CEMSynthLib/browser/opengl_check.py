"""OpenGL check: whether this computer can draw, found out in a process of its own.

Without OpenGL libraries VTK raises no exception: the process ends by a signal. So a child draws one small picture
before this process draws anything.
"""

import os
import subprocess
import sys
from pathlib import Path

from CEMSynthLib.browser.errors import OpenGLMissingError

PROBE = Path(__file__).with_name("opengl_probe.py")
_SECONDS = 60
_ADVICE = {
    "linux": "install the packages libegl1 and libgl1-mesa-dri (Debian, Ubuntu: apt-get install libegl1 "
    "libgl1-mesa-dri; Fedora: dnf install mesa-libEGL mesa-dri-drivers)",
    "win32": "install the driver of the graphics card",
    "darwin": "log in at the computer's own screen",
}


def draw_without_screen() -> None:
    """Let VTK draw without a window system where there is a choice; call it before vtk is imported."""
    if sys.platform == "linux":
        # EGL asks no X server, which may hang or warn; a choice of the user stays.
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


class OpenGLCheck:
    """The check, running beside the caller's other work until `wait`.

    Parameters
    ----------
    command
        What draws the picture; the default is this interpreter with `opengl_probe`.
    """

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-P", str(PROBE))) -> None:
        draw_without_screen()
        self._child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def wait(self) -> None:
        """Wait for the end.

        Raises
        ------
        OpenGLMissingError
            The child could not draw.
        """
        try:
            code = self._child.wait(_SECONDS)
        except subprocess.TimeoutExpired as error:
            self._child.kill()
            self._child.wait()
            raise _missing(f"drawing a test picture took more than {_SECONDS} seconds") from error
        if code != 0:
            how = f"ended by signal {-code}" if code < 0 else f"failed with code {code}"
            raise _missing(f"drawing a test picture {how}")


def _missing(what: str) -> OpenGLMissingError:
    advice = _ADVICE.get(sys.platform, _ADVICE["linux"])
    return OpenGLMissingError(f"OpenGL cannot draw on this computer ({what}); {advice}, then start again.")
