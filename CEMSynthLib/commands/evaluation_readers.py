"""Readers: detection and BPE figures from the ``summary.json`` of ``cemsynth readers analyze``."""

import json
from pathlib import Path

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.evaluation.estimate import Estimate
from CEMSynthLib.evaluation.image_measures import CLINICAL, SYNTHETIC
from CEMSynthLib.evaluation.study_table import Readings

FORMAT = "cemsynth-reading-analysis"
_ALL = "all readers"
_NAMES = {
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ROC AUC": "auc",
    "localized sensitivity": "localized_sensitivity",
    "false marks per image": "detections",
    "BPE a-b against c-d, accuracy": "bpe_accuracy",
    "BPE a-b against c-d, majority baseline": "bpe_majority",
}


class ReaderFilesError(CEMSynthError):
    """The file is not what ``cemsynth readers analyze`` wrote."""


def read_readings(path: Path) -> Readings:
    """Read the figures pooled over readers.

    Parameters
    ----------
    path
        ``summary.json``, or the folder that holds it. Image types that show the recombined image count as clinical,
        those that show the synthetic one as synthetic, those that show both as neither; the first of each counts.

    Raises
    ------
    ReaderFilesError
        The file is missing, damaged or another one.
    """
    file = path / "summary.json" if path.is_dir() else path
    figures: dict[str, dict[str, Estimate]] = {CLINICAL: {}, SYNTHETIC: {}}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ReaderFilesError(f"{file} was not written by cemsynth readers analyze; give its summary.json.")
        readers = len(content["readers"])
        for row in content["results"]:
            kinds = set(str(row["image_types"]).split("+"))
            image = {True: CLINICAL, False: SYNTHETIC}["recombined" in kinds]
            shown = len(kinds & {"recombined", "synthetic"}) == 1
            name = _NAMES.get(row["quantity"])
            if not shown or name is None or row["reader"] != _ALL or name in figures[image]:
                continue
            interval = None if row["low_95"] is None else (float(row["low_95"]), float(row["high_95"]))
            figures[image][name] = Estimate(
                row["formula"],
                row["value"],
                interval,
                row["interval"],
                None,
                row["count"],
                row["patients"],
                row["note"],
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReaderFilesError(f"{file} cannot be read; write it again with cemsynth readers analyze.") from error
    if not any(figures.values()):
        raise ReaderFilesError(f"{file} holds no figures of single iodine images, clinical or synthetic.")
    return Readings(f"Read by {readers} readers; pooled over readers (cemsynth readers analyze).", figures)
