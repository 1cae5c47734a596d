"""Study section: open a study, list its acquisitions, tell how its files were read, and who is named in the scene."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.dialogs import fileToSave
from CEMSynthLib.desktop.dicom_selection import selectedFiles
from CEMSynthLib.desktop.opening import StudyOpening
from CEMSynthLib.desktop.sample import SampleSimulation
from CEMSynthLib.desktop.section import Section
from CEMSynthLib.desktop.tables import (
    fillAcquisitionTable,
    fillReasonTable,
    selectAcquisition,
    selectedAcquisitionKey,
)
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.scene.privacy import named_patients, save_deidentified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from CEMSynthLib.desktop.panel import Panel
    from CEMSynthLib.scene.study import AcquisitionRow
    from CEMSynthLib.study.model import StudyFolder

STUDY_SETTING = "CEMSynth/StudyFolder"
SYNTHETIC_SETTING = "CEMSynth/SyntheticFolder"
_SAVED = "fileSaved(qSlicerIO::IOProperties)"


class StudySection(Section):
    """Connects the widgets of StudySection.ui with the logic."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self._job: StudyOpening | SampleSimulation | None = None
        self._listed: list[AcquisitionRow] | None = None
        self.ui.studyPathLineEdit.currentPath = slicer.util.settingsValue(STUDY_SETTING, "", converter=str)
        self.ui.syntheticPathLineEdit.currentPath = slicer.util.settingsValue(SYNTHETIC_SETTING, "", converter=str)
        for lineEdit in (self.ui.studyPathLineEdit, self.ui.syntheticPathLineEdit):
            lineEdit.currentPathChanged.connect(self.onPathChanged)
            lineEdit.validInputChanged.connect(self.onPathChanged)  # all that an emptied one tells
        self.ui.openButton.clicked.connect(self.onOpenClicked)
        self.ui.openFilesButton.clicked.connect(self.onOpenFilesClicked)
        self.ui.dicomSelectionButton.clicked.connect(self.onDicomSelectionClicked)
        self.ui.sampleButton.clicked.connect(self.onSampleClicked)
        self.ui.saveDeidentifiedButton.clicked.connect(self.onSaveDeidentifiedClicked)
        self.ui.acquisitionTable.itemSelectionChanged.connect(self.onAcquisitionSelected)
        slicer.app.coreIOManager().connect(_SAVED, self.onFileSaved)

    @property
    def busy(self) -> bool:
        """Whether a study is being read or simulated."""
        return self._job is not None

    def refresh(self) -> None:
        """Show again what logic and scene hold."""
        rows = self.logic.study.rows()
        key = self.panel.selectedKey()
        if rows != self._listed:
            fillAcquisitionTable(self.ui.acquisitionTable, rows)
            self._listed = rows
        # Lines that are the same stay: filled anew, a long table would scroll under the mouse that is pressed on it.
        selectAcquisition(self.ui.acquisitionTable, key)
        explanations, unused = self.logic.study.explain(key), self.logic.study.unused
        fillReasonTable(self.ui.explanationTable, explanations, _("How it was read"))
        self.ui.explanationGroupBox.visible = bool(explanations)
        fillReasonTable(self.ui.unusedTable, unused, _("Reason"))
        self.ui.unusedGroupBox.title = _("Files that were not used: {count}").format(count=len(unused))
        self.ui.unusedGroupBox.visible = bool(unused)
        named = named_patients(slicer.mrmlScene)
        self.ui.privacyFrame.visible = named > 0
        self.ui.privacyLabel.text = _(
            "Patients named in this scene: {count}. A saved scene carries their names."
        ).format(count=named)
        self._refreshButtons()

    def onSceneClosed(self) -> None:
        """What is being read was meant for the scene before."""
        self._cancel()

    def cleanup(self) -> None:
        """Stop reading, listen to nothing."""
        self._cancel()
        slicer.app.coreIOManager().disconnect(_SAVED, self.onFileSaved)

    def onPathChanged(self) -> None:
        """Another folder was chosen, or none."""
        self._refreshButtons()

    def onOpenClicked(self) -> None:
        """Read the chosen folders and show the first acquisition; while that is done, stop it."""
        if self._job is not None:
            self._cancel()
            self.say(_("Canceled; nothing was changed."))
            return
        study, synthetic = _path(self.ui.studyPathLineEdit), _path(self.ui.syntheticPathLineEdit)
        settings = qt.QSettings()
        settings.setValue(STUDY_SETTING, study)
        settings.setValue(SYNTHETIC_SETTING, synthetic)
        self._open([Path(study)], Path(synthetic) if synthetic else None)

    def onOpenFilesClicked(self) -> None:
        """Choose files: images of one study, a zip archive or a DICOMDIR."""
        names = qt.QFileDialog.getOpenFileNames(
            slicer.util.mainWindow(), _("Open files of a study"), _path(self.ui.studyPathLineEdit), _("All files (*)")
        )
        if names:
            self._open([Path(name) for name in names])

    def onDicomSelectionClicked(self) -> None:
        """Take what is selected in the DICOM browser."""
        try:
            self._open(selectedFiles())
        except CEMSynthError as error:
            self.say(str(error))

    def onSampleClicked(self) -> None:
        """Simulate the sample study, or take it where it was simulated before."""
        self.say(_("Simulating the sample study, which takes some ten seconds the first time ..."))
        self._job = SampleSimulation(self._onSimulated, self._onFailed)
        self._showProgress(0, 0)
        self._job.start()

    def onAcquisitionSelected(self) -> None:
        """Another line of the table was selected."""
        key = selectedAcquisitionKey(self.ui.acquisitionTable)
        if key and key != self.panel.selectedKey():
            self.panel.select(key)

    def onFileSaved(self) -> None:
        """Slicer has saved something of the scene."""
        named = named_patients(slicer.mrmlScene)
        if named:
            text = _("A scene file saved now names {count} patients. To pass it on, save a de-identified copy.")
            self.say(text.format(count=named))

    def onSaveDeidentifiedClicked(self) -> None:
        """Save a copy of the scene without names; the scene stays as it is."""
        title, pattern = _("Save de-identified copy"), _("Scene (*.mrb)")
        try:
            path = fileToSave(title, "scene.mrb", pattern, ".mrb")
            if path is not None:
                self._saveDeidentified(path)
        except CEMSynthError as error:
            self.say(str(error))

    def _saveDeidentified(self, path: Path) -> None:
        qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
        try:
            save_deidentified(slicer.mrmlScene, path)
        finally:
            qt.QApplication.restoreOverrideCursor()
        self.say(_("{name} was saved without names, IDs and dates.").format(name=path.name))

    def _open(self, paths: "Sequence[Path]", synthetic: Path | None = None) -> None:
        self._cancel()
        self.say("")
        self._job = StudyOpening(paths, synthetic, self._showProgress, self._onRead, self._onFailed)
        self._showProgress(0, 0)
        self._job.start()

    def _onSimulated(self, folder: Path) -> None:
        self._open([folder])

    def _onRead(self, found: "StudyFolder", synthetic: "StudyFolder | None") -> None:
        self._job = None
        try:
            rows = self.logic.study.open(found, synthetic)
        except CEMSynthError as error:
            self._onFailed(str(error))
            return
        if rows:
            self.panel.select(rows[0].key)
        self.panel.refresh()

    def _onFailed(self, sentence: str) -> None:
        self._job = None
        self.say(sentence)
        self._refreshButtons()

    def _cancel(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
            self._refreshButtons()

    def _showProgress(self, done: int, total: int) -> None:
        self.ui.studyProgressBar.maximum = total
        self.ui.studyProgressBar.value = done
        self._refreshButtons()

    def _refreshButtons(self) -> None:
        busy = self.busy
        missing = "" if busy else self._missing()
        self.ui.studyProgressBar.visible = busy
        self.ui.openButton.text = _("Cancel") if busy else _("Open")
        self.ui.openButton.enabled = not missing
        self.ui.openButton.toolTip = missing or (
            _("Stop; what was open stays open.") if busy else _("Read the study and list its acquisitions.")
        )
        waiting = _("Wait until the study is read, or cancel.")
        for button, toolTip in (
            (self.ui.openFilesButton, _("Open files of a study: DICOM or images, a zip archive, or a DICOMDIR.")),
            (self.ui.dicomSelectionButton, _("Open what is selected in Slicer's DICOM browser.")),
            (self.ui.sampleButton, _("Simulate a study on this computer and open it; nothing is downloaded.")),
        ):
            button.enabled = not busy
            button.toolTip = waiting if busy else toolTip

    def _missing(self) -> str:
        study, synthetic = _path(self.ui.studyPathLineEdit), _path(self.ui.syntheticPathLineEdit)
        if not study:
            return str(_("Choose the folder that holds the study."))
        if not os.path.exists(study):
            return str(_("The study folder does not exist; choose another one."))
        if synthetic and not os.path.exists(synthetic):
            return str(_("The folder of synthetic images does not exist; choose another one or leave it empty."))
        return ""


def _path(widget: Any) -> str:
    return str(widget.currentPath).strip()
