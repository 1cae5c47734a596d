"""Reading form: the questions of a reading as radio buttons, check boxes, text and marks."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import qt
from slicer.i18n import tr as _

from CEMSynthLib.reading.form import Question, QuestionKind

# Options with more characters than this are set below each other; a button is as wide as four.
_SIDE_BY_SIDE = 46
_BUTTON = 4


class ReadingForm:
    """All questions of a form in a frame of the panel; those that are not asked are hidden.

    Parameters
    ----------
    frame
        A QWidget with a layout.
    answered
        Called with the question and its answer, ``None`` where there is none.
    place, removeLast
        Called when the user wants to place marks (or no more), and to remove the last one.
    """

    def __init__(
        self,
        frame: Any,
        answered: Callable[[str, Any], None],
        place: Callable[[bool], None],
        removeLast: Callable[[], None],
    ) -> None:
        self._frame, self._answered, self._place, self._removeLast = frame, answered, place, removeLast
        self._page: Any = None
        self._boxes: dict[str, Any] = {}
        self._checks: dict[str, list[tuple[str, Any]]] = {}
        self._markLabel: Any = None
        #: The button that is down while a click places a mark; ``None`` where the form has no marks.
        self.placeButton: Any = None

    def build(self, questions: Sequence[Question], answers: Mapping[str, Any]) -> None:
        """Show a form with these answers, in place of the one before."""
        self.clear()
        self._page = qt.QWidget()
        qt.QVBoxLayout(self._page)
        for question in questions:
            box = qt.QGroupBox()
            box.title = question.text
            build = {
                QuestionKind.CHOICE: self._choice,
                QuestionKind.CHECKLIST: self._checklist,
                QuestionKind.MARKS: self._marks,
                QuestionKind.TEXT: self._text,
            }[question.kind]
            build(box, question, answers.get(question.id))
            self._boxes[question.id] = box
            self._page.layout().addWidget(box)
        self._frame.layout().addWidget(self._page)

    def show(self, asked: Sequence[Question], marks: int) -> None:
        """Show the questions that are asked now, and how many marks there are."""
        wanted = {question.id for question in asked}
        for name, box in self._boxes.items():
            box.visible = name in wanted
        if self._markLabel is not None:
            self._markLabel.text = _("Marks placed: {count}").format(count=marks)

    def showPlacing(self, placing: bool) -> None:
        """Let the button say whether a click places a mark."""
        if self.placeButton is not None and self.placeButton.checked != placing:
            self.placeButton.checked = placing

    def clear(self) -> None:
        """Take the form away."""
        if self._page is not None:
            self._frame.layout().removeWidget(self._page)
            self._page.hide()
            self._page.deleteLater()
        self._page = self._markLabel = self.placeButton = None
        self._boxes.clear()
        self._checks.clear()

    def _choice(self, box: Any, question: Question, answer: Any) -> None:
        short = sum(len(option.text) + _BUTTON for option in question.options) <= _SIDE_BY_SIDE
        layout = qt.QHBoxLayout if short else qt.QVBoxLayout
        layout(box)
        for option in question.options:
            button = qt.QRadioButton()
            button.text = option.text
            button.checked = option.value == answer
            button.connect("toggled(bool)", partial(self._onToggled, question.id, option.value))
            box.layout().addWidget(button)

    def _checklist(self, box: Any, question: Question, answer: Any) -> None:
        qt.QVBoxLayout(box)
        checks = self._checks[question.id] = []
        for option in question.options:
            check = qt.QCheckBox()
            check.text = option.text
            check.checked = option.value in (answer or ())
            check.connect("toggled(bool)", partial(self._onChecked, question.id))
            box.layout().addWidget(check)
            checks.append((option.value, check))
        # Nothing checked is an answer, but only one that was given.
        none = qt.QCheckBox()
        none.text = _("none of these")
        none.checked = answer == []
        none.connect("toggled(bool)", partial(self._onNone, question.id))
        box.layout().addWidget(none)
        checks.append(("", none))

    def _marks(self, box: Any, question: Question, answer: Any) -> None:
        qt.QHBoxLayout(box)
        self.placeButton = qt.QPushButton()
        self.placeButton.text = _("Place marks")
        self.placeButton.checkable = True
        self.placeButton.toolTip = _(
            "While this is down, each click in an image places a mark; drag a mark to move it."
        )
        self.placeButton.connect("toggled(bool)", self._place)
        remove = qt.QPushButton()
        remove.text = _("Remove last")
        remove.toolTip = _("Remove the mark that was placed last.")
        remove.connect("clicked()", self._removeLast)
        self._markLabel = qt.QLabel()
        for widget in (self.placeButton, remove, self._markLabel):
            box.layout().addWidget(widget)

    def _text(self, box: Any, question: Question, answer: Any) -> None:
        qt.QVBoxLayout(box)
        line = qt.QLineEdit()
        line.text = answer or ""
        line.connect("textChanged(QString)", partial(self._onText, question.id))
        box.layout().addWidget(line)

    def _onToggled(self, question: str, value: str, checked: bool) -> None:
        if checked:
            self._answered(question, value)

    def _onChecked(self, question: str, checked: bool) -> None:
        checks = self._checks[question]
        chosen = [value for value, check in checks if value and check.checked]
        none = checks[-1][1]
        if chosen and none.checked:
            none.checked = False
        self._answered(question, chosen if chosen or none.checked else None)

    def _onNone(self, question: str, checked: bool) -> None:
        checks = self._checks[question]
        if checked:
            for value, check in checks:
                if value:
                    check.checked = False
        chosen = [value for value, check in checks if value and check.checked]
        self._answered(question, chosen if chosen or checked else None)

    def _onText(self, question: str, text: str) -> None:
        self._answered(question, text.strip() or None)
