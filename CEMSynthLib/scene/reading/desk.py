"""Reading desk: a reader at work; which case is shown, the answers given, save and next, pause; desktop and browser
drive this object.

    desk = ReadingDesk(room)
    desk.open(folder, "R1")
    desk.answer("lesion", "no")        # for each of desk.questions
    desk.save_and_next()
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.reading.form import Question, QuestionKind
from CEMSynthLib.reading.form_state import FormState
from CEMSynthLib.reading.order import ReadingItem
from CEMSynthLib.reading.protocol import read_protocol
from CEMSynthLib.reading.session import ReadingSession
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.reading.room import ReadingRoom

if TYPE_CHECKING:
    from CEMSynthLib.reading.case_images import CaseImages


class ReadingDesk:
    """One reader with one study.

    Parameters
    ----------
    make_room
        Gets a call-back for changed marks and gives the room.
    changed
        Called without arguments when answers changed otherwise than by `answer` (marks).
    """

    def __init__(
        self, make_room: Callable[[Callable[[], None]], ReadingRoom], changed: Callable[[], None] = lambda: None
    ) -> None:
        self.room = make_room(self._marks_changed)
        self.changed = changed
        self._session: ReadingSession | None = None
        self._images: CaseImages | None = None
        self._item: ReadingItem | None = None
        self._state: FormState | None = None
        self._loading = False
        self.paused = False

    @property
    def is_open(self) -> bool:
        """Whether a study is open."""
        return self._session is not None

    @property
    def reading(self) -> bool:
        """Whether a case is on the screen."""
        return self._state is not None and not self.paused

    @property
    def finished(self) -> bool:
        """Whether all is read."""
        done, total = self.progress
        return self.is_open and done == total

    @property
    def title(self) -> str:
        """Of the study; it tells nothing of image types."""
        return self._session.protocol.title if self._session is not None else ""

    @property
    def progress(self) -> tuple[int, int]:
        """How many readings are saved, of how many."""
        return self._session.progress if self._session is not None else (0, 0)

    @property
    def damaged_lines(self) -> int:
        """Lines of the reader's file that a crash tore; their readings are asked again."""
        return self._session.damaged_lines if self._session is not None else 0

    @property
    def all_questions(self) -> tuple[Question, ...]:
        """Every question of the form, also those that are not asked now."""
        return self._session.protocol.form.questions if self._session is not None else ()

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions to show now, in order; it changes with the answers."""
        return self._state.asked if self._state is not None else ()

    @property
    def answers(self) -> dict[str, Any]:
        """What was answered so far, by question."""
        return self._state.answers if self._state is not None else {}

    @property
    def missing(self) -> dict[str, str]:
        """Text of each question that lacks an answer, with what is missing."""
        if self._state is None:
            return {}
        texts = {question.id: question.text for question in self._state.asked}
        return {texts[name]: problem for name, problem in self._state.problems.items()}

    def open(self, folder: Path, reader: str, images: "CaseImages | None" = None, progress: Progress = silent) -> None:
        """Take a reader's place and show the first case without an answer.

        Parameters
        ----------
        folder
            The protocol's folder.
        reader
            Code of the reader.
        images
            Found before, in another thread; else they are looked for now.
        progress
            Called while the folders are read.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            Protocol, key, images or the reader's file cannot be used, or the next session may not begin yet.
        """
        # Imported here: reading DICOM takes half a second to import, and opening the module must not.
        from CEMSynthLib.reading.case_images import CaseImages

        self.close()
        session = ReadingSession(folder, reader, beat=True)
        found = images or CaseImages(folder, progress)
        session.__enter__()
        self._session, self._images = session, found
        try:
            self._next()
        except CEMSynthError:
            if self._item is None:
                self.close()
            raise

    def answer(self, question: str, value: Any) -> None:
        """Set an answer; ``None`` takes it back.

        Raises
        ------
        AnswerError
            The question is not asked, or the value is no answer to it.
        """
        if self._state is not None:
            self._state.answer(question, value)

    def save_and_next(self) -> None:
        """Save the reading, which is on the disk when this returns, and show the next case.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            Something is missing, it could not be saved, or the next case cannot be shown.
        """
        if self._session is None:
            raise SceneError("No study is open; choose its folder and reader first.")
        self._session.save()
        self._item = self._state = None
        self._next()

    def pause(self) -> None:
        """Take the images away and give the layout back; the reading time stands still."""
        if self._session is not None and self.reading:
            self._session.pause()
            self.paused = True
            self.room.leave()

    def resume(self) -> None:
        """Show the case again.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            It cannot be shown.
        """
        if self._session is None:
            return
        if self._item is None or self._state is None:
            self._next()
            return
        self._show(self._item)
        self.paused = False
        self._session.resume()

    def beat(self) -> None:
        """Show that this window lives; once every 20 s from a timer."""
        if self._session is not None:
            self._session.beat()

    def close(self) -> None:
        """Leave the study; what was saved is saved, an unsaved case is asked again."""
        self._item = self._state = None
        self.paused = False
        session, self._session, self._images = self._session, None, None
        if session is not None:
            session.__exit__(None, None, None)
            self.room.leave()

    def _next(self) -> None:
        assert self._session is not None
        self.room.clear()
        self._state, self.paused = None, True
        item = self._item = self._session.current()
        if item is None:
            self.paused = False
            return
        self._show(item)
        # The reading time begins when the images are there.
        self._state = self._session.open(item)
        self.paused = False

    def _show(self, item: ReadingItem) -> None:
        assert self._images is not None
        marks = [m for q in self.all_questions if q.kind is QuestionKind.MARKS for m in self.answers.get(q.id, [])]
        self._loading = True
        try:
            self.room.show(self._images.views(item), marks)
        finally:
            self._loading = False

    def _marks_changed(self) -> None:
        question = next((q for q in self.questions if q.kind is QuestionKind.MARKS), None)
        if question is not None and self._state is not None and not self._loading and not self.paused:
            self._state.answer(question.id, self.room.marks.positions() or None)
            self.changed()


def readers_of(folder: Path) -> tuple[str, tuple[str, ...]]:
    """Title of a study and codes of its readers.

    Raises
    ------
    ProtocolError
        The folder holds no protocol that can be read.
    """
    protocol = read_protocol(folder)
    return protocol.title, protocol.readers
