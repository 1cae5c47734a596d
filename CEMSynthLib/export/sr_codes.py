"""Codes of the structured report: standard ones where they exist, else the private coding scheme 99CEMSYNTH.

The scheme is this file: every private code, with its meaning, stands in `PRIVATE`. The code of a formula has as its
meaning the formula's name, as in the CSV table, and the formula itself. No public coding scheme known to pydicom 3 has
a contrast-to-noise ratio of an image region, and DCM 112073 "Halo sign" is a sign of the lung.
"""

from dataclasses import dataclass

from pydicom.sr.coding import Code

from CEMSynthLib.measurement.halo import HaloVerdict
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.study.model import Laterality

SERIES_DESCRIPTION = "CEMSynth measurements (research) - not for diagnosis"
SCHEME = "99CEMSYNTH"
#: Code values have at most 16 characters, meanings at most 64 (SH and LO of PS3.5 6.2).
PRIVATE = {
    code: Code(code, SCHEME, meaning)
    for code, meaning in {
        "CNR": "Contrast-to-noise ratio of a lesion",
        "RELATIVE_SIGNAL": "Relative signal of a lesion",
        "CONTRAST": "Contrast of a lesion",
        "PIXEL_VALUE": "Pixel value",
        "PIXELS": "Number of pixels",
        "HALO_STEP": "Halo (breast-in-breast artifact): step",
        "HALO_RIM_EXCESS": "Halo (breast-in-breast artifact): rim excess",
        "HALO_TROUGH": "Halo (breast-in-breast artifact): depth of the trough",
        "HALO_RIM": "Halo (breast-in-breast artifact): depth of the rim",
        "HALO_WIDTH": "Halo (breast-in-breast artifact): width of the band",
        "HALO_STEP_NOISE": "Halo (breast-in-breast artifact): step over noise",
        "HALO_VERDICT": "Halo (breast-in-breast artifact): verdict",
        "NOT_MEASURABLE": "Not measurable",
        "F_SD_BACKGROUND": "sd_background: (mean L - mean B) / SD B",
        "F_SD_POOLED": "sd_pooled: (mean L - mean B) / sqrt((SD L^2 + SD B^2) / 2)",
        "F_RELATIVE": "relative_signal_percent: 100 (mean L - mean B) / mean B",
        "F_CONTRAST": "contrast: mean L - mean B",
        "F_MEAN": "mean: mean of the pixels",
        "F_SD": "sd_ddof_1: standard deviation of the pixels, n - 1",
        "F_AREA": "pixels_times_spacing: pixels x row spacing x column spacing",
        "F_COUNT": "pixel_count: pixels whose center lies inside",
        "F_HALO_STEP": "halo_rim_minus_trough: P(rim) - P(trough)",
        "F_HALO_EXCESS": "halo_rim_minus_interior: P(rim) - interior",
        "F_HALO_TROUGH": "halo_trough_depth: depth of the trough behind the skin",
        "F_HALO_RIM": "halo_rim_depth: depth of the rim behind the skin",
        "F_HALO_WIDTH": "halo_band_width: width of the dark band",
        "F_HALO_NOISE": "halo_step_over_mad_noise: step / 1.4826 MAD of residual",
    }.items()
}


@dataclass(frozen=True)
class Term:
    """One measured quantity: its words in the CSV table and its codes (`derivation` where the name alone is open)."""

    quantity: str
    formula: str
    name: Code
    method: Code
    derivation: Code | None = None


AREA = Code("42798000", "SCT", "Area")
MEAN = Code("373098007", "SCT", "Mean")
STANDARD_DEVIATION = Code("386136009", "SCT", "Standard Deviation")
BREAST = Code("76752008", "SCT", "Breast")
MAMMOGRAPHY = Code("71651007", "SCT", "Mammography")

TERMS = tuple(
    Term(quantity, PRIVATE[method].meaning.split(":")[0], name, PRIVATE[method], derivation)
    for quantity, name, method, derivation in (
        ("CNR", PRIVATE["CNR"], "F_SD_BACKGROUND", None),
        ("CNR", PRIVATE["CNR"], "F_SD_POOLED", None),
        ("relative signal", PRIVATE["RELATIVE_SIGNAL"], "F_RELATIVE", None),
        ("contrast", PRIVATE["CONTRAST"], "F_CONTRAST", None),
        ("mean", PRIVATE["PIXEL_VALUE"], "F_MEAN", MEAN),
        ("SD", PRIVATE["PIXEL_VALUE"], "F_SD", STANDARD_DEVIATION),
        ("area", AREA, "F_AREA", None),
        ("pixels", PRIVATE["PIXELS"], "F_COUNT", None),
        ("halo step", PRIVATE["HALO_STEP"], "F_HALO_STEP", None),
        ("halo rim excess", PRIVATE["HALO_RIM_EXCESS"], "F_HALO_EXCESS", None),
        ("halo trough depth", PRIVATE["HALO_TROUGH"], "F_HALO_TROUGH", None),
        ("halo rim depth", PRIVATE["HALO_RIM"], "F_HALO_RIM", None),
        ("halo band width", PRIVATE["HALO_WIDTH"], "F_HALO_WIDTH", None),
        ("halo step / noise", PRIVATE["HALO_STEP_NOISE"], "F_HALO_NOISE", None),
    )
)
#: Units of the CSV table in UCUM; image units have no absolute scale ([arb'U], arbitrary unit).
UNITS = {
    "1": Code("1", "UCUM", "no units"),
    "%": Code("%", "UCUM", "percent"),
    "mm": Code("mm", "UCUM", "mm"),
    "mm2": Code("mm2", "UCUM", "mm2"),
    "pixels": Code("{pixels}", "UCUM", "pixels"),
    "image units": Code("[arb'U]", "UCUM", "arbitrary unit"),
}
ROLES = {
    RegionRole.LESION: Code("52988006", "SCT", "Lesion"),
    RegionRole.BACKGROUND: Code("C94970", "NCIt", "Reference Region"),
}
VERDICTS = {
    HaloVerdict.PRESENT: Code("52101004", "SCT", "Present"),
    HaloVerdict.ABSENT: Code("272519000", "SCT", "Absent"),
    HaloVerdict.UNCERTAIN: Code("82334004", "SCT", "Indeterminate"),
    HaloVerdict.NOT_MEASURABLE: PRIVATE["NOT_MEASURABLE"],
}
SIDES = {
    Laterality.LEFT: Code("7771000", "SCT", "Left"),
    Laterality.RIGHT: Code("24028007", "SCT", "Right"),
}
