"""Polychromatic x-ray physics of CEM: detector signal behind tissue, the weight w, and iodine sensitivity.

The signal is ``I = sum_E S(E) exp(-sum_m mu_m(E) rho_m t_m)``, where S is the energy absorbed in the detector behind
the paddle alone. Spectra (spekpy) and coefficients (xraydb, Elam tables) come from a shipped table; tissue
compositions are those of Hammerstein et al., Radiology 1979. ``Resources/physics/make_physics_table.py`` makes the
table again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.spectra import DENSITIES, thinned, whole

FloatArray = NDArray[np.float64]

SKIN_CM = 0.3  # both skin layers together, in the reference slab
REFERENCE_GLANDULARITY = 0.2
CHUNK = 1 << 15  # pixels; 128 KB of float32 stay in the second-level cache


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
    titanium
        Path length in cm (biopsy clip).
    """

    adipose: NDArray[np.floating] | float
    glandular: NDArray[np.floating] | float
    skin: NDArray[np.floating] | float = SKIN_CM
    muscle: NDArray[np.floating] | float = 0.0
    calcification: NDArray[np.floating] | float = 0.0
    iodine: NDArray[np.floating] | float = 0.0
    titanium: NDArray[np.floating] | float = 0.0

    def column_densities(self) -> dict[str, FloatArray]:
        """Areal densities in g/cm2 by the name of the material (materials that are nowhere met are left out)."""
        found = {name: np.asarray(getattr(self, name)) * rho for name, rho in DENSITIES.items()}
        found["iodine"] = np.asarray(self.iodine) * 1e-3
        return {name: np.asarray(value, dtype=np.float64) for name, value in found.items() if np.any(value)}

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that all parts broadcast to."""
        return np.broadcast_shapes(*(np.shape(getattr(self, name)) for name in (*DENSITIES, "iodine")))


def slab(thickness_cm: float, glandularity: float = REFERENCE_GLANDULARITY, iodine: float = 0.0) -> Tissue:
    """A compressed breast of even thickness: 3 mm skin in all, the rest mixed by volume fraction ``glandularity``."""
    inner = thickness_cm - SKIN_CM
    if inner <= 0 or not 0 <= glandularity <= 1:
        raise PhantomError(
            f"a breast of {thickness_cm:g} cm with glandularity {glandularity:g} cannot be: the thickness must be "
            f"above {SKIN_CM:g} cm and the glandularity between 0 and 1"
        )
    return Tissue(adipose=inner * (1 - glandularity), glandular=inner * glandularity, iodine=iodine)


def log_signal(exposure: str, tissue: Tissue, *, every_energy: bool = False) -> FloatArray:
    """Natural logarithm of the primary signal relative to the signal with the paddle alone.

    Parameters
    ----------
    exposure
        Name of one exposure, e.g. ``"RhRh29"``.
    tissue
        What the rays meet.
    every_energy
        Take every energy of the table, not the few of `CEMSynthLib.phantom.spectra.thinned` (whose error is below
        0.0002 for breast and iodine).

    Returns
    -------
    ndarray of float64
        In the shape that the parts of ``tissue`` broadcast to; 0 in air.

    Raises
    ------
    PhantomError
        The exposure is not known.
    """
    spectrum = whole(exposure) if every_energy else thinned(exposure)
    densities, shape = tissue.column_densities(), tissue.shape
    signal = np.zeros(shape)
    for index, weight_here in enumerate(spectrum.weight):
        exponent = np.zeros(shape)
        for name, density in densities.items():
            exponent -= spectrum.mu[name][index] * density
        signal += weight_here * np.exp(exponent)
    return np.asarray(np.log(signal))


def signal_image(exposure: str, tissue: Tissue) -> NDArray[np.float32]:
    """The primary signal of a whole image relative to the signal with the paddle alone: 1 in air.

    As `log_signal`, but fast: single precision, a part of the image at a time (0.3 s for 3.3 million pixels where
    the same in double precision over whole arrays takes 3 s).

    Parameters
    ----------
    exposure
        Name of one exposure.
    tissue
        Arrays of one shape, or scalars.

    Returns
    -------
    ndarray of float32
        In that shape.
    """
    spectrum = thinned(exposure)
    scale = {name: np.float32(rho) for name, rho in DENSITIES.items()} | {"iodine": np.float32(1e-3)}
    parts = {name: np.broadcast_to(getattr(tissue, name), tissue.shape).reshape(-1) for name in scale}
    signal = np.empty(tissue.shape, dtype=np.float32)
    flat = signal.reshape(-1)
    exponent, product = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    for start in range(0, flat.size, CHUNK):
        here = flat[start : start + CHUNK]
        here[:] = 0
        used = slice(0, here.size)
        met = {
            name: part[start : start + CHUNK].astype(np.float32) * -scale[name]
            for name, part in parts.items()
            if part[start : start + CHUNK].any()
        }
        for index, weight_here in enumerate(spectrum.weight):
            exponent[used] = 0
            for name, density in met.items():
                np.multiply(density, np.float32(spectrum.mu[name][index]), out=product[used])
                exponent[used] += product[used]
            np.exp(exponent[used], out=product[used])
            product[used] *= np.float32(weight_here)
            here += product[used]
    return signal


def mean_energy(exposure: str, tissue: Tissue) -> float:
    """Energy in keV that each absorbed quantum brings behind ``tissue`` (scalars), the mean weighted by that energy.

    The variance of an energy-integrating detector's signal is the signal times this energy.
    """
    spectrum = whole(exposure)
    depth = sum(spectrum.mu[name] * float(t) for name, t in tissue.column_densities().items())
    return float(np.average(spectrum.energy_kev, weights=spectrum.weight * np.exp(-depth)))


def _change(exposure: str, one: Tissue, other: Tissue) -> float:
    return float(log_signal(exposure, one, every_energy=True) - log_signal(exposure, other, every_energy=True))


@lru_cache(maxsize=64)
def weight(pair: ExposurePair, thickness_cm: float) -> float:
    """The w of ``w ln(I_LE) - ln(I_HE)`` that nulls a small exchange of gland for fat at 20% glandularity."""
    step = 0.005
    more, less = slab(thickness_cm, REFERENCE_GLANDULARITY + step), slab(thickness_cm, REFERENCE_GLANDULARITY - step)
    return _change(pair.high_energy, more, less) / _change(pair.low_energy, more, less)


@lru_cache(maxsize=64)
def iodine_sensitivity(pair: ExposurePair, thickness_cm: float) -> float:
    """Ln units of the recombined image per mg iodine per cm2, for little iodine."""
    little = 0.1
    with_iodine, without = slab(thickness_cm, iodine=little), slab(thickness_cm)
    low, high = (_change(exposure, with_iodine, without) for exposure in (pair.low_energy, pair.high_energy))
    return (weight(pair, thickness_cm) * low - high) / little
