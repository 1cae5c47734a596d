"""Reading widgets: folder and reader, then the questions of the form, each with its kind of answer."""

from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.panels.compare_widgets import TOOLS
from CEMSynthLib.reading.form import Question, QuestionKind

if TYPE_CHECKING:
    from CEMSynthLib.browser.panels.reading_panel import ReadingPanel

# More options than this, or longer ones, are set below each other.
_SIDE_BY_SIDE, _LONG_TEXT = 5, 9
_NOTICE = (
    "Images may be clinical or synthetic; you are not told which. Research only: never use them to decide about a "
    "patient."
)


def question_values(question: Question) -> dict[str, Any]:
    """What the page needs of a question; scales have their words at both ends and digits between.

    Parameters
    ----------
    question
        The question.
    """
    options = [{"value": option.value, "text": option.text} for option in question.options]
    short = question.kind is QuestionKind.CHOICE and len(options) <= _SIDE_BY_SIDE
    ends = ""
    if short and len(options) == _SIDE_BY_SIDE and all(o["text"].startswith(o["value"]) for o in options):
        # "1: poor" to "5: excellent": the words below, so that five buttons fit side by side.
        ends = f"{options[0]['text']}|{options[-1]['text']}"
        options = [{"value": o["value"], "text": o["value"]} for o in options]
    return {
        "id": question.id,
        "text": question.text,
        "kind": question.kind.value,
        "options": options,
        "short": short and all(len(o["text"]) <= _LONG_TEXT for o in options),
        "ends": ends.split("|") if ends else [],
        "optional": not question.required,
    }


def build_reading(panel: "ReadingPanel") -> None:
    """Build the panel where the caller stands in the page."""
    from trame.widgets import html

    with html.Div(v_if="!reading_open"):
        _build_start(panel)
    with html.Div(v_else=True):
        _build_case(panel)
        with html.Div(v_for="q in reading_questions", key="q.id", classes="cem-question mt-3"):
            html.Div("{{ q.text }}", classes="cem-question-text")
            _build_choice(panel)
            _build_checklist(panel)
            _build_marks(panel)
            _build_text(panel)
        _build_end(panel)


def _build_start(panel: "ReadingPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    html.Div(
        "Read the cases of a reader study: blinded images, one form for each case, saved as you go.",
        classes="text-body-2 text-medium-emphasis mb-3",
    )
    v.VTextField(
        v_model=("reading_folder",),
        label="Folder of the reader study",
        title="On the computer that runs cemsynth",
        density="compact",
        variant="outlined",
        hide_details=True,
        disabled=("reading_busy",),
        classes="cem-small cem-reading-folder",
    )
    v.VSelect(
        v_model=("reading_reader",),
        items=("reading_readers",),
        label="Reader",
        density="compact",
        variant="outlined",
        hide_details=True,
        disabled=("reading_busy || !reading_readers.length",),
        classes="mt-3 cem-small cem-reading-reader",
    )
    with html.Div(title=("reading_missing",)):
        v.VBtn(
            "{{ reading_busy ? 'Cancel' : 'Start reading' }}",
            block=True,
            color="primary",
            loading=("reading_busy",),
            disabled=("!reading_busy && !!reading_missing",),
            click=panel.start_or_leave,
            classes="mt-3 cem-start",
        )
    html.Div("{{ reading_missing }}", classes="text-caption text-medium-emphasis mt-2")


def _build_case(panel: "ReadingPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    with html.Div(classes="d-flex align-center"):
        html.Div("{{ reading_sentence }}", classes="text-body-1 flex-grow-1")
        v.VBtn(
            icon=("reading_now ? 'mdi-pause' : 'mdi-play'",),
            v_if="!reading_finished",
            size="small",
            variant="text",
            title=("reading_now ? 'Pause: images away, the clock stands still' : 'Go on reading'",),
            click=panel.pause_or_resume,
        )
        v.VBtn(
            icon="mdi-exit-to-app",
            size="small",
            variant="text",
            title="Leave; what was saved is saved, and unsaved answers are kept",
            click=panel.start_or_leave,
            classes="cem-leave",
        )
    v.VProgressLinear(
        model_value=("100 * reading_done / reading_total",), color="primary", height=4, rounded=True, classes="mb-2"
    )
    html.Div(_NOTICE, classes="text-caption text-medium-emphasis")
    with html.Div(v_if="reading_now", classes="d-flex align-center mt-2"):
        with v.VBtnToggle(v_model=("compare_tool",), density="compact", mandatory=True, color="primary"):
            for tool, (icon, label) in TOOLS.items():
                v.VBtn(icon=icon, value=tool.value, size="small", title=label.rsplit(" (", 1)[0])
        v.VBtn(icon="mdi-fit-to-screen-outline", size="small", variant="text", title="Fit", click=panel.fit)


def _build_choice(panel: "ReadingPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    with html.Div(v_if=f"q.kind === '{QuestionKind.CHOICE.value}'"):
        with html.Div(classes=("['cem-options', q.short ? 'cem-side' : '']",)):
            v.VBtn(
                "{{ one.text }}",
                v_for="one in q.options",
                key="one.value",
                size="small",
                variant=("reading_answers[q.id] === one.value ? 'flat' : 'tonal'",),
                color=("reading_answers[q.id] === one.value ? 'primary' : undefined",),
                aria_pressed=("reading_answers[q.id] === one.value",),
                click=(panel.answer, "[q.id, one.value]"),
                classes=("'cem-option cem-answer-' + q.id + '-' + one.value",),
            )
        with html.Div(v_if="q.ends.length", classes="d-flex text-caption text-medium-emphasis"):
            html.Span("{{ q.ends[0] }}", classes="flex-grow-1")
            html.Span("{{ q.ends[1] }}")


def _build_checklist(panel: "ReadingPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    given = "(reading_answers[q.id] || [])"
    with html.Div(v_if=f"q.kind === '{QuestionKind.CHECKLIST.value}'", classes="cem-checks"):
        v.VCheckbox(
            v_for="one in q.options",
            key="one.value",
            label=("one.text",),
            model_value=(f"{given}.includes(one.value)",),
            density="compact",
            color="primary",
            hide_details=True,
            update_modelValue=(panel.check, "[q.id, one.value]"),
        )
        v.VCheckbox(
            label="none of these",
            model_value=("reading_answers[q.id] && !reading_answers[q.id].length",),
            density="compact",
            color="primary",
            hide_details=True,
            update_modelValue=(panel.check, "[q.id, '']"),
            classes=("'cem-none-' + q.id",),
        )


def _build_marks(panel: "ReadingPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    with html.Div(v_if=f"q.kind === '{QuestionKind.MARKS.value}'", classes="d-flex align-center", style="gap: 6px"):
        v.VBtn(
            "{{ reading_placing ? 'Stop placing' : 'Place marks' }}",
            prepend_icon="mdi-target",
            size="small",
            variant=("reading_placing ? 'flat' : 'tonal'",),
            color=("reading_placing ? 'primary' : undefined",),
            title="While this is on, each click in an image places a mark; drag a mark to move it (N)",
            click=panel.toggle_placing,
            classes="cem-place",
        )
        v.VBtn(
            icon="mdi-undo",
            size="x-small",
            variant="text",
            title="Remove the mark that was placed last",
            disabled=("!reading_marks",),
            click=panel.remove_last,
        )
        html.Span("{{ reading_marks }} placed", classes="text-caption text-medium-emphasis")


def _build_text(panel: "ReadingPanel") -> None:
    from trame.widgets import vuetify3 as v

    v.VTextField(
        v_if=f"q.kind === '{QuestionKind.TEXT.value}'",
        model_value=("reading_answers[q.id] || ''",),
        density="compact",
        variant="outlined",
        hide_details=True,
        update_modelValue=(panel.write, "[q.id, $event]"),
        classes="cem-small",
    )


def _build_end(panel: "ReadingPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    with html.Div(v_if="reading_now", classes="mt-4"):
        v.VBtn(
            "Save and next case",
            block=True,
            color="primary",
            disabled=("reading_lacking.length > 0",),
            title=("reading_lacking.length ? 'Still to answer' : 'Save this case to the disk and show the next one'",),
            click=panel.save_and_next,
            classes="cem-save",
        )
        with html.Div(v_if="reading_lacking.length", classes="text-caption text-medium-emphasis mt-1"):
            html.Span("Still to answer: {{ reading_lacking.join('; ') }}")
