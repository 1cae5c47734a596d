"""Reading panel: the reader study; a form beside blinded images, saved case by case and nothing else on the page."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.autosave import Autosave, study_mark
from CEMSynthLib.browser.keys import Key
from CEMSynthLib.browser.mouse import Tool
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.panels.reading_widgets import build_reading, question_values
from CEMSynthLib.browser.reading_views import BrowserReadingViews
from CEMSynthLib.browser.soon import Soon
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.reading.protocol import PROTOCOL_FILE
from CEMSynthLib.scene.reading.desk import ReadingDesk, readers_of
from CEMSynthLib.scene.reading.room import ReadingRoom

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.reading.case_images import CaseImages

# Answers that are not saved yet are on the disk this soon.
KEEP_S = 1.0


class ReadingPanel(Panel):
    """Drives a `ReadingDesk`."""

    name = "reading"
    title = "Reading"
    icon = "mdi-clipboard-text-outline"

    def __init__(self, app: "ReviewApp") -> None:
        super().__init__(app)
        self._views = BrowserReadingViews(app)
        #: The reader at work.
        self.desk = ReadingDesk(self._room, self._on_marks)
        self._views.fit = self.desk.room.fit
        self._keep = Soon(KEEP_S, self._keep_answers)
        self._loading = 0
        state = self.state
        state.reading_folder, state.reading_reader, state.reading_readers = "", "", []
        state.reading_busy = False
        state.reading_questions, state.reading_done, state.reading_total = [], 0, 1
        state.change("reading_folder")(self._on_folder)
        state.change("reading_reader")(self._on_reader)
        state.change("compare_tool")(self._on_tool)
        app.keys.add(Key("n", "N", "place marks, or stop", self.toggle_placing, self.title))

    def build(self) -> None:
        """Folder and reader, or the form."""
        build_reading(self)

    def refresh(self) -> None:
        """Show reader, case and form as they are now."""
        desk, state = self.desk, self.state
        done, total = desk.progress
        state.reading_open = desk.is_open
        state.reading_now = desk.reading
        state.reading_finished = desk.finished
        state.reading_done, state.reading_total = done, max(total, 1)
        state.reading_sentence = _sentence(desk)
        state.reading_missing = self._missing()
        alone = desk.is_open or state.reading_busy
        state.page_alone = self.name if alone else ""
        self.app.keys.only = (self.title, "Page") if alone else ()
        self._refresh_form()

    def close(self) -> None:
        """Keep what is not saved yet, and let go of the reader's file."""
        self._keep_answers()
        self._keep.cancel()
        self.desk.close()

    def offer(self, folder: Path) -> None:
        """Show this panel with a reader study to choose a reader of."""
        self.state.reading_folder, self.state.page_tab = str(folder.resolve()), self.name
        self._on_folder()
        if len(self.state.reading_readers) == 1:
            (self.state.reading_reader,) = self.state.reading_readers
        self.state.reading_missing = self._missing()

    # What the reader does

    def start_or_leave(self) -> None:
        """Take the reader's place, or leave it."""
        if self.desk.is_open or self.state.reading_busy:
            self._leave()
        elif not self._missing():
            self._loading += 1
            self.state.reading_busy = True
            self.app.say("")
            self.app.later(self._open(self._loading, Path(self.state.reading_folder), self.state.reading_reader))
        self.refresh()

    def answer(self, question: str, value: Any) -> None:
        """The reader chose something; ``None`` takes it back."""
        self._do(lambda: self.desk.answer(question, value))
        self._keep.ask()
        self._refresh_form()

    def check(self, question: str, option: str) -> None:
        """Check or uncheck an option; an empty one: none of these."""
        given = self.desk.answers.get(question)
        if not option:
            self.answer(question, None if given == [] else [])
            return
        chosen = [one for one in given or [] if one != option]
        if option not in (given or []):
            chosen.append(option)
        order = [o.value for q in self.desk.questions if q.id == question for o in q.options]
        self.answer(question, sorted(chosen, key=order.index) or None)

    def write(self, question: str, text: str) -> None:
        """The reader wrote something."""
        self.answer(question, (text or "").strip() or None)

    def toggle_placing(self) -> None:
        """Let clicks in the images place marks, or no longer."""
        marks = self.desk.room.marks
        if marks.placing:
            self._stop_placing()
        elif self.desk.reading and any(q["kind"] == "marks" for q in self.state.reading_questions):
            marks.start_placing()
            # A button that pans or zooms would never reach what places marks.
            self.app.views.tool = Tool.WINDOW
        self._refresh_form()

    def remove_last(self) -> None:
        """Remove the last mark."""
        self.desk.room.marks.remove_last()

    def fit(self) -> None:
        """Fit the images into the views."""
        self.app.views.settle()
        self._views.fit()

    def save_and_next(self) -> None:
        """Save this case and show the next one."""
        self._stop_placing()
        kept = self._kept()
        done, _ = self.desk.progress
        self._do(self.desk.save_and_next)
        if self.desk.progress[0] > done:
            self._keep.cancel()
            kept.path.unlink(missing_ok=True)
        self._take_back()
        self.refresh()

    def pause_or_resume(self) -> None:
        """Take the images away while the clock stands still, or bring them back."""
        self._stop_placing()
        if self.desk.reading:
            self.desk.pause()
        else:
            self._do(self.desk.resume)
        self.refresh()

    # Inside

    def _room(self, changed: Callable[[], None]) -> ReadingRoom:
        return ReadingRoom(self.app.scene, self._views, changed)

    async def _open(self, number: int, folder: Path, reader: str) -> None:
        from CEMSynthLib.reading.case_images import CaseImages

        images: CaseImages | None = None
        try:
            # Headers are read beside the page's work.
            images = await asyncio.get_running_loop().run_in_executor(None, CaseImages, folder)
        except CEMSynthError as error:
            self.app.say(str(error))
        if number != self._loading:
            return
        with self.state:
            self.state.reading_busy = False
            if images is not None:
                self._begin(folder, reader, images)
            self.refresh()

    def _begin(self, folder: Path, reader: str, images: "CaseImages") -> None:
        self._do(lambda: self.desk.open(folder, reader, images))
        if not self.desk.is_open:
            return
        if self.desk.damaged_lines:
            self.app.say(f"{self.desk.damaged_lines} saved readings were damaged by a crash and are asked again.")
        self._take_back()

    def _leave(self) -> None:
        self._keep_answers()
        self._stop_placing()
        self._loading += 1
        self.state.reading_busy = False
        self._keep.cancel()
        self.desk.close()

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except CEMSynthError as error:
            self.app.say(str(error))

    def _stop_placing(self) -> None:
        self.desk.room.marks.stop_placing()
        self.app.views.tool = Tool(self.state.compare_tool)

    def _refresh_form(self) -> None:
        desk, state = self.desk, self.state
        marks = desk.room.marks
        state.reading_questions = [question_values(one) for one in desk.questions] if desk.reading else []
        state.reading_answers = desk.answers if desk.reading else {}
        state.reading_marks = len(marks.positions()) if desk.reading else 0
        state.reading_placing = marks.placing
        state.reading_lacking = list(desk.missing) if desk.reading else []

    def _on_marks(self) -> None:
        self._keep.ask()
        with self.state:
            self._refresh_form()

    def _on_folder(self, **_: Any) -> None:
        self.state.reading_readers = []
        folder = str(self.state.reading_folder).strip()
        if folder and (Path(folder) / PROTOCOL_FILE).is_file():
            try:
                _title, readers = readers_of(Path(folder))
            except CEMSynthError as error:
                self.app.say(str(error))
            else:
                self.state.reading_readers = list(readers)
        if self.state.reading_reader not in self.state.reading_readers:
            self.state.reading_reader = ""
        self.state.reading_missing = self._missing()

    def _on_reader(self, **_: Any) -> None:
        self.state.reading_missing = self._missing()

    def _on_tool(self, **_: Any) -> None:
        if self.desk.room.marks.placing:
            self._stop_placing()
            self._refresh_form()

    # Answers that are not saved yet

    def _kept(self) -> Autosave:
        """Where the answers of the present case are kept until they are saved."""
        done, _ = self.desk.progress
        folder = str(Path(self.state.reading_folder).resolve())
        return Autosave(study_mark((f"reading {done}", folder, self.state.reading_reader)))

    def _keep_answers(self) -> None:
        if self.desk.reading:
            self._tell_full(lambda: self._kept().save({"answers": self.desk.answers}))

    def _take_back(self) -> None:
        """Give the answers of a case back that was not finished."""
        found = self._kept().load() if self.desk.reading else None
        answers = found[0].get("answers") if found is not None else None
        if not isinstance(answers, dict) or not answers:
            return
        for question in self.desk.all_questions:
            if question.id in answers and any(q.id == question.id for q in self.desk.questions):
                self._do(lambda q=question: self.desk.answer(q.id, answers[q.id]))  # type: ignore[misc]
        if any(q.kind.value == "marks" and self.desk.answers.get(q.id) for q in self.desk.questions):
            # Marks are laid out when the case is shown.
            self.desk.pause()
            self._do(self.desk.resume)
        self.app.say("Your answers to this case were found again.", passing=True)

    def _tell_full(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError:
            self.app.say("Answers that are not saved yet could not be kept; free some disk space.")

    def _missing(self) -> str:
        folder = str(self.state.reading_folder).strip()
        if self.app.study.rows():
            return (
                "Other images are open and could tell how an image was made. End this review and start "
                "cemsynth review without a study."
            )
        if not folder:
            return "Give the folder of the reader study, made with: cemsynth readers new."
        if not (Path(folder) / PROTOCOL_FILE).is_file():
            return "The folder holds no protocol.json; make a study with: cemsynth readers new."
        return "" if self.state.reading_reader else "Choose who reads."


def _sentence(desk: ReadingDesk) -> str:
    done, total = desk.progress
    if not desk.is_open:
        return ""
    if desk.finished:
        return f"All {total} cases are read. Thank you."
    return f"Case {done + 1} of {total}" if desk.reading else f"Paused at case {done + 1} of {total}"
