"""Checklist: items in the manner of CLAIM 2024, filled from what is known of model and cohort."""

from typing import TYPE_CHECKING

from CEMSynthLib.evaluation.cohort import Check, CohortResult

if TYPE_CHECKING:
    from CEMSynthLib.generator.card import ModelCard

_AUTHOR = "to be filled in by the author"


def checklist(result: CohortResult, card: "ModelCard | None", cohort: str, left_out: int = 0) -> tuple[Check, ...]:
    """Make the lines; an outcome that the author must fill in is ``None``.

    Parameters
    ----------
    result
        Of the evaluation.
    card
        Of the model, where known.
    cohort
        The test set in a sentence.
    left_out
        How many images or files took no part; the report lists them.
    """
    training = card.training if card else None
    settings = ", ".join(f"{k} {v}" for k, v in training.settings.items()) if training else ""

    def known(what: str, text: str | None) -> Check:
        return Check(what, text or _AUTHOR, True if text else None)

    simulated = all(r.truth for r in result.records)
    return (
        known("Study design, hypothesis, ethics", None),
        known("Data source of the test set", cohort),
        known("Eligibility, dates and places of recruitment", "simulated patients" if simulated else None),
        known("Reference standard", "iodine as simulated" if simulated else None),
        known("Clinical image compared with", "recombined (dual-energy) image of the same compression"),
        known("Preprocessing", "polarity normalized, LE and recombined on one grid, breast mask from LE"),
        known("De-identification", "patient identifiers as found in the files; no names are kept"),
        known("Training data", training.description if training else None),
        known(
            "Partitions",
            f"{training.training_patients} training and {training.validation_patients} validation patients; by patient"
            if training
            else None,
        ),
        known("Model and inputs", f"{card.architecture.type}, low-energy image only" if card else None),
        known("Training procedure", settings),
        known("Selection of the final weights", training.selection if training else None),
        known("Software and weights", f"weights SHA-256 {card.weights_sha256}" if card else None),
        known("Performance metrics and uncertainty", "sections 1 to 5; patient-clustered bootstrap, seed 0"),
        known("Baselines", f"{len(result.heldout.comparisons)} images without information; paired intervals"),
        known("External test set", None),
        known(
            "Failures and images left out",
            f"{left_out} left out{', listed at the top' if left_out else ''}; notes on images that took part: "
            f"{f'{len(result.warnings)} kinds, below this checklist' if result.warnings else 'none'}",
        ),
        known("Sample size", f"{result.heldout.images} images of {result.heldout.patients} patients"),
        known("Limits of use", card.limits_of_use if card else None),
        known("Funding, conflicts of interest, registration", None),
    )
