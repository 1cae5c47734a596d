"""Polychromatic x-ray physics of CEM: detector signal behind tissue, the weight w, and iodine sensitivity.

The signal is ``I = sum_E S(E) exp(-sum_m mu_m(E) rho_m t_m)``, where S is the energy absorbed in the detector behind
the paddle alone. Spectra (spekpy) and coefficients (xraydb, Elam tables) come from a shipped table; tissue
compositions are those of Hammerstein et al., Radiology 1979. ``Resources/physics/make_physics_table.py`` makes the
table again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.errors import PhantomError

FloatArray = NDArray[np.float64]

TABLE = Path(__file__).parent / "tables" / "physics.csv"
IODINE_K_EDGE_KEV = 33.17
# g/cm3; Hammerstein 1979, ICRU 44 (muscle). Calcification: hydroxyapatite.
DENSITIES = {"adipose": 0.93, "glandular": 1.04, "skin": 1.09, "muscle": 1.05, "calcification": 3.16}
SKIN_CM = 0.3  # both skin layers together, in the reference slab
REFERENCE_GLANDULARITY = 0.2


@dataclass(frozen=True)
class ExposurePair:
    """A low-energy and a high-energy exposure that belong together."""

    name: str
    low_energy: str
    high_energy: str
    low_kvp: float
    high_kvp: float
    anode: str
    low_filter: str
    high_filter: str
    detector: str


PAIRS: Mapping[str, ExposurePair] = {
    pair.name: pair
    for pair in (
        ExposurePair("RhRh29-RhCu49", "RhRh29", "RhCu49", 29, 49, "RHODIUM", "RHODIUM", "COPPER", "CsI"),
        ExposurePair("RhAg34-RhCu49", "RhAg34", "RhCu49", 34, 49, "RHODIUM", "SILVER", "COPPER", "CsI"),
        ExposurePair("WRh30-WCu49", "WRh30", "WCu49", 30, 49, "TUNGSTEN", "RHODIUM", "COPPER", "a-Se"),
        ExposurePair("WRh30-WTi49", "WRh30", "WTi49", 30, 49, "TUNGSTEN", "RHODIUM", "TITANIUM", "a-Se"),
    )
}


@dataclass(frozen=True)
class Tissue:
    """What one ray (or an array of rays) meets.

    Parameters
    ----------
    adipose, glandular, skin, muscle, calcification
        Path lengths in cm, at least 0; arrays of one shape, or scalars.
    iodine
        Areal density in mg/cm2.
    """

    adipose: FloatArray | float
    glandular: FloatArray | float
    skin: FloatArray | float = SKIN_CM
    muscle: FloatArray | float = 0.0
    calcification: FloatArray | float = 0.0
    iodine: FloatArray | float = 0.0

    def column_densities(self) -> dict[str, FloatArray]:
        """Areal densities in g/cm2 by the name of the material (materials that are nowhere met are left out)."""
        found = {name: np.asarray(getattr(self, name)) * rho for name, rho in DENSITIES.items()}
        found["iodine"] = np.asarray(self.iodine) * 1e-3
        return {name: np.asarray(value, dtype=np.float64) for name, value in found.items() if np.any(value)}


def slab(thickness_cm: float, glandularity: float = REFERENCE_GLANDULARITY, iodine: float = 0.0) -> Tissue:
    """A compressed breast of even thickness: 3 mm skin in all, the rest mixed by volume fraction ``glandularity``."""
    inner = thickness_cm - SKIN_CM
    if inner <= 0 or not 0 <= glandularity <= 1:
        raise PhantomError(
            f"a breast of {thickness_cm:g} cm with glandularity {glandularity:g} cannot be: the thickness must be "
            f"above {SKIN_CM:g} cm and the glandularity between 0 and 1"
        )
    return Tissue(adipose=inner * (1 - glandularity), glandular=inner * glandularity, iodine=iodine)


@cache
def _table() -> dict[str, FloatArray]:
    with TABLE.open(encoding="ascii") as lines:
        names = lines.readline().strip().split(",")
    values = np.loadtxt(TABLE, delimiter=",", skiprows=1)
    return dict(zip(names, values.T, strict=True))


@cache
def _energy_groups(exposure: str, groups: int) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Neighboring bins merged, finer where thin or thick breasts get their signal; never across the iodine K edge."""
    table = _table()
    if exposure not in table:
        raise PhantomError(f"the exposure {exposure!r} is not known; known pairs are {', '.join(PAIRS)}")
    mu = {name: table[f"mu_{name}"] for name in (*DENSITIES, "iodine")}

    def behind(thickness_cm: float) -> FloatArray:
        densities = slab(thickness_cm).column_densities()
        return np.asarray(table[exposure] * np.exp(-sum(mu[m] * t for m, t in densities.items())))

    share = np.mean([np.cumsum(b) / b.sum() for b in map(behind, (0.4, 1.5, 4.0, 8.0))], axis=0)
    label = np.minimum((share * groups).astype(int), groups - 1) + groups * (table["energy_kev"] > IODINE_K_EDGE_KEV)
    middle = behind(3.0)
    weights: list[float] = []
    grouped: dict[str, list[float]] = {name: [] for name in mu}
    for number in np.unique(label):
        inside = label == number
        densities = slab(3.0).column_densities()
        for name in mu:
            grouped[name].append(float(np.average(mu[name][inside], weights=middle[inside] + 1e-300)))
        # The group brings the same signal behind 3 cm of breast as its bins do.
        attenuation = np.exp(-sum(grouped[m][-1] * t for m, t in densities.items()))
        weights.append(float(middle[inside].sum() / attenuation))
    return np.array(weights), {name: np.array(values) for name, values in grouped.items()}


def log_signal(exposure: str, tissue: Tissue, groups: int | None = 20) -> FloatArray:
    """Natural logarithm of the primary signal relative to the signal with the paddle alone.

    Parameters
    ----------
    exposure
        Name of one exposure, e.g. ``"RhRh29"``.
    tissue
        What the rays meet.
    groups
        The energy bins are merged into about this many groups (error for 0.5 to 9 cm of breast: below 0.021 in LE,
        0.003 in HE); ``None`` takes every bin of the table.

    Returns
    -------
    ndarray of float64
        In the shape that the parts of ``tissue`` broadcast to; 0 in air.
    """
    if groups is None:
        table = _table()
        if exposure not in table:
            raise PhantomError(f"the exposure {exposure!r} is not known; known pairs are {', '.join(PAIRS)}")
        weights, mu = table[exposure], {name: table[f"mu_{name}"] for name in (*DENSITIES, "iodine")}
    else:
        weights, mu = _energy_groups(exposure, groups)
    densities = tissue.column_densities()
    signal = np.zeros(np.broadcast_shapes(*(d.shape for d in densities.values())) if densities else ())
    for index, weight in enumerate(weights):
        exponent = np.zeros_like(signal)
        for name, density in densities.items():
            exponent -= mu[name][index] * density
        signal += weight * np.exp(exponent)
    return np.asarray(np.log(signal))


def weight(pair: ExposurePair, thickness_cm: float) -> float:
    """The w of ``w ln(I_LE) - ln(I_HE)`` that nulls a small exchange of gland for fat at 20% glandularity."""
    step = 0.005
    more, less = slab(thickness_cm, REFERENCE_GLANDULARITY + step), slab(thickness_cm, REFERENCE_GLANDULARITY - step)
    high = log_signal(pair.high_energy, more, None) - log_signal(pair.high_energy, less, None)
    low = log_signal(pair.low_energy, more, None) - log_signal(pair.low_energy, less, None)
    return float(high / low)


def iodine_sensitivity(pair: ExposurePair, thickness_cm: float) -> float:
    """Ln units of the recombined image per mg iodine per cm2, for little iodine."""
    w, little = weight(pair, thickness_cm), 0.1
    with_iodine, without = slab(thickness_cm, iodine=little), slab(thickness_cm)
    low = log_signal(pair.low_energy, with_iodine, None) - log_signal(pair.low_energy, without, None)
    high = log_signal(pair.high_energy, with_iodine, None) - log_signal(pair.high_energy, without, None)
    return float((w * low - high) / little)
