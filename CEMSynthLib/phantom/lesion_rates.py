"""How often lesions look how: distributions given the label, with their sources.

Published rates, for lesions that were sent to biopsy:

- 197 of 200 cancers and 51 of 109 benign lesions enhance (Emory et al., J Breast Imaging 2023;5:40).
- Of 261 enhancing lesions 81 were non-mass, 52 of these malignant; an irregular shape has a positive predictive value
  of 92.4% at a prevalence of 73.9%, a margin that is not circumscribed an odds ratio of 55 and a positive likelihood
  ratio of 4.77 (Kamal et al., Br J Radiol 2016;89:20160157).
- 21% of cancers show rim enhancement (96% of such lesions are cancers), 64% of cancers and 14% of benign lesions high
  conspicuity (136 lesions; "Diagnostic value of qualitative and quantitative enhancement parameters on
  contrast-enhanced mammography").
- Area under the ROC curve of enhancement alone: 0.83 (Diagnostics 2023;13:754), 0.88 (Br J Radiol 2018, PMC6223273).

The numbers below reproduce these; what is not told there (sizes, iodine concentrations, shares of pattern and
distribution, how many lesions a breast has) was chosen to look plausible and to give that area under the curve.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from CEMSynthLib.phantom.lesion_plan import Distribution, LesionKind, Pattern

# Of a patient of the default cohort: the affected breast has cancer, and so has the other one.
AFFECTED, BOTH = 0.6, 0.06
# Cancers in a breast that has one, other findings in any breast.
CANCERS = {1: 0.78, 2: 0.17, 3: 0.05}
OTHERS = {0: 0.55, 1: 0.33, 2: 0.12}
#: mg/cm2, of lesions that enhance.
IODINE_RANGE = (0.2, 2.0)
#: mg/cm2, between low, moderate and high conspicuity.
CONSPICUITY_LIMITS = (0.40, 0.70)
ENHANCING_CYST_IODINE = (0.2, 0.4)
#: Diameter of a mass over the thickness of the breast, at most.
THICKNESS_SHARE = 0.75


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
