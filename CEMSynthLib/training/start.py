"""Start: weights of an earlier training that a new one goes on from, if both learned from the same patients."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from CEMSynthLib.generator.card import ModelCard, load_card
from CEMSynthLib.generator.weights_check import load_network
from CEMSynthLib.training.errors import TrainingSetupError

#: Setting in the card of the model that went on: SHA-256 of the weights it began with.
STARTED_FROM = "started_from_sha256"


@dataclass(frozen=True, eq=False)
class Start:
    """Weights to begin with, and their SHA-256."""

    weights: Mapping[str, Tensor]
    sha256: str


def start_from(folder: Path, card: ModelCard) -> Start:
    """Read the weights to begin with.

    Parameters
    ----------
    folder
        Model folder of the earlier training.
    card
        Of the training that begins, complete but for weights.

    Raises
    ------
    CEMSynthLib.generator.errors.ModelError
        The model is missing or damaged.
    TrainingSetupError
        It is another network, works on another grid or gray scale, or learned from images that are not among the
        training images now: the new card, and every leakage check with it, would not know them.
    """
    earlier = load_card(folder)
    if (earlier.architecture, earlier.working_spacing_mm) != (card.architecture, card.working_spacing_mm):
        raise TrainingSetupError(
            f"The model {folder} is another network, or works at another pixel spacing, than this training; choose a "
            "preset of its pixel spacing, or another model."
        )
    foreign = set(earlier.training.image_sha256) - set(card.training.image_sha256)
    if foreign or not earlier.training.image_sha256:
        raise TrainingSetupError(
            f"The model {folder} learned from images that are not training images here, so the leakage check would not "
            "know them; go on with the same folder and the same --seed or --split."
        )
    if earlier.output_normalization != card.output_normalization:
        raise TrainingSetupError(
            f"The model {folder} has another gray scale than these training images ask for; go on with the images it "
            "was trained on."
        )
    return Start(load_network(folder, earlier).state_dict(), earlier.weights_sha256)
