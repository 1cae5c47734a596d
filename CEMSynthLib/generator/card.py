"""Model card: everything that must be known about a generator to use it rightly, as data beside its weights.

A model is one folder that holds ``model.json`` (this card) and ``model.safetensors`` (the weights, whose SHA-256
the card names). The fields are described for other programs in ``model_card.schema.json`` beside this file.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.generator.fields import Fields, Scalar
from CEMSynthLib.study.model import VOIWindow

CARD_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT_VERSION = 1
# Far above any network that is used; a card that asks for more would take hours or all memory before it is refused.
_WIDEST = 1024
_DEEPEST = {"resnet": 64, "unet": 12, "unet_pix2pix": 12}
SHIPPED_MODELS = Path(__file__).resolve().parent / "weights"


@dataclass(frozen=True)
class Architecture:
    """The network, from one gray image to one.

    Parameters
    ----------
    type
        ``resnet`` (Johnson / CycleGAN; ``depth`` residual blocks), ``unet`` (a small U-Net, ``depth`` halvings) or
        ``unet_pix2pix`` (the U-Net of pix2pix, ``depth`` halvings).
    base_filters
        Width of the first layer.
    depth
        See ``type``.
    norm
        ``instance`` (each image on its own) or ``batch`` (with the mean and variance kept from training).
    channels
        1, or 3 where the network was made for color: it then gets the gray image three times, and the mean of what it
        gives is taken.
    """

    type: str
    base_filters: int
    depth: int
    norm: str = "instance"
    channels: int = 1

    @property
    def size_multiple(self) -> int:
        """Rows and columns that enter the network are multiples of this, else its output has another size."""
        return 4 if self.type == "resnet" else int(2**self.depth)


@dataclass(frozen=True)
class InputNormalization:
    """Low energy to network input: two quantiles inside the breast mask go to two values.

    Linear between and beyond, clipped to [-1, 1]. Quantiles, because 12-bit DICOM and 8-bit pictures of other vendors
    share no gray scale. ``air`` is the value outside the mask. The only ``method`` is ``mask_quantiles``.
    """

    low_quantile: float = 0.02
    low_value: float = -0.6
    high_quantile: float = 0.98
    high_value: float = 0.6
    air: float = -1.0
    method: str = "mask_quantiles"


@dataclass(frozen=True)
class OutputNormalization:
    """Network output to recombined units: -1 is ``low``, 1 is ``high``, linear between; outside the mask ``air``."""

    low: float
    high: float
    air: float


@dataclass(frozen=True)
class TrainingData:
    """What the generator has seen.

    Parameters
    ----------
    description
        A sentence.
    simulated_only
        True where no image of a patient was used.
    simulator, seeds
        Which one made the images, from which seeds.
    training_patients, validation_patients, training_images
        How many.
    settings
        Of the training.
    selection
        The rule by which the weights were chosen among the epochs; empty where not stated.
    image_sha256
        Of the pixels of the training images (`CEMSynthLib.training.hashes.pixel_sha256`), sorted.
    image_fingerprints
        Of the low-energy training images (`CEMSynthLib.training.fingerprint.fingerprint`), sorted; coarse pictures by
        which an image is known again after resaving.
    patient_hashes
        HMAC-SHA-256 of the patient identifiers on both sides under a key that stays with who trained, sorted.
    curves
        One row for each epoch: losses and validation figures.
    """

    description: str
    simulated_only: bool
    simulator: str | None
    seeds: tuple[int, ...]
    training_patients: int
    validation_patients: int
    training_images: int
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    selection: str = ""
    image_sha256: tuple[str, ...] = ()
    image_fingerprints: tuple[str, ...] = ()
    patient_hashes: tuple[str, ...] = ()
    curves: tuple[Mapping[str, Scalar], ...] = ()


@dataclass(frozen=True)
class HeldOutMetrics:
    """A table over patients that were not used in training; one row for each image type, null baselines among them."""

    description: str
    rows: tuple[Mapping[str, Scalar], ...] = ()


@dataclass(frozen=True)
class ModelCard:
    """One generator.

    Parameters
    ----------
    name, version
        For provenance; texts.
    architecture
        The network.
    working_spacing_mm
        Pixel spacing of the network's input and output, both axes.
    median_breast_height_px
        Median height of the breast mask in the training images, in pixels of the working spacing. Images of unknown
        spacing are scaled to it.
    input_normalization, output_normalization
        Gray scale in and out.
    display_window
        VOI window of the synthetic image, recombined units.
    training
        What it learned from.
    metrics
        Held-out figures.
    license, intended_use, limits_of_use
        Texts for people.
    weights_sha256
        Of the file ``model.safetensors``, 64 hexadecimal digits.
    software
        Program name to version, at training.
    training_range
        Smallest and largest value of each of `image_statistics.NAMES` over the training images, widened; ``None``
        where not known.
    """

    name: str
    version: str
    architecture: Architecture
    working_spacing_mm: float
    median_breast_height_px: float
    input_normalization: InputNormalization
    output_normalization: OutputNormalization
    display_window: VOIWindow
    training: TrainingData
    metrics: HeldOutMetrics
    license: str
    intended_use: str
    limits_of_use: str
    weights_sha256: str
    software: Mapping[str, Scalar]
    training_range: Mapping[str, tuple[float, float]] | None = None

    def to_json(self) -> str:
        """The text of ``model.json`` (keys in the order of the fields, so that equal cards are equal files)."""
        return json.dumps({"format_version": FORMAT_VERSION, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def parse_card(record: object, file: Path) -> ModelCard:
    """Check what a JSON parser returned and make it a card.

    Parameters
    ----------
    record
        The parsed JSON.
    file
        Where it came from, for the messages.

    Raises
    ------
    ModelError
        A field is missing, unknown, of another type or outside its range; the sentence names file and field.
    """
    top = Fields(record, file)
    top.only("format_version", *ModelCard.__dataclass_fields__)
    if top.whole("format_version", 1) != FORMAT_VERSION:
        raise ModelError(
            f"The model card {file} has another format version than {FORMAT_VERSION}; use a newer CEMSynth."
        )
    sha256 = top.text("weights_sha256").lower()
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise ModelError(f"The model card {file} is malformed: weights_sha256 must be 64 hexadecimal digits.")
    return ModelCard(
        name=top.text("name"),
        version=top.text("version"),
        architecture=_architecture(top.inside("architecture")),
        working_spacing_mm=top.number("working_spacing_mm", above=0),
        median_breast_height_px=top.number("median_breast_height_px", above=0),
        input_normalization=_input(top.inside("input_normalization"), file),
        output_normalization=_output(top.inside("output_normalization"), file),
        display_window=_window(top.inside("display_window")),
        training=_training(top.inside("training")),
        metrics=_metrics(top.inside("metrics")),
        license=top.text("license"),
        intended_use=top.text("intended_use"),
        limits_of_use=top.text("limits_of_use"),
        weights_sha256=sha256,
        software=top.scalars("software"),
        training_range=top.ranges("training_range") if top.has("training_range") else None,
    )


def _architecture(part: Fields) -> Architecture:
    part.only(*Architecture.__dataclass_fields__)
    kind = part.choice("type", "resnet", "unet", "unet_pix2pix")
    return Architecture(
        type=kind,
        base_filters=part.whole("base_filters", 1, _WIDEST),
        depth=part.whole("depth", 1, _DEEPEST[kind]),
        norm=part.choice("norm", "instance", "batch") if part.has("norm") else "instance",
        channels=part.whole("channels", 1) if part.has("channels") else 1,
    )


def _input(part: Fields, file: Path) -> InputNormalization:
    part.only("method", "low_quantile", "low_value", "high_quantile", "high_value", "air")
    made = InputNormalization(
        method=part.choice("method", "mask_quantiles"),
        low_quantile=part.number("low_quantile"),
        low_value=part.number("low_value"),
        high_quantile=part.number("high_quantile"),
        high_value=part.number("high_value"),
        air=part.number("air"),
    )
    if not 0 <= made.low_quantile < made.high_quantile <= 1 or made.low_value >= made.high_value:
        raise ModelError(f"The model card {file} is malformed: the quantiles of input_normalization are not in order.")
    return made


def _output(part: Fields, file: Path) -> OutputNormalization:
    part.only("low", "high", "air")
    made = OutputNormalization(low=part.number("low"), high=part.number("high"), air=part.number("air"))
    if made.low >= made.high:
        raise ModelError(f"The model card {file} is malformed: output_normalization.low must be below its high.")
    return made


def _window(part: Fields) -> VOIWindow:
    part.only("center", "width", "function")
    return VOIWindow(
        center=part.number("center"),
        width=part.number("width", above=0),
        function=part.choice("function", "LINEAR", "LINEAR_EXACT", "SIGMOID"),
    )


def _training(part: Fields) -> TrainingData:
    part.only(*TrainingData.__dataclass_fields__)
    return TrainingData(
        description=part.text("description"),
        simulated_only=part.flag("simulated_only"),
        simulator=part.optional_text("simulator"),
        seeds=part.wholes("seeds"),
        training_patients=part.whole("training_patients"),
        validation_patients=part.whole("validation_patients"),
        training_images=part.whole("training_images"),
        settings=part.scalars("settings"),
        selection=part.text("selection") if part.has("selection") else "",
        image_sha256=part.texts("image_sha256") if part.has("image_sha256") else (),
        image_fingerprints=part.texts("image_fingerprints") if part.has("image_fingerprints") else (),
        patient_hashes=part.texts("patient_hashes") if part.has("patient_hashes") else (),
        curves=part.rows("curves") if part.has("curves") else (),
    )


def _metrics(part: Fields) -> HeldOutMetrics:
    part.only("description", "rows")
    return HeldOutMetrics(description=part.text("description"), rows=part.rows("rows"))


def load_card(folder: Path) -> ModelCard:
    """Read the card of a model folder.

    Raises
    ------
    ModelError
        The folder or its card is missing, unreadable or malformed.
    """
    file = folder / CARD_FILE
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}; give a folder that holds {CARD_FILE} and {WEIGHTS_FILE}.")
    if not file.is_file():
        raise ModelError(f"The model folder {folder} holds no {CARD_FILE}, so nothing is known about its weights.")
    try:
        record: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"The model card {file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"The model card {file} is not valid JSON; get the model folder again.") from error
    return parse_card(record, file)


def read_weights(folder: Path, card: ModelCard) -> bytes:
    """Read the weights file once and check it, so that what was checked is what is used.

    Returns
    -------
    bytes
        The content of ``model.safetensors``.

    Raises
    ------
    ModelError
        The file is missing, unreadable, or its SHA-256 is not the card's.
    """
    file = folder / WEIGHTS_FILE
    if not file.is_file():
        raise ModelError(f"The model folder {folder} holds no {WEIGHTS_FILE}; get the model folder again.")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"The weights {file} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(content).hexdigest() != card.weights_sha256:
        raise ModelError(
            f"The weights {file} are not the ones its card names (SHA-256 differs); get the model folder again."
        )
    return content


def verify_weights(folder: Path, card: ModelCard) -> None:
    """Check the SHA-256 of the weights in ``folder`` against ``card``.

    Raises
    ------
    ModelError
        The weights are missing or others than the card names.
    """
    read_weights(folder, card)
