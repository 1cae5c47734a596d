"""Form state: the answers while a reader gives them; a front end shows it and tells it what was chosen."""

from typing import Any

from CEMSynthLib.reading.errors import AnswerError
from CEMSynthLib.reading.form import Answers, Form, Question


class FormState:
    """One form being filled in.

    Parameters
    ----------
    form
        The questions.
    iodine
        Whether an iodine image is shown.
    answers
        Given earlier, to revise.
    """

    def __init__(self, form: Form, iodine: bool = True, answers: Answers | None = None) -> None:
        self._form, self._iodine = form, iodine
        self._answers: dict[str, Any] = dict(answers or {})

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions to show now, in order; it changes with the answers."""
        return self._form.asked(self._answers, self._iodine)

    @property
    def answers(self) -> dict[str, Any]:
        """The answers to the questions that are asked; what was answered before a question vanished is left out."""
        return {q.id: self._answers[q.id] for q in self.asked if q.id in self._answers}

    @property
    def problems(self) -> dict[str, str]:
        """What is missing or wrong: question to half a sentence."""
        return self._form.problems(self._answers, self._iodine)

    @property
    def complete(self) -> bool:
        """Whether the reading can be saved."""
        return not self.problems

    def answer(self, question_id: str, value: Any) -> None:
        """Set an answer; ``None`` takes it back.

        Raises
        ------
        AnswerError
            The question is not asked, or the value is no answer to it.
        """
        question = next((q for q in self.asked if q.id == question_id), None)
        if question is None:
            raise AnswerError(f"The form does not ask for '{question_id}' now.")
        if value is None:
            self._answers.pop(question_id, None)
            return
        if problem := question.problem(value):
            raise AnswerError(f"{question.text}: {problem}.")
        self._answers[question_id] = value
