"""Spectra: the shipped tables of detector-weighted spectra and attenuation, whole or thinned to a few energies.

A spectrum is thinned by non-negative least squares: the few energies of the table, with new weights, that bring the
same signal as all energies behind breasts of 0 to 11 cm, 0 to 100% gland, 0 to 4 mg iodine per cm2, calcifications
and clips.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from CEMSynthLib.phantom.errors import PhantomError

FloatArray = NDArray[np.float64]

MOST_ENERGIES, THINNED_ERROR = 20, 2e-4

FOLDER = Path(__file__).parent / "tables"
TABLE = FOLDER / "physics.csv"
EXPOSURES = FOLDER / "exposures.csv"
# g/cm3; Hammerstein 1979, ICRU 44 (muscle). Calcification: hydroxyapatite.
DENSITIES: Mapping[str, float] = {
    "adipose": 0.93,
    "glandular": 1.04,
    "skin": 1.09,
    "muscle": 1.05,
    "calcification": 3.16,
    "titanium": 4.51,
}


@dataclass(frozen=True)
class Spectrum:
    """What a detector makes of a beam.

    Parameters
    ----------
    energy_kev
        Energies, shape (n,).
    weight
        Energy absorbed in the detector at each of them behind the paddle alone, as a share of all, shape (n,).
    mu
        Mass attenuation by the name of the material, cm2/g, shape (n,) each.
    """

    energy_kev: FloatArray
    weight: FloatArray
    mu: Mapping[str, FloatArray]


@cache
def _table() -> dict[str, FloatArray]:
    with TABLE.open(encoding="ascii") as lines:
        names = lines.readline().strip().split(",")
    values = np.loadtxt(TABLE, delimiter=",", skiprows=1)
    return dict(zip(names, values.T, strict=True))


@cache
def absorbed_kev_per_mm2_mgy(exposure: str) -> float:
    """Energy absorbed behind the paddle alone for each mGy of air kerma where the beam enters a breast of 5 cm."""
    rows = (line.split(",") for line in EXPOSURES.read_text(encoding="ascii").splitlines()[1:])
    values = {name: float(value) for name, value in rows}
    _known(exposure, values)
    return values[exposure]


def _known(exposure: str, names: Mapping[str, object]) -> None:
    if exposure not in names or exposure.startswith(("mu_", "energy")):
        exposures = ", ".join(n for n in _table() if not n.startswith(("mu_", "energy")))
        raise PhantomError(f"the exposure {exposure!r} is not known; choose one of {exposures}")


@cache
def whole(exposure: str) -> Spectrum:
    """Every energy of the table.

    Raises
    ------
    PhantomError
        The exposure is not known.
    """
    table = _table()
    _known(exposure, table)
    mu = {name: table[f"mu_{name}"] for name in (*DENSITIES, "iodine")}
    return Spectrum(table["energy_kev"], table[exposure], mu)


def _slabs() -> Iterator[dict[str, float]]:
    """Areal densities in g/cm2 that a thinned spectrum must do justice to."""
    for thickness, gland in product(
        (0.0, 0.15, 0.3, 0.6, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (0.0, 0.2, 0.5, 1.0)
    ):
        breast = {
            "adipose": DENSITIES["adipose"] * thickness * (1 - gland),
            "glandular": DENSITIES["glandular"] * thickness * gland,
        }
        yield breast
        for more in ({"iodine": 1e-3}, {"iodine": 4e-3}, {"calcification": 0.15}, {"titanium": 0.4}):
            yield breast | more


@cache
def thinned(exposure: str) -> Spectrum:
    """A few energies that do as the `whole` spectrum (8 to 12 energies; the tests state how well).

    Raises
    ------
    PhantomError
        The exposure is not known.
    """
    full = whole(exposure)
    depths = [sum(full.mu[name] * density for name, density in slab.items()) for slab in _slabs()]
    share = full.weight * np.exp(-np.array(depths))
    # Each case counts alike: the error is that of the logarithm.
    share /= share.sum(axis=1, keepdims=True)
    length = np.linalg.norm(share, axis=0)
    chosen: list[int] = []
    weights = np.zeros(0)
    left = np.ones(len(share))
    while len(chosen) < MOST_ENERGIES and np.abs(left).max() > THINNED_ERROR:
        # The energy that the rest of the error is most like, as in orthogonal matching pursuit.
        likeness = np.where(length > 1e-4, left @ share / np.maximum(length, 1e-30), -np.inf)
        likeness[chosen] = -np.inf
        chosen.append(int(np.argmax(likeness)))
        weights, _ = nnls(share[:, chosen], np.ones(len(share)))
        left = 1 - share[:, chosen] @ weights
    kept, factors = np.array(chosen)[weights > 0], weights[weights > 0]
    return Spectrum(
        full.energy_kev[kept], factors * full.weight[kept], {name: mu[kept] for name, mu in full.mu.items()}
    )
