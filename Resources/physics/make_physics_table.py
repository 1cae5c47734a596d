"""Make the simulator's tables again: attenuation, detector-weighted spectra, and how many quanta a dose brings.

Needs the extra ``tables`` (spekpy, xraydb); run from anywhere. ``CEMSynthLib/phantom/tables/physics.csv``: one row an
energy bin of 0.5 keV; mass attenuation in cm2/g, then for each exposure the energy absorbed in the detector per bin
with nothing but the paddle in the beam, scaled to sum 1. ``exposures.csv``: one row an exposure; the energy that the
detector absorbs with nothing but the paddle in the beam, in keV per mm2 for each mGy of air kerma where the beam
enters a breast of 5 cm.
"""

from pathlib import Path

import numpy as np
import spekpy
import xraydb

STEP_KEV = 0.5
# Mass fractions and densities (g/cm3): Hammerstein et al., Radiology 1979; ash is taken as the mean of P, S, K, Ca.
ASH = {"P": 0.25, "S": 0.25, "K": 0.25, "Ca": 0.25}
TISSUES = {
    "adipose": ({"H": 0.112, "C": 0.619, "N": 0.017, "O": 0.251}, 0.001),
    "glandular": ({"H": 0.102, "C": 0.184, "N": 0.032, "O": 0.677}, 0.005),
    "skin": ({"H": 0.098, "C": 0.178, "N": 0.050, "O": 0.667}, 0.007),
    # Skeletal muscle: ICRU report 44 (N raised to close the sum; S, Cl, K with the ash).
    "muscle": ({"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.710}, 0.011),
}
PMMA = {"H": 0.0805, "C": 0.5999, "O": 0.3196}
PMMA_CM, PMMA_DENSITY = 0.28, 1.18
# name: (anode, kVp, filters (element, mm), detector)
EXPOSURES = {
    "RhRh29": ("Rh", 29, [("Rh", 0.025)], "CsI"),
    "RhAg34": ("Rh", 34, [("Ag", 0.030)], "CsI"),
    "RhCu49": ("Rh", 49, [("Cu", 0.25)], "CsI"),
    "WRh30": ("W", 30, [("Rh", 0.050)], "Se"),
    "WCu49": ("W", 49, [("Cu", 0.30)], "Se"),
    "WTi49": ("W", 49, [("Ti", 1.0)], "Se"),
}
DETECTOR_CM, ENTRANCE_CM = 65, 60  # from the focus; the breast of 5 cm lies on the detector
PADDLE = "Polymethyl Methacrylate (Lucite Perspex or Plexiglas)"  # spekpy's name


def compound_mu(fractions, energies_ev):
    """Total mass attenuation coefficient in cm2/g of a mixture given by mass fractions."""
    return sum(f * xraydb.mu_elam(element, energies_ev, kind="total") for element, f in fractions.items())


def tissue_mu(name, energies_ev):
    """Total mass attenuation coefficient in cm2/g of one of `TISSUES`."""
    fractions, ash = TISSUES[name]
    total = sum(fractions.values()) + ash
    mixture = {k: v / total for k, v in fractions.items()}
    for element, share in ASH.items():
        mixture[element] = mixture.get(element, 0.0) + share * ash / total
    return compound_mu(mixture, energies_ev)


def absorbed_share(detector, energies_ev):
    """Share of the photons of each energy that the detector absorbs."""
    if detector == "CsI":  # 100 um at 75% packing, density 4.51
        mu = compound_mu({"Cs": 132.905 / 259.81, "I": 126.904 / 259.81}, energies_ev) * 4.51 * 0.75
        return 1 - np.exp(-mu * 0.0100)
    mu = xraydb.mu_elam("Se", energies_ev, kind="total") * 4.26  # amorphous selenium, 200 um
    return 1 - np.exp(-mu * 0.0200)


def beam(name, distance_cm):
    """Describe the filtered beam of an exposure at a distance from the focus."""
    anode, kvp, filters, _ = EXPOSURES[name]
    source = spekpy.Spek(kvp=kvp, th=16, dk=STEP_KEV, targ=anode, z=distance_cm)
    for element, thickness_mm in filters:
        source.filter(element, thickness_mm)
    return source


def absorbed_energy(name, energies_kev):
    """Energy absorbed in the detector behind the paddle, keV per mm2, mAs and bin."""
    source_kev, fluence = beam(name, DETECTOR_CM).get_spectrum(edges=False)  # per cm2, keV and mAs
    energies_ev = energies_kev * 1000
    fluence = np.interp(energies_kev, source_kev, fluence, left=0.0, right=0.0) * STEP_KEV / 100
    paddle = np.exp(-compound_mu(PMMA, energies_ev) * PMMA_DENSITY * PMMA_CM)
    return fluence * paddle * absorbed_share(EXPOSURES[name][3], energies_ev) * energies_kev


def exposure_spectrum(name, energies_kev):
    """Energy absorbed per bin behind the paddle, scaled to sum 1."""
    signal = absorbed_energy(name, energies_kev)
    return signal / signal.sum()


def entrance_kerma(name):
    """Air kerma behind the paddle at the upper face of a breast of 5 cm, mGy per mAs."""
    return beam(name, ENTRANCE_CM).filter(PADDLE, PMMA_CM * 10).get_kerma() / 1000


def write(target, columns, rows):
    """Write a table of numbers, the first column perhaps of names."""
    target.write_text("\n".join([",".join(columns), *(",".join(row) for row in rows)]) + "\n", encoding="ascii")


def main():
    """Write the tables."""
    energies_kev = np.arange(5.25, 49.5, STEP_KEV)
    columns = {"energy_kev": energies_kev}
    for tissue in TISSUES:
        columns[f"mu_{tissue}"] = tissue_mu(tissue, energies_kev * 1000)
    columns["mu_iodine"] = xraydb.mu_elam("I", energies_kev * 1000, kind="total")
    # Calcium hydroxyapatite, Ca10(PO4)6(OH)2, by mass.
    columns["mu_calcification"] = compound_mu(
        {"Ca": 0.3989, "P": 0.1850, "O": 0.4141, "H": 0.0020}, energies_kev * 1000
    )
    columns["mu_titanium"] = xraydb.mu_elam("Ti", energies_kev * 1000, kind="total")
    for name in EXPOSURES:
        columns[name] = exposure_spectrum(name, energies_kev)
    folder = Path(__file__).resolve().parents[2] / "CEMSynthLib/phantom/tables"
    table = np.column_stack(list(columns.values()))
    write(folder / "physics.csv", columns, [[f"{value:.7g}" for value in row] for row in table])
    absorbed = {name: absorbed_energy(name, energies_kev).sum() / entrance_kerma(name) for name in EXPOSURES}
    write(
        folder / "exposures.csv",
        ["exposure", "absorbed_kev_per_mm2_mgy"],
        [[name, f"{value:.6g}"] for name, value in absorbed.items()],
    )


if __name__ == "__main__":
    main()
