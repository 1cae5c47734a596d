"""Questions: the form of this study, in the words of the ACR CEM lexicon 2022 and of the CEMArtifacts module."""

from CEMSynthLib.reading.form import Form, Option, Question, QuestionKind

BPE = (
    Option("a", "a: minimal"),
    Option("b", "b: mild"),
    Option("c", "c: moderate"),
    Option("d", "d: marked"),
)
#: The artifact vocabulary of the CEMArtifacts module, in its order (1 to 8).
ARTIFACTS = (
    Option("halo", "breast-in-breast (halo)"),
    Option("skin_line", "skin line"),
    Option("ripple", "ripple (motion)"),
    Option("blood_vessels", "blood vessels"),
    Option("calcifications", "calcifications"),
    Option("marker_or_clip", "marker or clip"),
    Option("air_or_folds", "air trapping or skin folds"),
    Option("other", "other"),
)
YES_NO = (Option("no", "no"), Option("yes", "yes"))


def _scale(lowest: str, highest: str) -> tuple[Option, ...]:
    return (Option("1", f"1: {lowest}"), *(Option(str(n), str(n)) for n in (2, 3, 4)), Option("5", f"5: {highest}"))


def default_form() -> Form:
    """Every question of the study: BPE, lesions with their marks, confidence, artifacts and image quality."""
    choice, if_lesion = QuestionKind.CHOICE, ("lesion", "yes")
    conspicuity = tuple(Option(value, value) for value in ("low", "moderate", "high"))
    return Form(
        (
            Question("bpe", "Background parenchymal enhancement", choice, BPE, needs_iodine=True),
            Question("lesion", "Is there a suspicious lesion?", choice, YES_NO),
            Question("marks", "Mark each lesion", QuestionKind.MARKS, asked_if=if_lesion),
            Question("conspicuity", "Lesion conspicuity", choice, conspicuity, asked_if=if_lesion),
            Question("asymmetry", "Is there an enhancing asymmetry?", choice, YES_NO, needs_iodine=True),
            Question("confidence", "How sure are you about the lesion?", choice, _scale("not sure", "certain")),
            Question("artifacts", "Artifacts that you see", QuestionKind.CHECKLIST, ARTIFACTS, needs_iodine=True),
            Question("artifact_other", "Which other artifact?", QuestionKind.TEXT, asked_if=("artifacts", "other")),
            Question("quality", "Image quality", choice, _scale("poor", "excellent")),
        )
    )
