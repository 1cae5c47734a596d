"""Session: a reader at work; what comes next, the form for it, and saving, without any window."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from CEMSynthLib.reading.errors import AnswerError, ProtocolError, WashoutError
from CEMSynthLib.reading.form_state import FormState
from CEMSynthLib.reading.key import read_key
from CEMSynthLib.reading.order import ReadingItem, reading_list
from CEMSynthLib.reading.protocol import READERS_FOLDER, read_protocol
from CEMSynthLib.reading.storage import Answer, AnswerFile


def _now() -> datetime:
    return datetime.now(UTC)


class ReadingSession:
    """The readings of one reader; a context manager that holds the reader's file.

    Parameters
    ----------
    folder
        The protocol's folder.
    reader
        Code of the reader.
    now
        The clock, for washout and time stamps.
    beat
        See `CEMSynthLib.reading.lock.ReaderLock`; a front end calls ``session.beat()`` from a timer.

    Raises
    ------
    ProtocolError
        Protocol or key cannot be used, or the reader is not in it.
    LockedError, AnswerError
        On entering: the answers are open elsewhere, or not this reader's.

    Examples
    --------
    A front end, in short::

        with ReadingSession(folder, "R1") as session:
            while (item := session.current()) is not None:
                state = session.open(item)          # show the images of item, and state.asked
                state.answer("lesion", "no")        # as the reader chooses
                session.save()
    """

    def __init__(self, folder: Path, reader: str, now: Callable[[], datetime] = _now, beat: bool = True) -> None:
        self.protocol = read_protocol(folder)
        if reader not in self.protocol.readers:
            raise ProtocolError(f"'{reader}' is no reader of this study; it has {', '.join(self.protocol.readers)}.")
        self.reader = reader
        self.items = reading_list(self.protocol, read_key(folder, self.protocol).seed, reader)
        self._file = AnswerFile(folder / READERS_FOLDER, self.protocol.sha256, reader, beat)
        self._now = now
        self._opened: tuple[ReadingItem, FormState, datetime, float] | None = None
        self._away = 0.0
        self._paused: float | None = None

    def __enter__(self) -> "ReadingSession":
        self._file.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.__exit__(*exception)

    def beat(self) -> None:
        """Show that this window lives."""
        self._file.lock.beat()

    @property
    def progress(self) -> tuple[int, int]:
        """How many readings are saved, of how many."""
        return sum(item.code in self._file.stored.latest for item in self.items), len(self.items)

    @property
    def damaged_lines(self) -> int:
        """Lines of the file that were torn by a crash; their readings are asked again."""
        return len(self._file.stored.damaged)

    def answered(self, item: ReadingItem) -> Answer | None:
        """The answer that counts for a reading."""
        return self._file.stored.latest.get(item.code)

    def current(self) -> ReadingItem | None:
        """The first reading without an answer; ``None`` when all is read.

        Raises
        ------
        WashoutError
            It belongs to a session that may not begin yet.
        """
        item = next((i for i in self.items if i.code not in self._file.stored.latest), None)
        if item is not None:
            self._check_washout(item)
        return item

    def open(self, item: ReadingItem) -> FormState:
        """Begin a reading, or take up a saved one to revise it; its time runs from now.

        Raises
        ------
        WashoutError
            Its session may not begin yet.
        """
        self._check_washout(item)
        earlier = self.answered(item)
        state = FormState(self.protocol.form, item.arm.iodine, earlier.answers if earlier else None)
        self._opened = (item, state, self._now(), time.monotonic())
        self._away, self._paused = 0.0, None
        return state

    def pause(self) -> None:
        """The reader leaves the screen: the reading time stands still until `resume`."""
        if self._paused is None:
            self._paused = time.monotonic()

    def resume(self) -> None:
        """The reader is back."""
        if self._paused is not None:
            self._away += time.monotonic() - self._paused
            self._paused = None

    def save(self) -> Answer:
        """Save the reading that is open; when this returns it is on the disk.

        Raises
        ------
        AnswerError
            Nothing is open, something is missing, or the file could not be written; the form stays as it is.
        LockedError
            Another window has taken over.
        """
        if self._opened is None:
            raise AnswerError("No reading is open, so there is nothing to save.")
        item, state, opened, began = self._opened
        if problems := state.problems:
            texts = {question.id: question.text for question in state.asked}
            missing = "; ".join(f"{texts[name]}: {problem}" for name, problem in problems.items())
            raise AnswerError(f"The reading is not complete. {missing}.")
        self.resume()
        earlier = self.answered(item)
        answer = Answer(
            item=item.code,
            answers=state.answers,
            opened=opened.isoformat(timespec="seconds"),
            answered=self._now().isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - began - self._away, 2),
            revision=earlier.revision + 1 if earlier else 0,
        )
        self._file.append(answer)
        self._opened = None
        return answer

    def _check_washout(self, item: ReadingItem) -> None:
        """A session begins when the one before is read, and the washout after its last first answer is over."""
        stored, codes = self._file.stored, {i.code for i in self.items if i.session == item.session}
        before = [i for i in self.items if i.session == item.session - 1]
        if not before or any(code in stored.latest for code in codes):
            return
        if any(i.code not in stored.latest for i in before):
            raise WashoutError(f"Session {item.session + 1} begins when session {item.session} is read.")
        of_before = {i.code for i in before}
        times = [datetime.fromisoformat(a.answered) for a in stored.history if a.item in of_before and not a.revision]
        begins = max(times) + timedelta(days=self.protocol.washout_days)
        if self._now() < begins:
            raise WashoutError(
                f"Session {item.session + 1} begins on {begins:%Y-%m-%d at %H:%M} UTC, "
                f"{self.protocol.washout_days:g} days after the last reading of session {item.session}."
            )
