"""Which lesions a patient has: the label first, then size, descriptors and iodine from distributions that overlap.

Published rates, for lesions that were sent to biopsy:

- 197 of 200 cancers and 51 of 109 benign lesions enhance (Emory et al., J Breast Imaging 2023;5:40).
- Of 261 enhancing lesions 81 were non-mass, 52 of these malignant; an irregular shape has a positive predictive value
  of 92.4% at a prevalence of 73.9%, a margin that is not circumscribed an odds ratio of 55 and a positive likelihood
  ratio of 4.77 (Kamal et al., Br J Radiol 2016;89:20160157).
- 21% of cancers show rim enhancement (96% of such lesions are cancers), 64% of cancers and 14% of benign lesions high
  conspicuity (136 lesions; "Diagnostic value of qualitative and quantitative enhancement parameters on
  contrast-enhanced mammography").
- Area under the ROC curve of enhancement alone: 0.83 (Diagnostics 2023;13:754), 0.88 (Deng et al., Br J Radiol 2018).

The numbers below reproduce these; what is not told there (sizes, iodine concentrations, shares of pattern and
distribution, how many lesions a breast has) was chosen to look plausible and to give that area under the curve.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from CEMSynthLib.phantom.lesion_place import Room, find_place
from CEMSynthLib.phantom.lesion_plan import (
    Conspicuity,
    Distribution,
    LesionKind,
    LesionPlan,
    Margin,
    MassShape,
    Pattern,
)

# Of a patient of the default cohort: the affected breast has cancer, and so has the other one.
AFFECTED, BOTH = 0.6, 0.06
# Cancers in a breast that has one, other findings in any breast.
CANCERS = {1: 0.78, 2: 0.17, 3: 0.05}
OTHERS = {0: 0.55, 1: 0.33, 2: 0.12}
#: mg/cm2, of lesions that enhance.
IODINE_RANGE = (0.2, 2.0)
#: mg/cm2, between low, moderate and high conspicuity.
CONSPICUITY_LIMITS = (0.40, 0.70)
_ENHANCING_CYST = (0.2, 0.4)
#: Diameter of a mass over the thickness of the breast, at most.
THICKNESS_SHARE = 0.75

_T = TypeVar("_T")


@dataclass(frozen=True)
class Distributions:
    """What is drawn given the label.

    Parameters
    ----------
    kinds
        Share of each kind.
    enhances
        Probability by kind.
    seen
        Probability to be seen on LE, by kind.
    not_circumscribed, spiculated
        Of masses; spiculated among those that are not circumscribed.
    irregular
        Probability of an irregular shape with a circumscribed margin, and without.
    mass_patterns, non_mass_patterns, distributions
        Shares.
    radius_mm, concentration
        Median and standard deviation of the logarithm: of the radius of masses; of iodine in mg/ml, which times the
        diameter is the areal density of a mass.
    non_mass_iodine
        The same of the areal density of non-mass enhancement, mg/cm2.
    """

    kinds: Mapping[LesionKind, float]
    enhances: Mapping[LesionKind, float]
    seen: Mapping[LesionKind, float]
    not_circumscribed: float
    spiculated: float
    irregular: tuple[float, float]
    mass_patterns: Mapping[Pattern, float]
    non_mass_patterns: Mapping[Pattern, float]
    distributions: Mapping[Distribution, float]
    radius_mm: tuple[float, float]
    concentration: tuple[float, float]
    non_mass_iodine: tuple[float, float]


MALIGNANT = Distributions(
    kinds={LesionKind.MASS: 0.73, LesionKind.NON_MASS: 0.27},
    enhances={LesionKind.MASS: 0.985, LesionKind.NON_MASS: 1.0},
    seen={LesionKind.MASS: 0.82, LesionKind.NON_MASS: 0.35},
    not_circumscribed=0.92,
    spiculated=0.5,
    irregular=(0.25, 0.73),
    mass_patterns={Pattern.HOMOGENEOUS: 0.30, Pattern.HETEROGENEOUS: 0.49, Pattern.RIM: 0.21},
    non_mass_patterns={Pattern.HOMOGENEOUS: 0.15, Pattern.HETEROGENEOUS: 0.40, Pattern.CLUMPED: 0.45},
    distributions={
        Distribution.FOCAL: 0.25,
        Distribution.LINEAR: 0.20,
        Distribution.SEGMENTAL: 0.40,
        Distribution.REGIONAL: 0.15,
    },
    radius_mm=(7.5, 0.38),
    concentration=(0.72, 0.50),
    non_mass_iodine=(0.58, 0.45),
)
BENIGN = Distributions(
    kinds={LesionKind.MASS: 0.48, LesionKind.NON_MASS: 0.17, LesionKind.CYST: 0.25, LesionKind.SCAR: 0.10},
    enhances={LesionKind.MASS: 0.55, LesionKind.NON_MASS: 1.0, LesionKind.CYST: 0.10, LesionKind.SCAR: 0.15},
    seen={LesionKind.MASS: 0.80, LesionKind.NON_MASS: 0.20, LesionKind.CYST: 1.0, LesionKind.SCAR: 1.0},
    not_circumscribed=0.19,
    spiculated=0.2,
    irregular=(0.09, 0.45),
    mass_patterns={Pattern.HOMOGENEOUS: 0.62, Pattern.HETEROGENEOUS: 0.35, Pattern.RIM: 0.03},
    non_mass_patterns={Pattern.HOMOGENEOUS: 0.55, Pattern.HETEROGENEOUS: 0.33, Pattern.CLUMPED: 0.12},
    distributions={
        Distribution.FOCAL: 0.40,
        Distribution.LINEAR: 0.07,
        Distribution.SEGMENTAL: 0.13,
        Distribution.REGIONAL: 0.40,
    },
    radius_mm=(5.5, 0.40),
    concentration=(0.60, 0.50),
    non_mass_iodine=(0.45, 0.45),
)
# Half the length of non-mass enhancement, mm, from and to.
NON_MASS_RADIUS = {
    Distribution.FOCAL: (5.0, 10.0),
    Distribution.LINEAR: (7.0, 16.0),
    Distribution.SEGMENTAL: (11.0, 22.0),
    Distribution.REGIONAL: (13.0, 24.0),
}


def _pick(rng: np.random.Generator, shares: Mapping[_T, float]) -> _T:
    return list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]


def _lognormal(rng: np.random.Generator, law: tuple[float, float], low: float, high: float) -> float:
    return float(np.clip(rng.lognormal(np.log(law[0]), law[1]), low, high))


def _conspicuity(rng: np.random.Generator, iodine: float) -> Conspicuity:
    # Readers differ a little.
    seen = iodine * float(rng.lognormal(0, 0.15))
    low, high = CONSPICUITY_LIMITS
    return Conspicuity.LOW if seen < low else Conspicuity.MODERATE if seen < high else Conspicuity.HIGH


def _mass_form(rng: np.random.Generator, law: Distributions, kind: LesionKind) -> tuple[MassShape, Margin, bool]:
    if kind is LesionKind.SCAR:
        return MassShape.IRREGULAR, Margin.SPICULATED, False
    smooth = kind is LesionKind.CYST or rng.random() >= law.not_circumscribed
    irregular = kind is LesionKind.MASS and rng.random() < law.irregular[0 if smooth else 1]
    shape = MassShape.IRREGULAR if irregular else MassShape.OVAL if rng.random() < 0.65 else MassShape.ROUND
    margin = (
        Margin.CIRCUMSCRIBED if smooth else Margin.SPICULATED if rng.random() < law.spiculated else Margin.IRREGULAR
    )
    return shape, margin, shape is MassShape.OVAL and kind is LesionKind.MASS and bool(rng.random() < 0.4)


def _spread(kind: LesionKind, margin: Margin | None) -> float:
    """What a lesion keeps free of other lesions, in radii: with its lobes and half its spicules."""
    return 1.0 if kind is LesionKind.NON_MASS else 1.6 if margin is Margin.SPICULATED else 1.25


def _draw_lesion(
    rng: np.random.Generator,
    laterality: str,
    malignant: bool,
    must_enhance: bool,
    room: Room,
    largest: float,
    taken: list[LesionPlan],
) -> LesionPlan | None:
    law = MALIGNANT if malignant else BENIGN
    kind = _pick(rng, law.kinds)
    enhances = rng.random() < law.enhances[kind] or must_enhance
    seen = rng.random() < law.seen[kind] or not enhances
    shape, margin, lobulated, distribution = None, None, False, None
    if kind is LesionKind.NON_MASS:
        distribution = _pick(rng, law.distributions)
        radius = float(rng.uniform(*NON_MASS_RADIUS[distribution]))
    else:
        shape, margin, lobulated = _mass_form(rng, law, kind)
        radius = min(_lognormal(rng, law.radius_mm, 2.5, 15.0), largest)
    occupied = [(np.array(plan.center_mm), _spread(plan.kind, plan.margin) * plan.radius_mm) for plan in taken]
    found = find_place(rng, room, radius, _spread(kind, margin), occupied)
    if found is None:
        return None
    place, radius = found
    pattern, iodine = None, 0.0
    if enhances and kind is LesionKind.NON_MASS:
        pattern, iodine = _pick(rng, law.non_mass_patterns), _lognormal(rng, law.non_mass_iodine, *IODINE_RANGE)
    elif enhances and kind is LesionKind.CYST:
        pattern, iodine = Pattern.RIM, float(rng.uniform(*_ENHANCING_CYST))
    elif enhances:
        pattern = _pick(rng, law.mass_patterns)
        iodine = float(np.clip(_lognormal(rng, law.concentration, 0.1, 4.0) * 2 * radius / 10, *IODINE_RANGE))
    low, high = (0.15, 0.45) if kind is LesionKind.NON_MASS else (0.7, 1.0)
    return LesionPlan(
        laterality=laterality,
        center_mm=(float(place[0]), float(place[1]), float(place[2])),
        radius_mm=radius,
        iodine=iodine,
        density=float(rng.uniform(low, high)) if seen else 0.0,
        kind=kind,
        malignant=malignant,
        shape=shape,
        margin=margin,
        lobulated=lobulated,
        pattern=pattern,
        distribution=distribution,
        conspicuity=_conspicuity(rng, iodine) if enhances else None,
    )


def draw_lesions(
    rng: np.random.Generator,
    depth_mm: float,
    half_height_mm: float,
    mlo_angle_deg: float,
    positive: Mapping[str, bool | None] | None = None,
    thickness_mm: float = np.inf,
) -> tuple[LesionPlan, ...]:
    """Draw the lesions of a patient whose breasts have the given size.

    Parameters
    ----------
    rng
        Source of chance; made by `random_source.generator` (it is split, one part for each breast).
    depth_mm, half_height_mm, mlo_angle_deg
        See `Room`.
    positive
        By laterality: True has at least one malignant lesion that enhances, False has no malignant lesion, None (or
        not given) as drawn by the default rates.
    thickness_mm
        Of the compressed breast; masses stay within `THICKNESS_SHARE` of it, since they are not flattened.

    Returns
    -------
    tuple of LesionPlan
        Left breast first; in each breast malignant lesions first. Every lesion shows in CC and in MLO.
    """
    room, largest = Room(depth_mm, half_height_mm, mlo_angle_deg), THICKNESS_SHARE * thickness_mm / 2
    wanted = positive or {}
    first = "L" if rng.random() < 0.5 else "R"
    plans: list[LesionPlan] = []
    for laterality, own in zip(("L", "R"), rng.spawn(2), strict=True):
        has_cancer = own.random() < (AFFECTED if laterality == first else BOTH)
        if wanted.get(laterality) is not None:
            has_cancer = bool(wanted[laterality])
        cancers, others = _pick(own, CANCERS), _pick(own, OTHERS)
        breast: list[LesionPlan] = []
        for number in range((cancers if has_cancer else 0) + others):
            malignant = has_cancer and number < cancers
            plan = _draw_lesion(own, laterality, malignant, malignant and number == 0, room, largest, breast)
            if plan is not None:
                breast.append(plan)
        plans.extend(breast)
    return tuple(plans)
