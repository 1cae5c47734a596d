"""Which lesions a patient has: the label first, then size, descriptors and iodine from distributions that overlap.

The distributions and their sources are those of `lesion_rates`.
"""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from CEMSynthLib.phantom.lesion_place import Room, find_place
from CEMSynthLib.phantom.lesion_plan import (
    Conspicuity,
    LesionKind,
    LesionPlan,
    Margin,
    MassShape,
    Pattern,
)
from CEMSynthLib.phantom.lesion_rates import (
    AFFECTED,
    BENIGN,
    BOTH,
    CANCERS,
    CONSPICUITY_LIMITS,
    ENHANCING_CYST_IODINE,
    IODINE_RANGE,
    MALIGNANT,
    NON_MASS_RADIUS,
    OTHERS,
    THICKNESS_SHARE,
    Distributions,
)

_T = TypeVar("_T")


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
        pattern, iodine = Pattern.RIM, float(rng.uniform(*ENHANCING_CYST_IODINE))
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
