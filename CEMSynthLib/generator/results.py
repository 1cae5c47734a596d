"""Results: a synthetic image with where it came from, and what everything that makes them looks like (no torch)."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from CEMSynthLib.generator.card import ModelCard
from CEMSynthLib.study.model import CEMImage, FloatImage, VOIWindow

#: Whether an image lies in the range of the training images (`image_statistics`).
INSIDE, OUTSIDE, NOT_KNOWN = "inside", "outside", "not known"


@dataclass(frozen=True)
class Provenance:
    """Which model made a synthetic image, on what, and how long it took.

    Parameters
    ----------
    model_name, model_version, weights_sha256, simulated_only
        From the card.
    device
        ``cpu``, ``cuda`` or ``mps``.
    device_reason
        A sentence.
    backend
        ``torch`` or ``openvino``.
    precision
        ``float32``, ``float16`` or ``bfloat16``: of the convolutions; gray scales go in and out as float32.
    seconds
        Wall time of one image, preprocessing included.
    """

    model_name: str
    model_version: str
    weights_sha256: str
    simulated_only: bool
    device: str
    device_reason: str
    backend: str
    precision: str
    seconds: float


@dataclass(frozen=True)
class SyntheticImage:
    """A synthetic iodine image.

    Parameters
    ----------
    pixels
        float32, shape (rows, columns) of the low-energy image, recombined units; the card's air value outside
        the breast.
    window
        The VOI window to show it with, recombined units.
    warnings
        Sentences for the user.
    provenance
        Where it came from.
    training_range
        ``inside`` or ``outside`` the range of the training images; ``not known`` where the card has none, or where
        nothing lies outside but a figure, such as the spacing, is not there to judge.
    """

    pixels: FloatImage
    window: VOIWindow
    warnings: tuple[str, ...]
    provenance: Provenance
    training_range: str = NOT_KNOWN

    def told(self, card: ModelCard) -> dict[str, Any]:
        """What a scene keeps about how the image was made: the fields of `scene.synthetic_volume.SyntheticRecord`."""
        made = self.provenance
        return {
            "model_name": made.model_name,
            "model_version": made.model_version,
            "model_sha256": made.weights_sha256,
            "training_data": card.training.description,
            "intended_use": card.intended_use,
            "held_out": card.metrics.description,
            "simulated_only": made.simulated_only,
            "training_range": self.training_range,
            "warnings": self.warnings,
            "device": made.device,
            "device_reason": made.device_reason,
            "seconds": round(made.seconds, 3),
            "created": datetime.now().isoformat(timespec="seconds"),
        }


class Generator(Protocol):
    """A loaded model, in this process (`predictor.Predictor`) or in the worker (`client.WorkerGenerator`)."""

    @property
    def folder(self) -> Path:
        """The model folder."""

    @property
    def card(self) -> ModelCard:
        """Its card."""

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""

    @property
    def device_reason(self) -> str:
        """A sentence: which device, and why."""

    def synthesize(self, image: CEMImage) -> SyntheticImage:
        """Make the synthetic image of one low-energy image."""
