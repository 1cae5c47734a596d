"""Reading lines: figures of readers or model observers arranged for the report."""

from dataclasses import dataclass

from CEMSynthLib.evaluation.image_measures import CLINICAL, SYNTHETIC
from CEMSynthLib.evaluation.study_table import Cell, Readings

#: Figures in the order shown: words, and whether they are parts.
READING_NAMES = {
    "accuracy": ("Accuracy", True),
    "sensitivity": ("Sensitivity", True),
    "specificity": ("Specificity", True),
    "localized_sensitivity": ("Localized sensitivity", True),
    "detections": ("False detections per image", False),
    "auc": ("ROC AUC", False),
    "bpe_accuracy": ("BPE a-b against c-d, accuracy", True),
    "bpe_majority": ("BPE, always the more frequent of the two", True),
    "bpe_balanced_accuracy": ("BPE, balanced accuracy", True),
}
_RATES = ("accuracy", "sensitivity", "specificity")


@dataclass(frozen=True)
class ObserverLine:
    """One observer: accuracy, sensitivity, specificity on clinical, then on synthetic images, and McNemar's p."""

    name: str
    rates: tuple[Cell, ...]
    mcnemar: Cell


def observer_lines(readings: Readings | None) -> tuple[ObserverLine, ...]:
    """One line for each model observer; none for readers, whose own figures are in their report."""
    if readings is None:
        return ()
    names = [
        name.removeprefix("accuracy ")
        for name in readings.figures.get(SYNTHETIC, {})
        if name.startswith("accuracy observer")
    ]
    return tuple(
        ObserverLine(
            name,
            tuple(readings.cell(image, f"{rate} {name}") for image in (CLINICAL, SYNTHETIC) for rate in _RATES),
            readings.cell(SYNTHETIC, f"mcnemar_exact_p {name}"),
        )
        for name in names
    )
