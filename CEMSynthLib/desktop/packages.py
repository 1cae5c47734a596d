"""Packages: which Python packages are missing, and how they are installed after the user was asked.

What is missing is found from the packages' metadata: importing torch into Slicer would lock its files until a restart.
"""

import importlib
import importlib.util
import re
import subprocess
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.child_process import ChildProcess
from CEMSynthLib.desktop.errors import PackageError
from CEMSynthLib.desktop.python_program import pythonProgram

SYNTHESIS = ("torch", "safetensors")
REPORT = ("scikit-image", "matplotlib", "jinja2")
#: Offers the PyTorch that fits the machine's graphics card; a small package that the PyTorch extension uses.
_LIGHT_THE_TORCH = "light-the-torch>=0.5"
_LAST_LINES = 8


def requirements() -> dict[str, str]:
    """Requirements by the name of the package, as Resources/requirements.txt lists them."""
    path = Path(slicer.util.modulePath("CEMSynth")).parent / "Resources" / "requirements.txt"
    lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return {_name(line): line for line in lines if line}


def missingPackages(names: Sequence[str]) -> list[str]:
    """The requirements among these that are not installed, or not in a version that is new enough."""
    importlib.invalidate_caches()
    missing = []
    for name in names:
        requirement = requirements()[name]
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(requirement)
            continue
        if _numbers(installed) < _numbers(requirement.partition(">=")[2]):
            missing.append(requirement)
    return missing


class PackageInstaller:
    """Installs packages one step after the other, told of by call-backs; only after the user has agreed.

    Parameters
    ----------
    onLog
        Gets each line of pip's output.
    onFinished
        Gets an empty text, or a sentence with pip's last lines.
    """

    #: The one that installs now, of whatever section: two runs of pip at once would break each other's work.
    _active: "ClassVar[PackageInstaller | None]" = None

    def __init__(self, onLog: Callable[[str], None], onFinished: Callable[[str], None]) -> None:
        self._onLogLine, self._onFinished = onLog, onFinished
        self._steps: list[Callable[[], None]] = []
        self._child: ChildProcess | None = None
        self._rest = b""
        self._lines: list[str] = []

    @property
    def running(self) -> bool:
        """Whether this one installs now."""
        return PackageInstaller._active is self

    def start(self, missing: Sequence[str]) -> None:
        """Install requirements; torch through the PyTorch extension.

        Raises
        ------
        PackageError
            torch is among them and the PyTorch extension is not installed, or another installation runs.
        """
        if PackageInstaller._active is not None:
            raise PackageError(_("Packages are being installed already; wait until that is done."))
        torch = next((requirement for requirement in missing if _name(requirement) == "torch"), None)
        if torch is not None and importlib.util.find_spec("PyTorchUtils") is None:
            raise PackageError(
                _("PyTorch is installed through the PyTorch extension: install it in the Extensions Manager, "
                  "restart Slicer, and try again.")
            )  # fmt: skip
        others = [requirement for requirement in missing if requirement != torch]
        self._steps = [lambda: self._pipInstall(others)] if others else []
        if torch is not None:
            if importlib.util.find_spec("light_the_torch") is None:
                self._steps.append(self._installLightTheTorch)
            # What PyTorchUtilsLogic.installTorch() runs, but without waiting for it.
            self._steps.append(lambda: self._run(["-m", "light_the_torch", "install", torch, "torchvision"]))
        self._lines = []
        PackageInstaller._active = self
        self._next()

    def stop(self) -> None:
        """End what runs in a process of this class, and tell nobody."""
        self._release()
        self._steps = []
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _next(self) -> None:
        if not self._steps:
            self._finish("")
            return
        self._steps.pop(0)()

    def _installLightTheTorch(self) -> None:
        self._pipInstall([_LIGHT_THE_TORCH])

    def _pipInstall(self, requirements: Sequence[str]) -> None:
        packaging = _slicerPackaging()
        try:
            if packaging is not None and not slicer.app.testingEnabled():
                packaging.pip_install(
                    list(requirements),
                    blocking=False,
                    show_progress=False,
                    requester="CEMSynth",
                    logCallback=self._log,
                    completedCallback=self._onStepEnded,
                )
                return
            # Slicer 5.10, and Slicer's own tests, wait for pip.
            qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
            try:
                slicer.util.pip_install(" ".join(requirements))
            finally:
                qt.QApplication.restoreOverrideCursor()
        except (subprocess.CalledProcessError, RuntimeError) as error:
            self._log(str(error))
            self._onStepEnded(1)
        else:
            self._onStepEnded(0)

    def _run(self, arguments: Sequence[str]) -> None:
        self._rest = b""
        self._child = ChildProcess(self._onOutput, self._log, lambda code, crashed: self._onStepEnded(code or crashed))
        self._child.start(pythonProgram(), arguments)

    def _onOutput(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece.replace(b"\r", b"\n")).split(b"\n")
        for line in lines:
            self._log(line.decode("utf-8", "replace"))

    def _log(self, line: str) -> None:
        text = str(line).rstrip()
        if text:
            self._lines = [*self._lines[1 - _LAST_LINES :], text]
            self._onLogLine(text)

    def _onStepEnded(self, code: int) -> None:
        if not self.running:
            return
        if code == 0:
            self._next()
        else:
            self._finish(
                _("The packages could not be installed; pip says: {lines}").format(lines=" | ".join(self._lines))
            )

    def _release(self) -> None:
        if self.running:
            PackageInstaller._active = None

    def _finish(self, problem: str) -> None:
        self._release()
        self._steps = []
        self._onFinished(problem)


def _name(requirement: str) -> str:
    return requirement.partition(">")[0].partition("=")[0].partition("[")[0].strip().lower()


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: 2.13.0+cpu is (2, 13, 0). Requirements have the form ``name>=2.4``."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def _slicerPackaging() -> Any:
    """`slicer.packaging` where it can install without waiting (Slicer 5.12), else ``None``."""
    if importlib.util.find_spec("slicer.packaging") is None:
        return None
    return importlib.import_module("slicer.packaging")
