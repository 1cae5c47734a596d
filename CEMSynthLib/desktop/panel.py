"""Panel: the sections "Study" and "Compare" of the module."""

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.progress import ReadingProgress
from CEMSynthLib.desktop.tables import fillAcquisitionTable, fillUnusedTable, selectedAcquisitionKey
from CEMSynthLib.errors import CEMSynthError

STUDY_SETTING = "CEMSynth/StudyFolder"
SYNTHETIC_SETTING = "CEMSynth/SyntheticFolder"


class StudyPanel:
    """Connects the widgets of CEMSynth.ui with the logic.

    Parameters
    ----------
    ui
        The child widgets by name.
    logic
        A CEMSynthLogic.
    """

    def __init__(self, ui: Any, logic: Any) -> None:
        self.ui = ui
        self.logic = logic
        self._parameterNode: Any = None
        self._shownKey = ""
        self._shown: Any = None
        self.ui.studyPathLineEdit.currentPath = slicer.util.settingsValue(STUDY_SETTING, "", converter=str)
        self.ui.syntheticPathLineEdit.currentPath = slicer.util.settingsValue(SYNTHETIC_SETTING, "", converter=str)
        self.ui.studyPathLineEdit.currentPathChanged.connect(self.onPathChanged)
        self.ui.syntheticPathLineEdit.currentPathChanged.connect(self.onPathChanged)
        self.ui.openButton.clicked.connect(self.onOpenClicked)
        self.ui.acquisitionTable.itemSelectionChanged.connect(self.onAcquisitionSelected)
        self.ui.showButton.clicked.connect(self.onShowClicked)
        self.ui.fitButton.clicked.connect(self.onFitClicked)
        self.ui.resetWindowButton.clicked.connect(self.onResetWindowClicked)
        self.refresh()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Take the parameter node of the scene; ``None`` while the module is not open."""
        self._parameterNode = parameterNode
        if parameterNode is None:
            self._shownKey = ""

    def updateFromParameterNode(self) -> None:
        """Show the acquisition that the scene says is selected, and link the views or not."""
        key = self._parameterNode.selectedAcquisition
        if key != self._shownKey:
            self._show(key)
        else:
            self.logic.views.setLinked(self._parameterNode.linkViews)

    def refresh(self) -> None:
        """Show again what logic and scene hold."""
        rows = self.logic.study.rows()
        fillAcquisitionTable(self.ui.acquisitionTable, rows, self._selectedKey())
        unused = self.logic.study.unused
        fillUnusedTable(self.ui.unusedTable, unused)
        self.ui.unusedGroupBox.title = _("Files that were not used: {count}").format(count=len(unused))
        self.ui.unusedGroupBox.visible = bool(unused)
        if not rows:
            self._shown = None
            self._say("")
        self._updateButtons()

    def onPathChanged(self, path: str) -> None:
        """Another folder was chosen."""
        self._updateButtons()

    def onOpenClicked(self) -> None:
        """Read the chosen folders and show the first acquisition."""
        study, synthetic = self._path(self.ui.studyPathLineEdit), self._path(self.ui.syntheticPathLineEdit)
        self._say("")
        try:
            with ReadingProgress() as progress:
                rows = self.logic.openStudy(study, synthetic or None, progress)
        except CEMSynthError as error:
            self._say(str(error))
            return
        settings = qt.QSettings()
        settings.setValue(STUDY_SETTING, study)
        settings.setValue(SYNTHETIC_SETTING, synthetic)
        self._shownKey = ""
        if rows and self._parameterNode is not None:
            self._select(rows[0].key)
        self.refresh()

    def onAcquisitionSelected(self) -> None:
        """Another line of the table was selected."""
        key = selectedAcquisitionKey(self.ui.acquisitionTable)
        if key and key != self._shownKey:
            self._select(key)

    def onShowClicked(self) -> None:
        """Show the selected acquisition (again): layout, images, field of view."""
        if self._selectedKey():
            self._show(self._selectedKey())

    def onFitClicked(self) -> None:
        """Fit the images into the views."""
        self.logic.views.fit()

    def onResetWindowClicked(self) -> None:
        """Come back to the clinical image's own window."""
        self.logic.views.resetWindow()

    def _select(self, key: str) -> None:
        if self._parameterNode.selectedAcquisition == key:
            self._show(key)
        else:
            self._parameterNode.selectedAcquisition = key  # updateFromParameterNode shows it

    def _show(self, key: str) -> None:
        self._shownKey = key
        self._shown = None
        if key:
            # Not slicer.util.WaitCursor: it dispatches clicks, which could show another acquisition within this one.
            qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
            try:
                self._shown = self.logic.showAcquisition(key, self._parameterNode.linkViews)
                self._say(" ".join(self._shown.warnings))
            except CEMSynthError as error:
                self._say(str(error))
            finally:
                qt.QApplication.restoreOverrideCursor()
        fillAcquisitionTable(self.ui.acquisitionTable, self.logic.study.rows(), key)
        self._updateButtons()

    def _selectedKey(self) -> str:
        return str(self._parameterNode.selectedAcquisition) if self._parameterNode is not None else ""

    def _say(self, sentence: str) -> None:
        self.ui.statusLabel.text = sentence
        self.ui.statusLabel.visible = bool(sentence)

    def _path(self, widget: Any) -> str:
        return str(widget.currentPath).strip()

    def _updateButtons(self) -> None:
        """A disabled button says in its tooltip what is missing."""
        missing = self._missing()
        self.ui.openButton.enabled = not missing
        self.ui.openButton.toolTip = missing or _("Read the study and list its acquisitions.")
        nothing = "" if self._selectedKey() else _("Open a study and select an acquisition first.")
        self.ui.showButton.enabled = self.ui.fitButton.enabled = not nothing
        self.ui.showButton.toolTip = nothing or _("Show low energy, clinical and synthetic image side by side.")
        self.ui.fitButton.toolTip = nothing or _("Fit the images into the slice views.")
        both = self._shown is not None and self._shown.recombined is not None and self._shown.synthetic is not None
        self.ui.resetWindowButton.enabled = both
        self.ui.resetWindowButton.toolTip = (
            _("Show clinical and synthetic image with the clinical image's own VOI window again.")
            if both
            else _(
                "Needs a clinical and a synthetic image. Synthetic images are made on the command line: "
                "cemsynth synthesize STUDY --output FOLDER"
            )
        )

    def _missing(self) -> str:
        study, synthetic = self._path(self.ui.studyPathLineEdit), self._path(self.ui.syntheticPathLineEdit)
        if not study:
            return str(_("Choose the folder that holds the study."))
        if not Path(study).exists():
            return str(_("The study folder does not exist; choose another one."))
        if synthetic and not Path(synthetic).exists():
            return str(_("The folder of synthetic images does not exist; choose another one or leave it empty."))
        return ""
