"""The physics against the published table, the full spectrum and the programs that made the shipped table."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from CEMSynthLib.phantom import physics
from CEMSynthLib.phantom.errors import PhantomError
from CEMSynthLib.phantom.imaging import MTF_HALF, MTF_POWER, blur, scatter_signal, scatter_to_primary
from CEMSynthLib.phantom.physics import PAIRS, Tissue, iodine_sensitivity, log_signal, slab, weight

REPOSITORY = Path(__file__).resolve().parents[2]

# Computed apart from this project's code with spekpy 2.5.4 and xraydb 4.5.8: w at 3, 5, 7 cm; ln units per mg/cm2;
# mg/cm2 equivalents for 0 to 100% gland, for 1 cm thinner.
PUBLISHED = {
    "RhRh29-RhCu49": ((0.207, 0.226, 0.238), 0.0166, (0.24, 0.41, 0.63), (-7.3, -7.1, -7.0)),
    "RhAg34-RhCu49": ((0.243, 0.264, 0.282), 0.0165, (0.23, 0.49, 0.88), (-7.0, -6.8, -6.6)),
    "WRh30-WCu49": ((0.238, 0.255, 0.268), 0.0150, (0.22, 0.44, 0.72), (-7.8, -7.6, -7.3)),
    "WRh30-WTi49": ((0.256, 0.272, 0.284), 0.0144, (0.23, 0.44, 0.71), (-8.1, -7.8, -7.5)),
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(("index", "thickness"), [(0, 3.0), (1, 5.0), (2, 7.0)])
def test_weight_and_sensitivity_agree_with_the_published_table_within_5_percent(name, index, thickness):
    pair, (weights, sensitivity, _, _) = PAIRS[name], PUBLISHED[name]
    assert weight(pair, thickness) == pytest.approx(weights[index], rel=0.05)
    assert iodine_sensitivity(pair, thickness) == pytest.approx(sensitivity, rel=0.05)


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(("index", "thickness"), [(0, 3.0), (1, 5.0), (2, 7.0)])
def test_gland_and_thickness_leave_the_published_residue(name, index, thickness):
    pair, (_, _, gland, thinner) = PAIRS[name], PUBLISHED[name]
    w, k = weight(pair, thickness), iodine_sensitivity(pair, thickness)

    def recombined(slab_):
        return float(w * log_signal(pair.low_energy, slab_, None) - log_signal(pair.high_energy, slab_, None)) / k

    change = recombined(slab(thickness, 1.0)) - recombined(slab(thickness, 0.0))
    assert change == pytest.approx(gland[index], abs=0.1)
    step = recombined(slab(thickness - 0.5)) - recombined(slab(thickness + 0.5))
    assert step == pytest.approx(thinner[index], rel=0.05)


@pytest.mark.parametrize(("name", "lost"), [("RhRh29-RhCu49", (10.4, 9.8)), ("WRh30-WTi49", (11.3, 10.2))])
def test_lost_scatter_looks_like_iodine_of_the_published_amount(name, lost):
    # Scatter of .33 (LE) and .26 (HE) that is no longer there: less signal, so more apparent iodine.
    pair = PAIRS[name]
    for thickness, amount in ((3.0, lost[0]), (7.0, lost[1])):
        change = -weight(pair, thickness) * np.log(1.33) + np.log(1.26)
        assert change / iodine_sensitivity(pair, thickness) == pytest.approx(amount, rel=0.05)


def test_signal_is_the_sum_over_the_shipped_table():
    with physics.TABLE.open(encoding="ascii") as lines:
        rows = list(csv.DictReader(lines))
    tissue = Tissue(adipose=2.0, glandular=1.5, skin=0.3, muscle=0.4, calcification=0.01, iodine=1.5)
    lengths = {"adipose": 2.0 * 0.93, "glandular": 1.5 * 1.04, "skin": 0.3 * 1.09, "muscle": 0.4 * 1.05}
    lengths |= {"calcification": 0.01 * 3.16, "iodine": 1.5e-3}
    for exposure in ("RhRh29", "WTi49"):
        total = sum(
            float(row[exposure]) * np.exp(-sum(float(row[f"mu_{m}"]) * t for m, t in lengths.items())) for row in rows
        )
        assert float(log_signal(exposure, tissue, groups=None)) == pytest.approx(np.log(total), rel=1e-9)


def test_air_brings_the_whole_signal():
    assert float(log_signal("RhRh29", Tissue(0.0, 0.0, skin=0.0), None)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("exposure", ["RhRh29", "RhAg34", "RhCu49", "WRh30", "WCu49", "WTi49"])
def test_grouped_energies_stay_close_to_all_energies(exposure):
    limit = 0.021 if exposure in ("RhRh29", "RhAg34", "WRh30") else 0.003
    for thickness in (0.5, 1.0, 3.0, 5.0, 7.0, 9.0):
        for gland in (0.0, 0.2, 1.0):
            all_energies = log_signal(exposure, slab(thickness, gland, 1.0), None)
            assert float(log_signal(exposure, slab(thickness, gland, 1.0)) - all_energies) == pytest.approx(
                0, abs=limit
            )


def test_more_of_anything_means_less_signal():
    base = float(log_signal("RhCu49", slab(5.0)))
    for name in ("adipose", "glandular", "skin", "muscle", "calcification", "iodine"):
        more = {"adipose": 3.76, "glandular": 0.94} | {name: 1.0 + {"adipose": 3.76, "glandular": 0.94}.get(name, 0.3)}
        assert float(log_signal("RhCu49", Tissue(**more))) < base


def test_impossible_breasts_and_unknown_exposures_are_refused():
    with pytest.raises(PhantomError, match="thickness"):
        slab(0.0)
    with pytest.raises(PhantomError, match="glandularity"):
        slab(5.0, 1.5)
    with pytest.raises(PhantomError, match="Xy12"):
        log_signal("Xy12", slab(5.0))


def test_scatter_to_primary_is_in_the_published_range():
    assert [scatter_to_primary(False, t) for t in (3, 8)] == pytest.approx([0.33, 0.42])
    assert [scatter_to_primary(True, t) for t in (3, 8)] == pytest.approx([0.26, 0.30])


def test_scatter_over_a_wide_flat_breast_has_the_ratio_and_falls_to_half_at_a_straight_edge():
    primary = np.full((300, 300), 0.02)
    thickness = np.full((300, 300), 5.0)
    primary[:, 150:], thickness[:, 150:] = 0.0, 0.0
    scatter = scatter_signal(primary, thickness, 5.0, high_energy=False, spacing_mm=1.0)
    ratio = scatter_to_primary(False, 5.0)
    assert scatter[150, 20] == pytest.approx(0.02 * ratio, rel=0.02)
    assert scatter[150, 149] == pytest.approx(0.01 * ratio, rel=0.06)


@pytest.mark.parametrize(("frequency", "published"), [(1.0, 0.85), (2.0, 0.59), (4.0, 0.24)])
def test_detector_blur_has_the_published_mtf(frequency, published):
    spacing, size = 0.05, 1600
    wave = 1 + 0.1 * np.cos(2 * np.pi * frequency * spacing * np.arange(size))[None, :] * np.ones((16, 1))
    blurred = blur(wave, spacing)[8, 200:-200]
    assert (blurred.max() - blurred.min()) / 0.2 == pytest.approx(published, abs=0.03)
    assert 1 / (1 + (frequency / MTF_HALF) ** MTF_POWER) == pytest.approx(published, abs=0.03)


def test_the_shipped_table_is_what_spekpy_and_xraydb_give():
    pytest.importorskip("spekpy")
    pytest.importorskip("xraydb")
    location = REPOSITORY / "Resources/physics/make_physics_table.py"
    specification = importlib.util.spec_from_file_location("make_physics_table", location)
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    shipped = np.genfromtxt(physics.TABLE, delimiter=",", names=True)
    energies = shipped["energy_kev"]
    assert script.exposure_spectrum("RhCu49", energies) == pytest.approx(shipped["RhCu49"], rel=1e-3, abs=1e-9)
    for tissue in ("adipose", "glandular", "skin", "muscle"):
        assert script.tissue_mu(tissue, energies * 1000) == pytest.approx(shipped[f"mu_{tissue}"], rel=1e-5)
