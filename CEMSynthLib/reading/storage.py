"""Storage: one append-only file per reader (JSON lines), on the disk before an answer counts as given."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from CEMSynthLib.reading.errors import AnswerError
from CEMSynthLib.reading.lock import ReaderLock

FORMAT, VERSION = "cemsynth-reader-answers", 1


@dataclass(frozen=True)
class Answer:
    """One saved reading.

    Parameters
    ----------
    item
        Code of the reading.
    answers
        By question.
    opened, answered
        UTC, ISO 8601.
    seconds
        How long it was on the screen.
    revision
        0, then one more each time the reader changed it.
    """

    item: str
    answers: Mapping[str, Any]
    opened: str
    answered: str
    seconds: float
    revision: int = 0


@dataclass(frozen=True)
class StoredAnswers:
    """What a file holds.

    Parameters
    ----------
    history
        Every answer in the order saved.
    damaged
        Numbers of lines that are torn or altered and count for nothing.
    """

    history: tuple[Answer, ...] = ()
    damaged: tuple[int, ...] = ()
    latest: Mapping[str, Answer] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "latest", {answer.item: answer for answer in self.history})


def answers_path(folder: Path, reader: str) -> Path:
    """The file of a reader in the readers' folder."""
    return folder / f"{reader}.jsonl"


def read_answers(path: Path, protocol_sha256: str, reader: str) -> StoredAnswers:
    """Read a file, also while its reader is writing it.

    Parameters
    ----------
    path
        Missing: no answers.
    protocol_sha256, reader
        Whose answers are expected.

    Raises
    ------
    AnswerError
        It cannot be read, or holds the answers of another protocol or reader.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return StoredAnswers()
    except OSError as error:
        raise AnswerError(f"{path.name} cannot be read: {error.strerror}.") from error
    history: list[Answer] = []
    damaged: list[int] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        values = _checked(line)
        if values is None:
            damaged.append(number)
        elif "format" in values:
            if values["version"] != VERSION:
                raise AnswerError(f"{path.name} was written by a newer version of this program; update it.")
            if (values["protocol_sha256"], values["reader"]) != (protocol_sha256, reader):
                raise AnswerError(f"{path.name} holds answers to another protocol or of another reader; move it away.")
        else:
            history.append(Answer(**values))
    return StoredAnswers(tuple(history), tuple(damaged))


class AnswerFile:
    """The answers of one reader, open for writing; use it as a context manager.

    Parameters
    ----------
    folder
        The readers' folder.
    protocol_sha256, reader
        Whose answers.
    beat
        See `ReaderLock`.

    Raises
    ------
    LockedError
        On entering: it is open in another window.
    AnswerError
        On entering: the file is not this reader's.
    """

    def __init__(self, folder: Path, protocol_sha256: str, reader: str, beat: bool = True) -> None:
        self.path = answers_path(folder, reader)
        self.lock = ReaderLock(folder / "locks", reader, beat)
        self._header = {
            "format": FORMAT,
            "version": VERSION,
            "protocol_sha256": protocol_sha256,
            "reader": reader,
        }
        self.stored = StoredAnswers()

    def __enter__(self) -> "AnswerFile":
        self.lock.__enter__()
        try:
            self.stored = read_answers(self.path, str(self._header["protocol_sha256"]), str(self._header["reader"]))
        except BaseException:
            self.lock.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.lock.__exit__(*exception)

    def append(self, answer: Answer) -> None:
        """Save an answer; when this returns it is on the disk.

        Raises
        ------
        LockedError
            Another window has taken over.
        AnswerError
            It could not be written (disk full, share gone); earlier answers are as they were.
        """
        self.lock.check()
        try:
            _append(self.path, list(self._lines(answer)))
        except OSError as error:
            raise AnswerError(
                f"The answer could not be saved to {self.path.name} ({error.strerror}); it is still on the screen: "
                "mend the cause and save again."
            ) from error
        self.lock.check()
        self.lock.beat()
        self.stored = StoredAnswers((*self.stored.history, answer), self.stored.damaged)

    def _lines(self, answer: Answer) -> Iterator[bytes]:
        if not self.stored.history:
            yield _line(self._header)
        yield _line(
            {
                "item": answer.item,
                "revision": answer.revision,
                "answers": dict(answer.answers),
                "opened": answer.opened,
                "answered": answer.answered,
                "seconds": answer.seconds,
            }
        )


def _line(values: Mapping[str, Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=True, sort_keys=True, allow_nan=False)
    return json.dumps({**values, "sum": _sum(text)}, ensure_ascii=True, sort_keys=True).encode() + b"\n"


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _checked(line: bytes) -> dict[str, Any] | None:
    """The values of a line, ``None`` where it is torn or altered."""
    try:
        values = json.loads(line)
        expected = values.pop("sum")
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    return values if expected == _sum(json.dumps(values, ensure_ascii=True, sort_keys=True)) else None


def _append(path: Path, lines: list[bytes]) -> None:
    """Append whole lines by one write, and wait until they are on the disk."""
    new = not path.exists()
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        text = b"".join(lines)
        if end:
            os.lseek(descriptor, end - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":  # a line torn by a crash: it stays, closed
                text = b"\n" + text
        while text:
            text = text[os.write(descriptor, text) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new and hasattr(os, "O_DIRECTORY"):  # the name of a new file is on the disk only with its folder
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
