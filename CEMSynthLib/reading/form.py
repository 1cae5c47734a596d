"""Form: the questions of a reading as data, so that desktop and browser show the same ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from CEMSynthLib.reading.errors import ProtocolError

Answers = Mapping[str, Any]


class QuestionKind(Enum):
    """How a question is answered, and the JSON type of its answer.

    ``choice``: one of the options, str. ``checklist``: any of the options, list of str. ``marks``: at least one place
    on the images, list of ``{"view": str, "row": float, "column": float}`` in pixels of the low-energy image.
    ``text``: str.
    """

    CHOICE = "choice"
    CHECKLIST = "checklist"
    MARKS = "marks"
    TEXT = "text"


@dataclass(frozen=True)
class Option:
    """One answer to choose: what is stored, and what the reader sees."""

    value: str
    text: str


@dataclass(frozen=True)
class Question:
    """One question.

    Parameters
    ----------
    id
        Name in the answers.
    text
        What the reader sees.
    kind
        How it is answered.
    options
        Of a choice or checklist, in the order shown.
    required
        Whether a reading without it is incomplete. A checklist with nothing checked is an answer.
    asked_if
        (question, value): asked only where that answer is given, or checked.
    needs_iodine
        Asked only where a clinical or synthetic iodine image is shown.
    """

    id: str
    text: str
    kind: QuestionKind
    options: tuple[Option, ...] = ()
    required: bool = True
    asked_if: tuple[str, str] | None = None
    needs_iodine: bool = False

    def problem(self, value: object) -> str:
        """Say why ``value`` is no answer to this question; empty where it is one."""
        known = {option.value for option in self.options}
        if self.kind is QuestionKind.CHOICE:
            return "" if isinstance(value, str) and value in known else f"choose one of: {', '.join(sorted(known))}"
        if self.kind is QuestionKind.TEXT:
            return "" if isinstance(value, str) and value.strip() else "write a few words"
        if not isinstance(value, list):
            return "give a list"
        if self.kind is QuestionKind.CHECKLIST:
            strange = [v for v in value if not isinstance(v, str) or v not in known]
            return f"not on the list: {strange[0]}" if strange else ""
        if not value or not all(_is_mark(mark) for mark in value):
            return "mark each lesion on at least one image"
        return ""


@dataclass(frozen=True)
class Form:
    """The questions of a reading, in the order asked."""

    questions: tuple[Question, ...]

    def asked(self, answers: Answers, iodine: bool = True) -> tuple[Question, ...]:
        """Which questions are asked, given the answers so far.

        Parameters
        ----------
        answers
            By question.
        iodine
            Whether an iodine image is shown.
        """
        shown: list[Question] = []
        for question in self.questions:
            if question.needs_iodine and not iodine:
                continue
            if question.asked_if is not None:
                other, wanted = question.asked_if
                given = answers.get(other) if other in {q.id for q in shown} else None
                if given != wanted and not (isinstance(given, list) and wanted in given):
                    continue
            shown.append(question)
        return tuple(shown)

    def problems(self, answers: Answers, iodine: bool = True) -> dict[str, str]:
        """What is missing or wrong: question to half a sentence; empty where the reading is complete."""
        found: dict[str, str] = {}
        for question in self.asked(answers, iodine):
            if question.id not in answers:
                if question.required:
                    found[question.id] = "not answered yet"
            elif problem := question.problem(answers[question.id]):
                found[question.id] = problem
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """As plain JSON values."""
        return [
            {
                "id": q.id,
                "text": q.text,
                "kind": q.kind.value,
                "options": [{"value": o.value, "text": o.text} for o in q.options],
                "required": q.required,
                "asked_if": list(q.asked_if) if q.asked_if else None,
                "needs_iodine": q.needs_iodine,
            }
            for q in self.questions
        ]

    @classmethod
    def from_json(cls, values: Any) -> "Form":
        """Read back what `to_json` wrote.

        Raises
        ------
        ProtocolError
            It is not a list of questions.
        """
        try:
            questions = tuple(
                Question(
                    str(v["id"]),
                    str(v["text"]),
                    QuestionKind(v["kind"]),
                    tuple(Option(str(o["value"]), str(o["text"])) for o in v["options"]),
                    bool(v["required"]),
                    (str(v["asked_if"][0]), str(v["asked_if"][1])) if v["asked_if"] else None,
                    bool(v["needs_iodine"]),
                )
                for v in values
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ProtocolError("The questions of the protocol are damaged; make the protocol again.") from error
        if not questions or len({q.id for q in questions}) != len(questions):
            raise ProtocolError("The protocol has no questions, or two of one name; make the protocol again.")
        return cls(questions)


def _is_mark(mark: object) -> bool:
    if not isinstance(mark, dict) or not isinstance(mark.get("view"), str):
        return False
    place = (mark.get("row"), mark.get("column"))
    return all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v < 1e6 for v in place)
