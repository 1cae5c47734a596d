"""Who is simulated: body habitus, breast density, background enhancement, lesions and technique of one patient."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.lesion_draw import draw_lesions
from CEMSynthLib.phantom.lesion_plan import LesionPlan
from CEMSynthLib.phantom.random_source import Stream, generator
from CEMSynthLib.phantom.technique import Technique, draw_technique

LATERALITIES = ("L", "R")
POSITIONS = ("CC", "MLO")
# Iodine concentration of glandular tissue, mg per ml, for BPE minimal, mild, moderate, marked; and the share of women
# with each (68-90% have minimal or mild BPE).
BPE_IODINE = {"a": 0.03, "b": 0.10, "c": 0.22, "d": 0.40}
BPE_SHARE = {"a": 0.42, "b": 0.36, "c": 0.15, "d": 0.07}


@dataclass(frozen=True)
class Patient:
    """Everything that is drawn once for a patient.

    Parameters
    ----------
    number, seed
        The patient depends on nothing else (and on the version of the simulator).
    thickness_cc, thickness_mlo
        Compressed thickness of the flat part, cm, 1 to 15.
    half_height, depth
        Half the height along the chest wall and the distance from chest wall to nipple in CC, cm.
    glandularity
        Volumetric, without skin, 0 to 1.
    beta_cc, beta_mlo
        Exponent of the texture's power spectrum.
    bpe
        Background parenchymal enhancement, a-d.
    roll_off
        Radius of the rounded free edge, in half thicknesses.
    tilt
        Of the flexible paddle: relative change of thickness from the middle to the nipple.
    nodularity
        0 strands in fat, 1 nodular gland.
    mlo_angle_deg
        Angle of the C-arm in MLO, from the vertical.
    lesions, technique
        See there.

    Raises
    ------
    PhantomError
        Such a breast cannot be.
    """

    number: int
    seed: int
    thickness_cc: float
    thickness_mlo: float
    half_height: float
    depth: float
    glandularity: float
    beta_cc: float
    beta_mlo: float
    bpe: str
    roll_off: float
    tilt: float
    nodularity: float
    mlo_angle_deg: float
    lesions: tuple[LesionPlan, ...]
    technique: Technique

    def __post_init__(self) -> None:
        for name, low, high in (
            ("thickness_cc", 1, 15),
            ("thickness_mlo", 1, 15),
            ("half_height", 2, 15),
            ("depth", 2, 20),
            ("glandularity", 0, 1),
            ("roll_off", 0.1, 2),
            ("mlo_angle_deg", 30, 75),
        ):
            if not low <= getattr(self, name) <= high:
                raise PhantomError(
                    f"a breast with {name.replace('_', ' ')} {getattr(self, name):g} cannot be: choose {low} to {high}"
                )
        if self.bpe not in BPE_IODINE:
            raise PhantomError(f"BPE {self.bpe!r} is not known: choose a, b, c or d")

    @property
    def bpe_iodine(self) -> float:
        """Iodine in glandular tissue, mg/ml."""
        return BPE_IODINE[self.bpe]

    def thickness(self, position: str) -> float:
        """Compressed thickness of the flat part in CC or MLO, cm."""
        return self.thickness_mlo if position == "MLO" else self.thickness_cc

    def beta(self, position: str) -> float:
        """Texture exponent in CC or MLO."""
        return self.beta_mlo if position == "MLO" else self.beta_cc


def draw_patient(seed: int, number: int, positive: Mapping[str, bool | None] | None = None) -> Patient:
    """Draw one patient; ``positive`` as in `draw_lesions`.

    Thickness 5.9 +- 1.6 cm and volumetric glandularity with mean 19% and 95% below 45% follow Yaffe et al., Med Phys
    2009; the texture exponent beta is 3.17 +- 0.23 (CC) and 3.30 +- 0.24 (MLO).

    Raises
    ------
    PhantomError
        ``seed`` or ``number`` is negative.
    """
    if seed < 0 or number < 0:
        raise PhantomError(f"seed and patient number must not be negative (got {seed} and {number})")
    rng = generator(seed, number, Stream.PATIENT)
    thickness = float(np.clip(rng.normal(5.9, 1.6), 2.5, 9.5))
    size = float(np.clip(rng.normal(1.0, 0.13) * (thickness / 5.9) ** 0.35, 0.68, 1.28))
    half_height = float(np.clip(9.8 * size * rng.normal(1, 0.06), 6.0, 14.0))
    depth = float(np.clip(10.2 * size * rng.normal(1, 0.09), 5.0, 16.0))
    return Patient(
        number=number,
        seed=seed,
        thickness_cc=thickness,
        thickness_mlo=float(np.clip(thickness * rng.normal(1.05, 0.06), 2.5, 10)),
        half_height=half_height,
        depth=depth,
        glandularity=float(np.clip(rng.lognormal(np.log(0.165), 0.52), 0.04, 0.45)),
        beta_cc=float(np.clip(rng.normal(3.17, 0.23), 2.5, 3.9)),
        beta_mlo=float(np.clip(rng.normal(3.30, 0.24), 2.5, 3.9)),
        bpe=str(rng.choice(list(BPE_SHARE), p=list(BPE_SHARE.values()))),
        roll_off=float(np.clip(rng.normal(0.80, 0.12), 0.5, 1.15)),
        tilt=float(np.clip(rng.normal(0.014, 0.022), -0.025, 0.045)),
        nodularity=float(rng.uniform(0, 1)),
        mlo_angle_deg=(mlo_angle := float(rng.uniform(40, 55))),
        lesions=draw_lesions(
            generator(seed, number, Stream.FINDINGS), 10 * depth, 10 * half_height, mlo_angle, positive, 10 * thickness
        ),
        technique=draw_technique(generator(seed, number, Stream.TECHNIQUE)),
    )
