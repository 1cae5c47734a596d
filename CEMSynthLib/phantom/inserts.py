"""What else a breast may hold: calcifications, biopsy clips, lymph nodes; planned once for both of its views."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.calcifications import Calcification
from CEMSynthLib.phantom.clip import SHAPES
from CEMSynthLib.phantom.lesion_place import Room, find_place
from CEMSynthLib.phantom.lesion_plan import LesionKind, LesionPlan

FloatArray = NDArray[np.float64]


class InsertKind(StrEnum):
    """What an insert is."""

    CALCIFICATIONS = "calcifications"
    CLIP = "clip"
    LYMPH_NODE = "lymph node"


# How often, chosen: fine calcifications in cancers by kind of lesion, punctate ones in benign non-mass enhancement and
# masses, a coarse one in a benign mass that does not enhance (an old fibroadenoma); per breast: scattered, vascular,
# an intramammary and an axillary node. Clips: lesions that were biopsied before the examination.
FINE_IN_CANCER = {LesionKind.MASS: 0.30, LesionKind.NON_MASS: 0.55}
PUNCTATE_IN_BENIGN, COARSE_IN_BENIGN = 0.12, 0.20
CLIP_IN_CANCER, CLIP_IN_BENIGN = 0.30, 0.15
SCATTERED, VASCULAR, NODE_IN_BREAST, NODE_IN_AXILLA = 0.20, 0.08, 0.06, 0.40
#: Nodes that enhance mildly, and how much, mg/cm2 at the center.
NODE_ENHANCES, NODE_IODINE = 0.4, (0.15, 0.5)


@dataclass(frozen=True)
class InsertPlan:
    """An insert before it is seen.

    Parameters
    ----------
    kind, description
        What it is; the morphology of calcifications, the shape of a clip, the place of a node.
    center_mm
        (depth, lateral, cranial) in mm; of the lesion where it belongs to one.
    offset_mm
        From there, stiff with the lesion.
    size_mm
        Radius of a group or a node, half the length of a vessel.
    iodine
        Of a node, mg/cm2.
    lesion
        Number of the lesion that it belongs to, or ``None``.
    mlo_only
        In the axilla, which CC does not show.
    """

    kind: InsertKind
    description: str
    center_mm: tuple[float, float, float]
    offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    size_mm: float = 0.0
    iodine: float = 0.0
    lesion: int | None = None
    mlo_only: bool = False


@dataclass(frozen=True)
class Insert:
    """An insert in one view: the plan and the (y, x) in mm of its center and of its parts (calcifications), (n, 2)."""

    plan: InsertPlan
    center_mm: tuple[float, float]
    positions_mm: FloatArray


def _triple(values: FloatArray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _at_lesion(rng: np.random.Generator, number: int, lesion: LesionPlan) -> list[InsertPlan]:
    plans = []
    chance, biopsied, offset = rng.random(), rng.random(), rng.normal(0, 0.35 * min(lesion.radius_mm, 10.0), 3)
    reach = float(np.clip(lesion.radius_mm * rng.uniform(0.5, 0.9), 2.5, 10.0))
    morphology = None
    if lesion.malignant:
        morphology = Calcification.FINE_PLEOMORPHIC if chance < FINE_IN_CANCER.get(lesion.kind, 0.0) else None
    elif lesion.kind is LesionKind.MASS and not lesion.enhances:
        morphology = Calcification.COARSE if chance < COARSE_IN_BENIGN else None
    elif lesion.kind in (LesionKind.MASS, LesionKind.NON_MASS):
        morphology = Calcification.PUNCTATE if chance < PUNCTATE_IN_BENIGN else None
    if morphology is not None:
        plans.append(
            InsertPlan(
                InsertKind.CALCIFICATIONS,
                morphology,
                lesion.center_mm,
                size_mm=reach,
                lesion=number,
                offset_mm=_triple(0.5 * offset),
            )
        )
    may = lesion.kind in (LesionKind.MASS, LesionKind.NON_MASS)
    if may and biopsied < (CLIP_IN_CANCER if lesion.malignant else CLIP_IN_BENIGN):
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        plans.append(InsertPlan(InsertKind.CLIP, shape, lesion.center_mm, _triple(offset), lesion=number))
    return plans


def draw_inserts(
    rng: np.random.Generator, room: Room, lesions: tuple[tuple[int, LesionPlan], ...]
) -> tuple[InsertPlan, ...]:
    """Draw the inserts of one breast.

    Parameters
    ----------
    rng
        The same for both views of the breast.
    room
        Of the breast.
    lesions
        Number and plan of each lesion of this breast.
    """
    plans: list[InsertPlan] = []
    # What lies elsewhere does not depend on how many lesions there are.
    at_lesions, rng = rng.spawn(2)
    for number, lesion in lesions:
        plans.extend(_at_lesion(at_lesions, number, lesion))
    taken = [(np.array(lesion.center_mm), 1.3 * lesion.radius_mm) for _, lesion in lesions]
    for chance, kind, limits in (
        (SCATTERED, Calcification.ROUND, (8.0, 20.0)),
        (VASCULAR, Calcification.VASCULAR, (8.0, 20.0)),
    ):
        size = float(rng.uniform(*limits))
        if rng.random() < chance and (found := find_place(rng, room, 6.0, 1.0, taken)) is not None:
            plans.append(InsertPlan(InsertKind.CALCIFICATIONS, kind, _triple(found[0]), size_mm=size))
    for chance, axilla, limits in ((NODE_IN_BREAST, False, (2.5, 4.5)), (NODE_IN_AXILLA, True, (4.5, 9.0))):
        if rng.random() >= chance:
            continue
        size = float(rng.uniform(*limits))
        iodine = float(rng.uniform(*NODE_IODINE)) if rng.random() < NODE_ENHANCES else 0.0
        if axilla:
            # High up in the plane of the MLO view, near the chest wall.
            up, depth = room.half_height_mm * rng.uniform(0.95, 1.4), room.depth_mm * rng.uniform(0.74, 0.92)
            place = room.views()[1].axes.T @ np.array([depth, up, 0.0])
        else:
            found = find_place(rng, room, size, 1.0, taken, quadrant=(1, 1))
            if found is None or found[0][1] <= 0:
                continue
            place, size = found
        where = "axillary" if axilla else "intramammary"
        plans.append(
            InsertPlan(InsertKind.LYMPH_NODE, where, _triple(place), size_mm=size, iodine=iodine, mlo_only=axilla)
        )
    return tuple(plans)
