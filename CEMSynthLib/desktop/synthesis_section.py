"""Synthesis section: model, device, packages; Apply that becomes Cancel; what the result says of itself."""

from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from CEMSynthLib.desktop.device_chooser import DeviceChooser
from CEMSynthLib.desktop.dialogs import agreed
from CEMSynthLib.desktop.model_chooser import ModelChooser
from CEMSynthLib.desktop.packages import SYNTHESIS, PackageInstaller, missingPackages
from CEMSynthLib.desktop.section import Section
from CEMSynthLib.desktop.synthesis import SynthesisReport
from CEMSynthLib.desktop.synthetic_choice import SyntheticChoice
from CEMSynthLib.desktop.time_left import TimeLeft, durationText
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.errors import MissingPackageError
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

_TICK_MS = 500


class SynthesisSection(Section):
    """Connects the widgets of SynthesisSection.ui with `logic.synthesis`; it is the listener of the runs it starts."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self._timeLeft: TimeLeft | None = None
        self._step = ""
        self._canceling = False
        self._outside: list[str] = []
        self._wanted = ""
        self._installer = PackageInstaller(self.log, self.onPackagesFinished)
        self._missing: list[str] | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.connect("timeout()", self.onTick)
        self._models = ModelChooser(ui, self.say, self.log, self.onModelChanged)
        self._devices = DeviceChooser(ui, logic.synthesis, self.say, self.log, self.refresh)
        self._choice = SyntheticChoice(ui, panel)
        self.ui.applySynthesisButton.clicked.connect(self.onApplyClicked)
        self.ui.installPackagesButton.clicked.connect(self.onInstallPackagesClicked)
        self._showProgress(False)

    def enter(self) -> None:
        """Look which models and packages are there now."""
        self._missing = None
        self._models.fill()
        self.refresh()

    def onParameterNodeModified(self) -> None:
        """The scene says which model, and whether all acquisitions are wanted."""
        name = self.parameterNode.synthesisModel
        if name != self._wanted and not self.logic.synthesis.running:
            # Cards are read from disk, so only for another name; a model that is not on this machine is not chosen.
            self._wanted = name
            self._models.fill(name)
        self.refresh()

    def onShown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Say what is known of the synthetic image that is shown."""
        self._choice.show(volumes)

    def onSceneClosed(self) -> None:
        """The scene that the run works for closes."""
        self._stopWorker()
        self._endRun()
        self._choice.show(None)

    def cleanup(self) -> None:
        """End every child process."""
        self._timer.stop()
        self._models.stop()
        self._installer.stop()
        self.logic.synthesis.stop()

    def refresh(self) -> None:
        """Say what is missing, and how far a run is."""
        running = self.logic.synthesis.running
        button = self.ui.applySynthesisButton
        missing = self._whatIsMissing()
        button.text = _("Cancel") if running else _("Apply")
        button.enabled = not self._canceling if running else not missing
        if running:
            button.toolTip = _("Stop; synthetic images that are done stay.")
        else:
            button.toolTip = missing or _(
                "Make synthetic iodine images from low-energy images. They are not for diagnosis."
            )
        packages = self._missingPackages()
        self.ui.packagesLabel.visible = self.ui.installPackagesButton.visible = bool(packages)
        self.ui.packagesLabel.text = _("Missing Python packages: {names}").format(names=", ".join(packages))
        self.ui.installPackagesButton.enabled = not self._installer.running
        self.ui.installPackagesButton.toolTip = (
            _("Wait until the installation has ended; the log shows how far it is.")
            if self._installer.running
            else _("Download and install them into Slicer's Python, after asking.")
        )
        installing = _("Wait until the installation has ended.") if self._installer.running else ""
        self._devices.refresh(_("Wait until the run has ended, or cancel it.") if running else installing)
        self.ui.modelComboBox.enabled = self.ui.deviceComboBox.enabled = not running
        self.ui.synthesizeAllCheckBox.enabled = not running

    def onModelChanged(self) -> None:
        """Another model was chosen: the scene remembers it."""
        model = self._models.model()
        if model is not None and self.parameterNode is not None:
            self._wanted = model.name
            self.parameterNode.synthesisModel = model.name
        self.refresh()

    def onApplyClicked(self) -> None:
        """Begin, or stop what runs."""
        if self.logic.synthesis.running:
            self._canceling = True
            self.logic.synthesis.cancel()
            self.refresh()
            return
        model, keys = self._models.model(), self._keys()
        if model is None or model.card is None:
            return
        self.say("")
        self._canceling, self._outside = False, []
        device = self._devices.device()
        self._timeLeft = TimeLeft(f"{model.card.weights_sha256[:16]}/{device}", len(keys))
        self._showProgress(True)
        self._timer.start()
        try:
            self.logic.synthesis.start(keys, str(model.folder), device, self)
        except CEMSynthError as error:
            self._endRun()
            self.say(str(error))
        self.refresh()

    def onStep(self, number: int, count: int, what: str) -> None:
        """Another step began."""
        words = {
            "model": _("starting, and loading the model"),
            "preparing": _("preparing"),
            "network": _("network"),
            "restoring": _("writing"),
        }
        image = _("Image {number} of {count}: ").format(number=number, count=count) if count > 1 else ""
        self._step = image + words.get(what, what)
        self.onTick()

    def onDevice(self, reason: str) -> None:
        """The model is loaded on a device."""
        self._devices.tell(reason)
        if self._timeLeft is not None:
            self._timeLeft.begin()

    def onImage(self, key: str, node: Any) -> None:
        """A synthetic volume is in the scene; show it where its acquisition is shown."""
        if self._timeLeft is not None:
            self._timeLeft.imageDone()
        self.log(f"{node.GetName()}: {node.GetAttribute(names.MODEL_NAME)}")
        if node.GetAttribute(names.TRAINING_RANGE) == "outside":
            self._outside.append(node.GetAttribute(names.NAME) or "?")
        # While another module is open its views are left alone; coming back shows the acquisition anew.
        if self.parameterNode is not None and self.panel.shown is not None and self.panel.shown.key == key:
            self.panel.show(key)

    def onLog(self, line: str) -> None:
        """A line that the worker's libraries printed."""
        self.log(line)

    def onFinished(self, report: SynthesisReport) -> None:
        """Say how the run ended; the window goes on."""
        self._endRun()
        sentences = [str(report.error)] if report.error is not None else []
        if isinstance(report.error, MissingPackageError):
            # The sentence of the library says what to type on a command line, which is not how Slicer does it.
            self._missing = None
            sentences = [
                _("A Python package is missing or does not load; install PyTorch again through its extension.")
            ]
            self.log(str(report.error))
        if report.canceled:
            sentences.append(_("Canceled."))
        if report.made and (report.failed or report.canceled or report.error is not None):
            sentences.append(_("Synthetic images made: {count}.").format(count=len(report.made)))
        sentences += report.failed
        if self._outside:
            sentences.append(
                _("Unlike the images the model was trained on, so not to be relied on: {views}.").format(
                    views=", ".join(self._outside)
                )
            )
        self.panel.refresh()
        if sentences:
            self.say(" ".join(sentences))

    def onTick(self) -> None:
        """Move the progress bar."""
        left = self._timeLeft.seconds() if self._timeLeft is not None else None
        fraction = self._timeLeft.fraction() if self._timeLeft is not None else None
        self.ui.synthesisProgressBar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self.ui.synthesisProgressBar.setValue(round(1000 * fraction))
        text = self._step if not self._canceling else _("Stopping ...")
        if left is not None and not self._canceling:
            text = _("{step}; about {time} left").format(step=text, time=durationText(left))
        self.ui.synthesisProgressLabel.text = text

    def onInstallPackagesClicked(self) -> None:
        """Install what is missing, after asking."""
        missing = self._missingPackages()
        question = _(
            "Install these Python packages into Slicer's Python? {names}\n\n"
            "They are downloaded from the Python package index; PyTorch takes several gigabytes."
        ).format(names=", ".join(missing))
        if not missing or not agreed(question, _("Install packages")):
            return
        self.ui.synthesisLogGroupBox.collapsed = False
        try:
            self._installer.start(missing)
        except CEMSynthError as error:
            self.say(str(error))
        self.refresh()

    def onPackagesFinished(self, problem: str) -> None:
        """The installation ended."""
        self._missing = None
        # A worker that runs would not find them.
        if not self.logic.synthesis.running:
            self._stopWorker()
        self.say(problem)
        self.panel.refresh()

    def log(self, line: str) -> None:
        """Add a line to the log box."""
        self.ui.synthesisLogTextEdit.appendPlainText(line)

    def _keys(self) -> list[str]:
        """The acquisitions that are wanted and have a low-energy image."""
        rows = [row for row in self.logic.study.rows() if ImageKind.LOW_ENERGY in row.kinds]
        everything = self.parameterNode is not None and self.parameterNode.synthesizeAll
        return [row.key for row in rows if everything or row.key == self.panel.selectedKey()]

    def _whatIsMissing(self) -> str:
        model = self._models.model()
        if self._missingPackages():
            return str(_("Install the missing Python packages first."))
        if self._installer.running or self._models.busy or self._devices.busy:
            return str(_("Wait until the installation or check that runs has ended."))
        if model is None or model.card is None:
            return str(_("Choose a model whose card can be read."))
        if not self.logic.study.rows():
            return str(_("Open a study first."))
        if not self._keys():
            return str(_("Select an acquisition that has a low-energy image."))
        return ""

    def _missingPackages(self) -> list[str]:
        if self._missing is None:
            self._missing = missingPackages(SYNTHESIS)
        return self._missing

    def _stopWorker(self) -> None:
        self.logic.synthesis.stop()
        self._devices.stop()

    def _endRun(self) -> None:
        self._timer.stop()
        self._timeLeft, self._step, self._canceling = None, "", False
        self._showProgress(False)

    def _showProgress(self, visible: bool) -> None:
        self.ui.synthesisProgressBar.visible = self.ui.synthesisProgressLabel.visible = visible
        self.ui.synthesisProgressLabel.text = ""
