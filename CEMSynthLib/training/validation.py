"""Validation: what tells a better state of a generator from a worse one, on patients that it does not learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from CEMSynthLib.study.model import FloatImage, VOIWindow
from CEMSynthLib.training.data import Pair


@dataclass(frozen=True)
class Verdict:
    """Figures by name, for the table; and ``rank``, compared from left to right: the smaller, the better."""

    figures: Mapping[str, float]
    rank: tuple[float, ...]


class Judge(Protocol):
    """Compares synthetic images with recombined ones on the working grid."""

    @property
    def selection(self) -> str:
        """The rule of ``rank`` as a sentence, for the model card."""

    def __call__(self, pairs: Sequence[Pair], synthetic: Sequence[FloatImage]) -> Verdict:
        """Compare; ``synthetic`` are in recombined units, shape of the pair."""


@dataclass(frozen=True)
class MeanAbsoluteError:
    """The mean over images of the mean absolute error in the breast, in units of the display window's width."""

    window: VOIWindow

    @property
    def selection(self) -> str:
        """The rule."""
        return "The lowest masked MAE (display window) on the validation patients."

    def __call__(self, pairs: Sequence[Pair], synthetic: Sequence[FloatImage]) -> Verdict:
        """Compare."""
        errors = []
        for pair, image in zip(pairs, synthetic, strict=True):
            difference = self.window.apply(image) - self.window.apply(pair.recombined)
            errors.append(float(np.abs(difference)[pair.mask].mean()))
        mae = float(np.mean(errors))
        return Verdict({"mae": mae}, (mae,))
