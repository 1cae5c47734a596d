"""How a patient is imaged: exposure pair, dose, motion, and how far the machine's corrections miss the truth."""

from dataclasses import dataclass

import numpy as np

from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.physics import PAIRS, ExposurePair

PAIR_SHARE = {"RhRh29-RhCu49": 0.45, "RhAg34-RhCu49": 0.25, "WRh30-WCu49": 0.15, "WRh30-WTi49": 0.15}
# Chosen: ripple is told as an occasional artifact of CEM, and breathing between the exposures moves a compressed
# breast by parts of a millimeter.
MOVED_SHARE = 0.15


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
        Factor on the standard deviation of the noise.
    motion_mm
        Largest displacement of tissue between LE and HE.
    shift_mm
        (y, x): shift of the whole HE image against LE.
    """

    pair: ExposurePair
    compensation_error: float
    scatter_left: float
    noise: float
    motion_mm: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not (-0.5 <= self.compensation_error <= 0.9 and -1 <= self.scatter_left <= 1):
            raise PhantomError("a compensation error must lie between -0.5 and 0.9 and the scatter left within -1 to 1")
        if not (0 <= self.noise <= 10 and 0 <= self.motion_mm <= 10 and max(map(abs, self.shift_mm)) <= 10):
            raise PhantomError("the noise factor must lie within 0 to 10, motion and shift within 10 mm")


def exposure_pair(name: str) -> ExposurePair:
    """The pair of that name.

    Raises
    ------
    PhantomError
        There is none.
    """
    if name not in PAIRS:
        raise PhantomError(f"the exposure pair {name!r} is not known: choose one of {', '.join(PAIRS)}")
    return PAIRS[name]


def draw_technique(rng: np.random.Generator) -> Technique:
    """Draw equipment and its imperfections.

    The errors are chosen so that the halo is graded present in about half of the images, with a step that is like that
    of the public real pairs where it is: half of the machines know the rounding of the edge well, half assume it too
    small.
    """
    pair = PAIRS[str(rng.choice(list(PAIR_SHARE), p=list(PAIR_SHARE.values())))]
    coarse, error = rng.uniform() < 0.5, rng.normal()
    left, noise = rng.normal(0.14, 0.06), rng.lognormal(0, 0.25)
    moves, amount = rng.uniform() < MOVED_SHARE, rng.uniform(0.2, 1.0)
    return Technique(
        pair=pair,
        compensation_error=float(np.clip(0.095 + 0.018 * error, 0.04, 0.14) if coarse else 0.012 * abs(error)),
        scatter_left=float(np.clip(left, 0, 0.35)),
        noise=float(np.clip(noise, 0.5, 2.0)),
        motion_mm=float(amount) if moves else 0.0,
    )
