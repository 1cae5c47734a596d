"""Who is simulated: body habitus, breast density, background enhancement, lesions and equipment of one patient."""

from dataclasses import dataclass

import numpy as np

from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.physics import PAIRS, ExposurePair

MAX_LESIONS = 3
# Iodine concentration of glandular tissue, mg per ml, for BPE minimal, mild, moderate, marked; and the share of women
# with each (68-90% have minimal or mild BPE).
BPE_IODINE = {"a": 0.03, "b": 0.10, "c": 0.22, "d": 0.40}
BPE_SHARE = {"a": 0.42, "b": 0.36, "c": 0.15, "d": 0.07}


@dataclass(frozen=True)
class LesionPlan:
    """A lesion before it is placed in the views.

    Parameters
    ----------
    laterality
        ``"L"`` or ``"R"``.
    radius_mm
        Mean radius.
    depth, height
        Place in the breast: share of the way from chest wall to nipple; -1 to 1 from bottom to top, both in CC and
        MLO terms of this first simulator (the two views of a breast are not yet projections of one 3-D body).
    iodine
        Areal density at the center, mg/cm2; 0 does not enhance.
    density
        Share of the column's tissue that the lesion's center turns to gland (0: not seen on LE but for its iodine).
    rim
        Rim instead of homogeneous uptake.
    spiculation
        0 round, 1 strongly spiculated.
    """

    laterality: str
    radius_mm: float
    depth: float
    height: float
    iodine: float
    density: float
    rim: bool
    spiculation: float


@dataclass(frozen=True)
class Patient:
    """Everything that is drawn once for a patient; lengths in cm unless the name says mm."""

    number: int
    seed: int
    pair: ExposurePair
    thickness_cc: float
    thickness_mlo: float
    half_height: float
    depth: float
    glandularity: float
    beta_cc: float
    beta_mlo: float
    bpe: str
    roll_off: float
    compensation_error: float
    tilt: float
    scatter_left: float
    noise: float
    nodularity: float
    lesions: tuple[LesionPlan, ...]

    @property
    def bpe_iodine(self) -> float:
        """Iodine in glandular tissue, mg/ml."""
        return BPE_IODINE[self.bpe]


def patient_generator(seed: int, number: int, *more: int) -> np.random.Generator:
    """The random source of one patient (and of one of its views): depends on nothing but the numbers given."""
    return np.random.default_rng(np.random.SeedSequence([seed, number, *more]))


def draw_patient(seed: int, number: int) -> Patient:
    """Draw one patient.

    Thickness 5.9 +- 1.6 cm and volumetric glandularity with mean 19% and 95% below 45% follow Yaffe et al., Med Phys
    2009; the texture exponent beta is 3.17 +- 0.23 (CC) and 3.30 +- 0.24 (MLO).

    Raises
    ------
    PhantomError
        ``seed`` or ``number`` is negative.
    """
    if seed < 0 or number < 0:
        raise PhantomError(f"seed and patient number must not be negative (got {seed} and {number})")
    rng = patient_generator(seed, number)
    thickness = float(np.clip(rng.normal(5.9, 1.6), 2.5, 9.5))
    size = float(np.clip(rng.normal(1.0, 0.13) * (thickness / 5.9) ** 0.35, 0.68, 1.28))
    glandularity = float(np.clip(rng.lognormal(np.log(0.165), 0.52), 0.04, 0.45))
    pair = PAIRS[str(rng.choice(list(PAIRS), p=[0.45, 0.25, 0.15, 0.15]))]
    bpe = str(rng.choice(list(BPE_SHARE), p=list(BPE_SHARE.values())))
    lesions = tuple(_draw_lesion(rng) for _ in range(int(rng.choice([0, 1, 2, MAX_LESIONS], p=[0.25, 0.45, 0.2, 0.1]))))
    return Patient(
        number=number,
        seed=seed,
        pair=pair,
        thickness_cc=thickness,
        thickness_mlo=float(np.clip(thickness * rng.normal(1.05, 0.06), 2.5, 10)),
        half_height=float(9.8 * size * rng.normal(1, 0.06)),
        depth=float(10.2 * size * rng.normal(1, 0.09)),
        glandularity=glandularity,
        beta_cc=float(np.clip(rng.normal(3.17, 0.23), 2.5, 3.9)),
        beta_mlo=float(np.clip(rng.normal(3.30, 0.24), 2.5, 3.9)),
        bpe=bpe,
        roll_off=float(np.clip(rng.normal(0.80, 0.12), 0.5, 1.15)),
        compensation_error=float(rng.normal(0.045, 0.032)),
        tilt=float(rng.normal(0.016, 0.018)),
        scatter_left=float(np.clip(rng.normal(0.07, 0.04), 0, 0.25)),
        noise=float(np.clip(rng.lognormal(0, 0.25), 0.5, 2.0)),
        nodularity=float(rng.uniform(0, 1)),
        lesions=lesions,
    )


def _draw_lesion(rng: np.random.Generator) -> LesionPlan:
    enhances = rng.random() < 0.8
    visible = rng.random() < (0.65 if enhances else 1.0)
    return LesionPlan(
        laterality=str(rng.choice(["L", "R"])),
        radius_mm=float(np.clip(rng.lognormal(np.log(5.5), 0.4), 2.8, 14.0)),
        depth=float(rng.uniform(0.3, 0.8)),
        height=float(rng.uniform(-0.6, 0.6)),
        iodine=float(rng.uniform(0.2, 2.0)) if enhances else 0.0,
        density=float(rng.uniform(0.3, 0.75)) if visible else float(rng.uniform(0.0, 0.08)),
        rim=bool(rng.random() < 0.3),
        spiculation=float(rng.uniform(0, 1) * (rng.random() < 0.6)),
    )
