"""A model card, and a breast drawn from known formulas."""

from dataclasses import dataclass

import numpy as np
import pytest

from CEMSynthLib.generator.card import (
    Architecture,
    HeldOutMetrics,
    InputNormalization,
    ModelCard,
    OutputNormalization,
    TrainingData,
)
from CEMSynthLib.study.model import VOIWindow


@pytest.fixture
def card() -> ModelCard:
    return ModelCard(
        name="test",
        version="1",
        architecture=Architecture("resnet", base_filters=4, depth=2),
        working_spacing_mm=0.8,
        median_breast_height_px=100.0,
        input_normalization=InputNormalization(),
        output_normalization=OutputNormalization(low=1900.0, high=2300.0, air=0.0),
        display_window=VOIWindow(2105.0, 380.0),
        training=TrainingData("made up", True, "test simulator", (1, 2), 10, 2, 40, {"epochs": 3, "device": "cpu"}),
        metrics=HeldOutMetrics(
            "made up", ({"image": "synthetic", "masked_mae": 0.1}, {"image": "flat", "masked_mae": 0.2})
        ),
        license="Apache-2.0",
        intended_use="tests",
        limits_of_use="not for diagnosis",
        weights_sha256="0" * 64,
        software={"torch": "2"},
    )


@dataclass(frozen=True)
class Breast:
    """Pixels of a half ellipse at the chest wall, and its mask."""

    pixels: np.ndarray
    mask: np.ndarray
    spacing: tuple[float, float]


def draw_breast(
    shape: tuple[int, int] = (320, 240), spacing: tuple[float, float] = (0.4, 0.4), right: bool = False, seed: int = 0
) -> Breast:
    """A smooth pattern of a few sine waves on 1500 units, air 0; chest wall left, or right where asked."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    mask = ((y - 0.52 * shape[0]) / (0.4 * shape[0])) ** 2 + (x / (0.8 * shape[1])) ** 2 < 1
    waves = sum(
        np.sin(2 * np.pi * (fy * y / shape[0] + fx * x / shape[1]) + phase)
        for fy, fx, phase in zip(random.uniform(1, 4, 4), random.uniform(1, 3, 4), random.uniform(0, 6, 4), strict=True)
    )
    pixels = np.where(mask, 1500 + 100 * waves, 0).astype(np.float32)
    if right:
        pixels, mask = pixels[:, ::-1].copy(), mask[:, ::-1].copy()
    return Breast(pixels, mask, spacing)


@pytest.fixture
def breast() -> Breast:
    return draw_breast()


@pytest.fixture
def make_breast():
    return draw_breast
