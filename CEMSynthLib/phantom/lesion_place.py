"""Where lesions lie: drawn by quadrant, inside both views, found again in the other view as radiologists find it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.compression import Compression

FloatArray = NDArray[np.float64]

# Share of 980 cancers by place: (lateral sign, cranial sign), 0: behind the nipple. Rummel et al.,
# ecancermedicalscience 2015;9:552 (UOQ 51.5, UIQ 15.6, LOQ 14.2, central 10.6, LIQ 8.1%).
# Benign findings are drawn alike (chosen).
QUADRANTS = {(1, 1): 0.515, (-1, 1): 0.156, (1, -1): 0.142, (0, 0): 0.106, (-1, -1): 0.081}
#: CC and MLO agree within this in distance to the nipple and in depth, so that 10 mm hold after all.
AGREEMENT_MM = 8.0
#: Between a lesion and the skin, and between two lesions.
SKIN_MARGIN_MM = 6.0
APART_MM = 4.0
SMALLEST_MM = 2.5
# Outlines are drawn a little different from the nominal one (standard deviation 3 to 4%); a place is taken if it lies
# inside an outline this much smaller: depth; half height in CC and above the nipple in MLO; below the nipple in MLO.
SAFE_DEPTH, SAFE_HALF, SAFE_BELOW = 0.91, 0.85, 0.48
TRIES = 60


@dataclass(frozen=True)
class Room:
    """The breast as far as placing needs it.

    Parameters
    ----------
    depth_mm, half_height_mm
        From the nipple to the chest wall; half the height along the chest wall in CC.
    mlo_angle_deg
        Of the beam in MLO.
    """

    depth_mm: float
    half_height_mm: float
    mlo_angle_deg: float

    def views(self) -> tuple[Compression, Compression]:
        """CC and MLO with the nipple at (0, 0)."""
        return Compression(0.0, (0.0, 0.0)), Compression(self.mlo_angle_deg, (0.0, 0.0))

    def seen(self, place_mm: FloatArray) -> FloatArray:
        """(2, 2): rows CC and MLO, columns mm above the nipple on the image and mm behind it."""
        return -np.concatenate([view.project(place_mm[None]) for view in self.views()])

    def holds(self, place_mm: FloatArray, radius_mm: float) -> bool:
        """Whether a lesion shows whole in both views, at places that agree."""
        seen = self.seen(place_mm)
        reach = np.hypot(seen[:, 0], seen[:, 1])
        if abs(reach[0] - reach[1]) > AGREEMENT_MM or abs(seen[0, 1] - seen[1, 1]) > AGREEMENT_MM:
            return False
        margin = radius_mm + SKIN_MARGIN_MM
        depth = SAFE_DEPTH * self.depth_mm
        for row, (up, behind) in enumerate(seen):
            share = SAFE_BELOW if row == 1 and up < 0 else SAFE_HALF
            if not margin <= behind <= depth - radius_mm:
                return False
            # Height of an outline of exponents 2.2 and 0.55 (as drawn on average) at this depth.
            left = 1 - (behind - margin) / depth
            if abs(up) + margin > share * self.half_height_mm * (1 - left ** (1 / 0.55)) ** (1 / 2.2):
                return False
        return True


def _draw_place(rng: np.random.Generator, room: Room, quadrant: tuple[int, int]) -> FloatArray:
    if quadrant == (0, 0):
        aside = rng.normal(0, 0.07 * room.half_height_mm, 2)
        return np.array([room.depth_mm * rng.uniform(0.15, 0.5), *aside])
    away = room.half_height_mm * rng.uniform(0.15, 0.65)
    angle = rng.uniform(0.05, np.pi / 2 - 0.05)
    return np.array(
        [
            room.depth_mm * rng.uniform(0.2, 0.8),
            quadrant[0] * away * np.cos(angle),
            quadrant[1] * away * np.sin(angle),
        ]
    )


def _apart(room: Room, place_mm: FloatArray, radius_mm: float, taken: list[tuple[FloatArray, float]]) -> bool:
    seen = room.seen(place_mm)
    return all(
        bool((np.hypot(*(seen - room.seen(other)).T) > radius_mm + radius + APART_MM).all()) for other, radius in taken
    )


def find_place(
    rng: np.random.Generator,
    room: Room,
    radius_mm: float,
    spread: float,
    taken: list[tuple[FloatArray, float]],
    quadrant: tuple[int, int] | None = None,
) -> tuple[FloatArray, float] | None:
    """Place and radius of a lesion that shows in both views and overlaps none of ``taken`` in either.

    ``spread`` times the radius is kept free of other lesions; ``taken`` are places and such radii; ``quadrant`` is
    drawn from `QUADRANTS` where it is not given. A lesion that finds no place is drawn smaller, down to `SMALLEST_MM`.
    Where nothing is taken yet, there is always a place.

    Returns
    -------
    tuple of ndarray and float, or None
        (depth, lateral, cranial) in mm; the radius; ``None`` where other lesions leave no room.
    """
    if quadrant is None:
        quadrant = list(QUADRANTS)[int(rng.choice(len(QUADRANTS), p=list(QUADRANTS.values())))]
    radius = radius_mm
    while True:
        for _ in range(TRIES):
            place = _draw_place(rng, room, quadrant)
            if room.holds(place, radius) and _apart(room, place, spread * radius, taken):
                return place, radius
        if radius <= SMALLEST_MM:
            break
        radius = max(0.75 * radius, SMALLEST_MM)
    if taken:
        return None
    # Behind the nipple both views agree; half way to the chest wall of a tiny breast.
    size = min(room.depth_mm, room.half_height_mm)
    return np.array([0.5 * room.depth_mm, 0.0, 0.0]), min(radius, 0.15 * size)
