"""Session: from pairs to a model folder: split, gray scale, card, training."""

import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from CEMSynthLib import __version__
from CEMSynthLib.generator.card import (
    HeldOutMetrics,
    InputNormalization,
    ModelCard,
    OutputNormalization,
    TrainingData,
)
from CEMSynthLib.generator.fields import Scalar
from CEMSynthLib.generator.image_statistics import training_range
from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.study.model import FileReason, VOIWindow
from CEMSynthLib.training.data import Pair, PairSet, output_normalization
from CEMSynthLib.training.hashes import patient_hash
from CEMSynthLib.training.plan import Plan
from CEMSynthLib.training.runtime import resolve_precision
from CEMSynthLib.training.split import Split, require_apart, split_patients
from CEMSynthLib.training.start import STARTED_FROM, Start
from CEMSynthLib.training.trainer import EpochLog, Trainer, TrainingResult
from CEMSynthLib.training.validation import Judge

# A breast is about 15 cm high; only where no training image has a spacing to tell it.
_HEIGHT_MM = 150.0
_SIMULATED_ID = re.compile(r"[A-Z]+-(\d+)-\d+")
_USE = "Research on synthetic iodine images from low-energy mammograms: teaching, testing of software, method studies."
_LIMITS = (
    "Not for diagnosis. What low energy does not show, the synthetic image cannot show: enhancement may be missing or "
    "invented. Figures hold for images like those of the training."
)
_LIMITS_SIMULATED = (
    " Trained on simulated images only: on a real breast the result has not been validated in any way. The simulated "
    "low-energy images are taken after injection and carry a little iodine themselves."
)
_METRICS = "No held-out figures yet: evaluate the model on patients that were not used in training."


@dataclass(frozen=True)
class PreparedTraining:
    """What a training starts from: pairs on both sides, the files left out, the card but for weights."""

    training: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    skipped: tuple[FileReason, ...]
    card: ModelCard


def prepare_training(
    found: PairSet, plan: Plan, key: bytes, split: Callable[[Sequence[str]], Split] | None = None
) -> PreparedTraining:
    """Split the patients, and find gray scale, window, breast height and the card from the training side.

    Parameters
    ----------
    found
        What `cache.cached_pairs` returned for `draft_card`.
    plan
        Settings.
    key
        Of the hashes of patient identifiers in the card.
    split
        Gets all patient identifiers; ``None``: by seed (see `split.split_patients`).

    Raises
    ------
    SplitError
        Too few patients, or a patient or a study on both sides.
    """
    patients = found.patient_ids
    sides = split(patients) if split else split_patients(patients, plan.validation_fraction, plan.seed)
    training, validation = found.of(sides.training), found.of(sides.validation)
    require_apart(*([(pair.patient_id, pair.study_uid) for pair in side] for side in (training, validation)))
    scale, window = output_normalization(training)
    heights = [pair.height_px for pair in training if pair.height_px is not None]
    draft = draft_card(plan)
    card = replace(
        draft,
        output_normalization=scale,
        display_window=window,
        median_breast_height_px=float(np.median(heights)) if heights else draft.median_breast_height_px,
        training=_training_data((*training, *validation), training, sides, plan, key),
        training_range=training_range(pair.statistics for pair in training),
    )
    if not card.training.simulated_only:
        card = replace(card, limits_of_use=_LIMITS)
    return PreparedTraining(training, validation, found.skipped, card)


def train(
    prepared: PreparedTraining,
    plan: Plan,
    fabric: Fabric,
    output: Path,
    progress: Progress = silent,
    *,
    judge: Judge | None = None,
    log: EpochLog | None = None,
    resume: bool = False,
    start: Start | None = None,
) -> TrainingResult:
    """Train and write the model folder (see `trainer.Trainer`); ``start`` tells the weights to begin with."""
    name = resolve_precision(fabric.device, plan.precision)
    here: dict[str, Scalar] = {"device": fabric.device.type, "precision": name, "processes": fabric.world_size}
    if start is not None:
        here[STARTED_FROM] = start.sha256
    settings = {**prepared.card.training.settings, **here}
    card = replace(prepared.card, training=replace(prepared.card.training, settings=settings))
    weights = start.weights if start else None
    trainer = Trainer(plan, card, prepared.training, prepared.validation, fabric, output, judge, log, weights)
    return trainer.fit(progress, resume)


def draft_card(plan: Plan) -> ModelCard:
    """The card before anything is known of the images: enough to prepare them."""
    return ModelCard(
        name=f"cemsynth-{plan.name}",
        version=__version__,
        architecture=plan.architecture,
        working_spacing_mm=plan.working_spacing_mm,
        median_breast_height_px=_HEIGHT_MM / plan.working_spacing_mm,
        input_normalization=InputNormalization(),
        output_normalization=OutputNormalization(low=0.0, high=1.0, air=0.0),
        display_window=VOIWindow.from_range(0.0, 1.0),
        training=TrainingData("not trained yet", False, None, (), 0, 0, 0),
        metrics=HeldOutMetrics(_METRICS),
        license="Apache-2.0",
        intended_use=_USE,
        limits_of_use=_LIMITS + _LIMITS_SIMULATED,
        weights_sha256="0" * 64,
        software={
            "cemsynth": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    )


def _training_data(
    pairs: Sequence[Pair], training: Sequence[Pair], sides: Split, plan: Plan, key: bytes
) -> TrainingData:
    simulated = all(pair.simulator is not None for pair in pairs)
    simulators = sorted({pair.simulator for pair in pairs if pair.simulator})
    patients = (*sides.training, *sides.validation)
    matches = [_SIMULATED_ID.fullmatch(patient) for patient in patients]
    origin = (
        "simulated images only, no image of a patient"
        if simulated
        else "images whose origin is not stated as simulated"
    )
    settings = {key: value for key, value in asdict(plan).items() if key not in ("name", "architecture")}
    return TrainingData(
        description=f"{len(training)} image pairs of {len(sides.training)} patients: {origin}.",
        simulated_only=simulated,
        simulator=", ".join(simulators) if simulators else None,
        seeds=tuple(sorted({int(match[1]) for match in matches if match})) if simulated else (),
        training_patients=len(sides.training),
        validation_patients=len(sides.validation),
        training_images=len(training),
        settings=settings,
        image_sha256=tuple(sorted({digest for pair in training for digest in pair.sha256})),
        image_fingerprints=tuple(sorted({pair.fingerprint for pair in training})),
        patient_hashes=tuple(sorted({patient_hash(patient, key) for patient in patients})),
    )
