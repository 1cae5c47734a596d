"""Export section: what leaves as files, into a new folder, and into the DICOM database where the user asks."""

import threading
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.background import BackgroundWork
from CEMSynthLib.desktop.dialogs import agreed, openFolder
from CEMSynthLib.desktop.errors import ExportWorkError
from CEMSynthLib.desktop.export import ExportChoice, insertIntoDatabase
from CEMSynthLib.desktop.packages import REPORT, PackageInstaller, missingPackages
from CEMSynthLib.desktop.section import Section
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.progress import Progress
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from CEMSynthLib.desktop.export_work import ExportReport
    from CEMSynthLib.desktop.panel import Panel

_FOLDER = "CEMSynth/ExportFolder"
# The packages that each part of a measurement needs; scikit-image compares images.
_NEEDED = {"table": REPORT[:1], "sr": REPORT[:1], "report": REPORT}


class ExportSection(Section):
    """Connects the widgets of ExportSection.ui with `logic.export`."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self._work = BackgroundWork(self.onDone, self.onFailed, self.onProgress)
        self._installer = PackageInstaller(self.onPackagesLog, self.onPackagesFinished)
        self._missing: dict[str, list[str]] = {}
        self._canceled = threading.Event()
        self._folder = ""
        self._toDatabase = False
        self._boxes = {
            "table": ui.exportTableCheckBox,
            "sr": ui.exportReportDicomCheckBox,
            "report": ui.exportHTMLCheckBox,
        }
        ui.exportPathLineEdit.currentPath = slicer.util.settingsValue(_FOLDER, "", converter=str)
        ui.exportPathLineEdit.currentPathChanged.connect(self.onChanged)
        ui.exportPathLineEdit.validInputChanged.connect(self.onChanged)  # all that an emptied one tells
        for box in self._allBoxes():
            box.toggled.connect(self.onChanged)
        ui.exportButton.clicked.connect(self.onExportClicked)
        ui.openExportFolderButton.clicked.connect(self.onOpenFolderClicked)
        ui.installReportPackagesButton.clicked.connect(self.onInstallPackagesClicked)
        self._showProgress(False)

    def enter(self) -> None:
        """Look which packages are there now."""
        self._missing = {}
        self.refresh()

    def onSceneClosed(self) -> None:
        """What was gathered from the scene is written to its end: it needs the scene no more."""

    def cleanup(self) -> None:
        """Stop; a half-written export is removed."""
        self._installer.stop()
        self._work.cleanup()

    def refresh(self) -> None:
        """Say what is missing."""
        ui, missing = self.ui, self._whatIsMissing()
        ui.exportButton.text = _("Cancel") if self._work.running else _("Export")
        ui.exportButton.enabled = not self._canceled.is_set() if self._work.running else not missing
        if self._work.running:
            ui.exportButton.toolTip = _("Stop; nothing half-written is left.")
        else:
            ui.exportButton.toolTip = missing or _("Write what is checked into a new folder.")
        ui.burnInCheckBox.enabled = bool(ui.exportImagesCheckBox.checked)
        ui.exportDatabaseCheckBox.enabled = bool(
            ui.exportImagesCheckBox.checked or ui.exportReportDicomCheckBox.checked
        )
        packages = self._missingPackages()
        ui.exportPackagesLabel.visible = ui.installReportPackagesButton.visible = bool(packages)
        ui.exportPackagesLabel.text = _("Missing Python packages: {names}").format(names=", ".join(packages))
        ui.installReportPackagesButton.enabled = not self._installer.running
        ui.installReportPackagesButton.toolTip = (
            _("Wait until the installation has ended.")
            if self._installer.running
            else _("Download and install them into Slicer's Python, after asking.")
        )
        ui.openExportFolderButton.visible = bool(self._folder)

    def onChanged(self, value: object = None) -> None:
        """Another folder or another choice."""
        self.refresh()

    def onExportClicked(self) -> None:
        """Begin, or stop what runs."""
        if self._work.running:
            # Not BackgroundWork.cancel(), which forgets the work: it may be done by the time it would stop.
            self._canceled.set()
            self.refresh()
            return
        from CEMSynthLib.desktop.export_work import writeExport

        self.say("")
        parent = self._parent()
        try:
            plan = self.logic.export.plan(self._keys(), parent, self._choice())
        except CEMSynthError as error:
            self.say(str(error))
            return
        qt.QSettings().setValue(_FOLDER, parent)
        self._toDatabase = bool(self.ui.exportDatabaseCheckBox.enabled and self.ui.exportDatabaseCheckBox.checked)
        self._showProgress(True)
        canceled = self._canceled = threading.Event()
        sentence = _("Canceled; nothing was written.")

        def write(progress: Progress) -> "ExportReport":
            def step(done: int, total: int, what: str) -> None:
                if canceled.is_set():
                    raise ExportWorkError(sentence)
                progress(done, total, what)

            return writeExport(plan, step)

        self._work.start(write)
        self.refresh()

    def onProgress(self, done: int, total: int) -> None:
        """The work went on."""
        self.ui.exportProgressBar.setRange(0, total)
        self.ui.exportProgressBar.setValue(done)

    def onDone(self, report: "ExportReport") -> None:
        """Everything is written."""
        self._showProgress(False)
        self._folder = str(report.folder)
        sentences = [_("{count} files are in {folder}.").format(count=len(report.files), folder=report.folder)]
        if self._toDatabase:
            sentences.append(insertIntoDatabase(report.folder))
        self.say(" ".join([*sentences, *report.warnings]))
        self.refresh()

    def onFailed(self, sentence: str) -> None:
        """Nothing was written."""
        self._showProgress(False)
        self.say(sentence)
        self.refresh()

    def onOpenFolderClicked(self) -> None:
        """Show the last export in the file manager."""
        openFolder(self._folder)

    def onInstallPackagesClicked(self) -> None:
        """Install what is missing, after asking."""
        missing = self._missingPackages()
        question = _("Download these Python packages and install them into Slicer's Python? {names}")
        if not missing or not agreed(question.format(names=", ".join(missing)), _("Install packages")):
            return
        try:
            self._installer.start(missing)
        except CEMSynthError as error:
            self.say(str(error))
        self.refresh()

    def onPackagesLog(self, line: str) -> None:
        """A line of pip's output."""
        self.ui.exportPackagesLabel.text = line

    def onPackagesFinished(self, problem: str) -> None:
        """The installation ended."""
        self._missing = {}
        self.say(problem)
        self.panel.refresh()

    def _allBoxes(self) -> list[Any]:
        ui = self.ui
        boxes = [ui.exportImagesCheckBox, ui.burnInCheckBox, ui.exportMarkupsCheckBox, ui.exportPicturesCheckBox]
        return [*boxes, *self._boxes.values(), ui.exportDatabaseCheckBox, ui.exportAllCheckBox]

    def _choice(self) -> ExportChoice:
        ui = self.ui
        return ExportChoice(
            images=bool(ui.exportImagesCheckBox.checked),
            burn_in=bool(ui.exportImagesCheckBox.checked and ui.burnInCheckBox.checked),
            markups=bool(ui.exportMarkupsCheckBox.checked),
            pictures=bool(ui.exportPicturesCheckBox.checked),
            parts=tuple(part for part, box in self._boxes.items() if box.checked),
        )

    def _parent(self) -> str:
        return str(self.ui.exportPathLineEdit.currentPath).strip()

    def _keys(self) -> list[str]:
        """Acquisitions that are in the scene: what was never shown has nothing to export."""
        everything = bool(self.ui.exportAllCheckBox.checked)
        rows = [row for row in self.logic.study.rows() if ImageKind.LOW_ENERGY in row.kinds]
        return [row.key for row in rows if everything or row.key == self.panel.selectedKey()]

    def _whatIsMissing(self) -> str:
        choice = self._choice()
        if not self._keys():
            return str(_("Select an acquisition first."))
        if not (choice.images or choice.markups or choice.pictures or choice.parts):
            return str(_("Check what is to be written."))
        if not self._parent():
            return str(_("Choose a folder."))
        if self._missingPackages():
            return str(_("Install the missing Python packages first, or leave out what needs them."))
        return ""

    def _missingPackages(self) -> list[str]:
        """Of what is checked."""
        wanted = [name for part in self._choice().parts for name in _NEEDED[part]]
        for name in wanted:
            if name not in self._missing:
                self._missing[name] = missingPackages([name])
        return list(dict.fromkeys(requirement for name in wanted for requirement in self._missing[name]))

    def _showProgress(self, visible: bool) -> None:
        self.ui.exportProgressBar.visible = visible
        self.ui.exportProgressBar.setValue(0)
