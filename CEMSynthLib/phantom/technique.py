"""How a patient is imaged: the exposure pair and how far the machine's corrections miss the truth."""

from dataclasses import dataclass

import numpy as np

from CEMSynthLib.phantom.physics import PAIRS, ExposurePair

PAIR_SHARE = {"RhRh29-RhCu49": 0.45, "RhAg34-RhCu49": 0.25, "WRh30-WCu49": 0.15, "WRh30-WTi49": 0.15}


@dataclass(frozen=True)
class Technique:
    """Equipment and its imperfections, the same for all views of a patient.

    Parameters
    ----------
    pair
        LE and HE exposure with their detector.
    compensation_error
        How much smaller than the true rounding of the free edge the assumed one is, as a share.
    scatter_left
        Share of the scatter that the correction leaves in; negative: more is taken away than there was.
    noise
        Factor on the quantum noise.
    """

    pair: ExposurePair
    compensation_error: float
    scatter_left: float
    noise: float


def draw_technique(rng: np.random.Generator) -> Technique:
    """Draw equipment and its imperfections."""
    pair = PAIRS[str(rng.choice(list(PAIR_SHARE), p=list(PAIR_SHARE.values())))]
    return Technique(
        pair=pair,
        compensation_error=float(rng.normal(0.045, 0.032)),
        scatter_left=float(np.clip(rng.normal(0.07, 0.04), 0, 0.25)),
        noise=float(np.clip(rng.lognormal(0, 0.25), 0.5, 2.0)),
    )
