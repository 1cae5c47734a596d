"""Reading section: the reader study; a form beside blinded images, saved case by case."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.background import BackgroundWork
from CEMSynthLib.desktop.reading_form import ReadingForm
from CEMSynthLib.desktop.section import Section
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.reading.protocol import PROTOCOL_FILE
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.reading.desk import ReadingDesk, readers_of

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel

FOLDER_SETTING = "CEMSynth/ReadingFolder"
READER_SETTING = "CEMSynth/Reader"
_BEAT_MS = 20_000
_INTERACTION = "vtkMRMLInteractionNodeSingleton"
_OTHERS = ("study", "synthesis", "compare", "regions", "halo", "export")


class ReadingSection(Section):
    """Connects the widgets of ReadingSection.ui with a reading desk."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self._form = ReadingForm(ui.readingFormFrame, self.onAnswered, self.onPlaceToggled, self.onRemoveLastClicked)
        self._work = BackgroundWork(self.onFound, self.onFailed, self.onProgress)
        self._opening: tuple[str, str] | None = None
        self._beat = qt.QTimer()
        self._beat.setInterval(_BEAT_MS)
        self._beat.connect("timeout()", self.onBeat)
        self.desk.changed = self.onMarksChanged
        self._observations = Observations()
        mode = slicer.mrmlScene.GetNodeByID(_INTERACTION)
        if mode is not None:
            self._observations.add(mode, mode.InteractionModeChangedEvent, self.onMouseModeChanged)
        ui.readingFolderPathLineEdit.currentPath = slicer.util.settingsValue(FOLDER_SETTING, "", converter=str)
        ui.readingFolderPathLineEdit.currentPathChanged.connect(self.onFolderChanged)
        ui.readingFolderPathLineEdit.validInputChanged.connect(self.onFolderChanged)  # all that an emptied one tells
        ui.readingStartButton.clicked.connect(self.onStartClicked)
        ui.readingPauseButton.clicked.connect(self.onPauseClicked)
        ui.readingSaveButton.clicked.connect(self.onSaveClicked)
        self._listReaders()

    @property
    def desk(self) -> ReadingDesk:
        """The reader at work."""
        desk: ReadingDesk = self.logic.reading
        return desk

    def enter(self) -> None:
        """The study may have been made meanwhile."""
        if not (self._work.running or self.desk.is_open):
            self._listReaders()
            self.refresh()

    def exit(self) -> None:
        """The reader leaves the screen: the clock stands still and the images are away."""
        if self._work.running:
            # The first case would come up in another module.
            self._leave()
            self.refresh()
        if self.desk.reading:
            self._form.clear()
            self.desk.pause()
            self.refresh()

    def onSceneClosed(self) -> None:
        """The images are gone; an unsaved case is asked again."""
        self._leave()

    def cleanup(self) -> None:
        """Let go of the reader's file, of timer and thread."""
        self._leave()
        self._work.cleanup()
        self._observations.remove()
        self.desk.changed = lambda: None

    def onFolderChanged(self) -> None:
        """Another study was chosen, or none."""
        self._listReaders()
        self.refresh()

    def onStartClicked(self) -> None:
        """Take the reader's place, or leave it."""
        if self._work.running or self.desk.is_open:
            self._leave()
            self.refresh()
            return
        folder, reader = self._folder(), str(self.ui.readerComboBox.currentText)
        self.say("")
        settings = qt.QSettings()
        settings.setValue(FOLDER_SETTING, folder)
        settings.setValue(READER_SETTING, reader)
        self._opening = (folder, reader)
        self.onProgress(0, 0)
        # Imported here: reading DICOM takes half a second to import, and opening the module must not.
        from CEMSynthLib.reading.case_images import CaseImages

        self._work.start(partial(CaseImages, Path(folder)))
        self.refresh()

    def onProgress(self, done: int, total: int) -> None:
        """Show how many files are read."""
        self.ui.readingProgressBar.setRange(0, total)
        self.ui.readingProgressBar.setValue(done)

    def onFound(self, images: Any) -> None:
        """The images of the study are known: show the first case without an answer."""
        if self._opening is None:
            return
        folder, reader = self._opening
        self._do(partial(self.desk.open, Path(folder), reader, images))
        if self.desk.is_open:
            self._beat.start()
            if self.desk.damaged_lines:
                self.say(
                    _("{count} saved readings were damaged by a crash and are asked again.").format(
                        count=self.desk.damaged_lines
                    )
                )
        self._showCase()

    def onFailed(self, sentence: str) -> None:
        """The study cannot be opened."""
        self.say(sentence)
        self.refresh()

    def onBeat(self) -> None:
        """Other windows see that this one lives."""
        self.desk.beat()

    def onAnswered(self, question: str, value: Any) -> None:
        """The reader chose something."""
        self._do(partial(self.desk.answer, question, value))
        self._refreshForm()

    def onPlaceToggled(self, down: bool) -> None:
        """Clicks in the images place marks, or no longer do."""
        if down:
            self.desk.room.marks.start_placing()
        else:
            self.desk.room.marks.stop_placing()

    def onMouseModeChanged(self, mode: Any) -> None:
        """Placing began or ended, also by a right click, a double click or Slicer's toolbar."""
        self._form.showPlacing(self.desk.room.marks.placing)

    def onRemoveLastClicked(self) -> None:
        """Remove the last mark."""
        self.desk.room.marks.remove_last()

    def onMarksChanged(self) -> None:
        """A mark was placed, moved or removed."""
        self._refreshForm()

    def onSaveClicked(self) -> None:
        """Save this case and show the next one."""
        self._do(self.desk.save_and_next)
        self._showCase()

    def onPauseClicked(self) -> None:
        """Take the images away, or bring them back."""
        if self.desk.reading:
            self._form.clear()
            self.desk.pause()
            self.refresh()
        else:
            self._do(self.desk.resume)
            self._showCase()

    def refresh(self) -> None:
        """Bring buttons, progress and tooltips up to date."""
        ui, desk = self.ui, self.desk
        loading = self._work.running
        busy = loading or desk.is_open
        missing = self._missing()
        ui.readingFolderPathLineEdit.enabled = ui.readerComboBox.enabled = not busy
        ui.readingStartButton.text = _("Leave") if busy else _("Start")
        ui.readingStartButton.enabled = busy or not missing
        ui.readingStartButton.toolTip = (
            _("Leave the study. What was saved is saved; a case that was not is asked again.")
            if busy
            else missing or _("Show the first case without an answer. Order and image types are those of the protocol.")
        )
        done, total = desk.progress
        ui.readingProgressBar.visible = busy
        if desk.is_open:
            self.onProgress(done, max(total, 1))
        ui.readingStateLabel.text = self._state(done, total)
        ui.readingStateLabel.visible = desk.is_open
        ui.readingNoticeLabel.visible = desk.is_open
        ui.readingPauseButton.visible = desk.is_open and not desk.finished
        ui.readingPauseButton.text = _("Pause") if desk.reading else _("Resume")
        ui.readingPauseButton.toolTip = (
            _("Take the images away; the reading time stands still.")
            if desk.reading
            else _("Show the case again; the reading time goes on.")
        )
        for name in _OTHERS:
            # Nothing else may be opened beside blinded images.
            getattr(ui, f"{name}CollapsibleButton").enabled = not busy
        self._refreshForm()

    def _refreshForm(self) -> None:
        desk, ui = self.desk, self.ui
        reading = desk.reading
        ui.readingSaveButton.visible = ui.readingMissingLabel.visible = reading
        if not reading:
            return
        marks = desk.room.marks
        self._form.show(desk.questions, len(marks.positions()))
        lacking = list(desk.missing)
        sentence = _("Still to answer: {questions}").format(questions=" - ".join(lacking)) if lacking else ""
        ui.readingMissingLabel.text = sentence
        ui.readingSaveButton.enabled = not lacking
        ui.readingSaveButton.toolTip = sentence or _("Save this case to the disk and show the next one.")

    def _showCase(self) -> None:
        if self.desk.reading:
            self._form.build(self.desk.all_questions, self.desk.answers)
        else:
            self._form.clear()
        self.refresh()

    def _leave(self) -> None:
        self._work.cancel()
        self._opening = None
        self._beat.stop()
        self._form.clear()
        self.desk.close()

    def _do(self, action: Any) -> None:
        """What the reader asked for; an error becomes the sentence above the section."""
        self.say("")
        qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
        try:
            action()
        except CEMSynthError as error:
            self.say(str(error))
        finally:
            qt.QApplication.restoreOverrideCursor()

    def _state(self, done: int, total: int) -> str:
        if not self.desk.is_open:
            return ""
        if self.desk.finished:
            return str(_("{title}: all {total} cases are read. Thank you.")).format(title=self.desk.title, total=total)
        sentence = (
            _("{title}: case {number} of {total}.")
            if self.desk.reading
            else _("{title}: paused at {number} of {total}.")
        )
        return str(sentence).format(title=self.desk.title, number=done + 1, total=total)

    def _listReaders(self) -> None:
        box = self.ui.readerComboBox
        chosen = str(box.currentText)
        wasBlocked = box.blockSignals(True)
        box.clear()
        folder = self._folder()
        if folder and (Path(folder) / PROTOCOL_FILE).is_file():
            try:
                _title, readers = readers_of(Path(folder))
            except CEMSynthError as error:
                self.say(str(error))
            else:
                box.addItems(list(readers))
                wanted = chosen or slicer.util.settingsValue(READER_SETTING, "", converter=str)
                if wanted in readers:
                    box.setCurrentIndex(list(readers).index(wanted))
        box.blockSignals(wasBlocked)

    def _folder(self) -> str:
        return str(self.ui.readingFolderPathLineEdit.currentPath).strip()

    def _missing(self) -> str:
        folder = self._folder()
        if not folder:
            return str(_("Choose the folder of the reader study, made with: cemsynth readers new."))
        if not (Path(folder) / PROTOCOL_FILE).is_file():
            return str(_("The folder holds no protocol.json; make a study with: cemsynth readers new."))
        if not str(self.ui.readerComboBox.currentText):
            return str(_("The protocol cannot be read; restore it from your copy."))
        if self.logic.study.rows():
            return str(
                _("Other images are open and could tell how an image was made: close them first (File > Close Scene).")
            )
        return ""
