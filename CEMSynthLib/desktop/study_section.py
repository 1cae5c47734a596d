"""Study section: open a study, list its acquisitions and the files that were not used."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.progress import ReadingProgress
from CEMSynthLib.desktop.section import Section
from CEMSynthLib.desktop.tables import fillAcquisitionTable, fillUnusedTable, selectedAcquisitionKey
from CEMSynthLib.errors import CEMSynthError

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel

STUDY_SETTING = "CEMSynth/StudyFolder"
SYNTHETIC_SETTING = "CEMSynth/SyntheticFolder"


class StudySection(Section):
    """Connects the widgets of StudySection.ui with the logic."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self.ui.studyPathLineEdit.currentPath = slicer.util.settingsValue(STUDY_SETTING, "", converter=str)
        self.ui.syntheticPathLineEdit.currentPath = slicer.util.settingsValue(SYNTHETIC_SETTING, "", converter=str)
        self.ui.studyPathLineEdit.currentPathChanged.connect(self.onPathChanged)
        self.ui.syntheticPathLineEdit.currentPathChanged.connect(self.onPathChanged)
        self.ui.openButton.clicked.connect(self.onOpenClicked)
        self.ui.acquisitionTable.itemSelectionChanged.connect(self.onAcquisitionSelected)

    def refresh(self) -> None:
        """Show again what logic and scene hold."""
        rows = self.logic.study.rows()
        fillAcquisitionTable(self.ui.acquisitionTable, rows, self.panel.selectedKey())
        unused = self.logic.study.unused
        fillUnusedTable(self.ui.unusedTable, unused)
        self.ui.unusedGroupBox.title = _("Files that were not used: {count}").format(count=len(unused))
        self.ui.unusedGroupBox.visible = bool(unused)
        missing = self._missing()
        self.ui.openButton.enabled = not missing
        self.ui.openButton.toolTip = missing or _("Read the study and list its acquisitions.")

    def onPathChanged(self, path: str) -> None:
        """Another folder was chosen."""
        self.refresh()

    def onOpenClicked(self) -> None:
        """Read the chosen folders and show the first acquisition."""
        study, synthetic = _path(self.ui.studyPathLineEdit), _path(self.ui.syntheticPathLineEdit)
        self.say("")
        try:
            with ReadingProgress() as progress:
                rows = self.logic.openStudy(study, synthetic or None, progress)
        except CEMSynthError as error:
            self.say(str(error))
            return
        settings = qt.QSettings()
        settings.setValue(STUDY_SETTING, study)
        settings.setValue(SYNTHETIC_SETTING, synthetic)
        if rows:
            self.panel.select(rows[0].key)
        self.panel.refresh()

    def onAcquisitionSelected(self) -> None:
        """Another line of the table was selected."""
        key = selectedAcquisitionKey(self.ui.acquisitionTable)
        if key and key != self.panel.selectedKey():
            self.panel.select(key)

    def _missing(self) -> str:
        study, synthetic = _path(self.ui.studyPathLineEdit), _path(self.ui.syntheticPathLineEdit)
        if not study:
            return str(_("Choose the folder that holds the study."))
        if not Path(study).exists():
            return str(_("The study folder does not exist; choose another one."))
        if synthetic and not Path(synthetic).exists():
            return str(_("The folder of synthetic images does not exist; choose another one or leave it empty."))
        return ""


def _path(widget: Any) -> str:
    return str(widget.currentPath).strip()
