"""Halo of a cohort: how often, how strong, how deep, and how much of it the synthetic images keep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CEMSynthLib.evaluation.comparison import Correlation, PairedComparison, beats, clustered_correlation
from CEMSynthLib.evaluation.estimate import Estimate, mean_estimate, missing, rate_estimate
from CEMSynthLib.evaluation.image_measures import CLINICAL, SYNTHETIC
from CEMSynthLib.evaluation.image_record import HaloRecord, ImageRecord
from CEMSynthLib.measurement.halo import HaloVerdict

#: Points of the mean profile, from the skin to the largest depth.
_POINTS = 60


@dataclass(frozen=True)
class HaloFigures:
    """The halo of one image type; ``verdicts`` counts images by verdict, ``profile`` is the mean over images.

    The profile runs over depth as a part of each image's largest depth, its level that of the interior taken off,
    in parts of the window width.
    """

    image: str
    present: Estimate
    step: Estimate
    trough_depth: Estimate
    rim_depth: Estimate
    verdicts: dict[str, int]
    unit: str
    profile_depth: tuple[float, ...]
    profile: tuple[float, ...]


@dataclass(frozen=True)
class HaloSummary:
    """Clinical and synthetic halo; ``true_step`` correlates the clinical step with the simulator's (mg/cm2)."""

    clinical: HaloFigures
    synthetic: HaloFigures
    retained: Estimate
    difference: PairedComparison | None
    true_step: Correlation | None


def summarize_halo(records: Sequence[ImageRecord], seed: int = 0) -> HaloSummary:
    """Compute everything about the halo; ``records`` in a fixed order, ``seed`` of the bootstrap."""
    both = [
        (c.step, s.step, r.patient_id)
        for r in records
        if (c := r.halo_clinical) and (s := r.halo_synthetic) and c.step is not None and s.step is not None
    ]
    kept = [(r.halo_retained, r.patient_id) for r in records if r.halo_retained is not None]
    known = [
        (r.truth.halo_step_mg_cm2, r.halo_clinical.step, r.patient_id)
        for r in records
        if r.truth and r.halo_clinical and r.halo_clinical.step is not None
    ]
    formula = "halo_step_synthetic_over_clinical"
    return HaloSummary(
        clinical=_figures(CLINICAL, records, [r.halo_clinical for r in records], seed),
        synthetic=_figures(SYNTHETIC, records, [r.halo_synthetic for r in records], seed),
        retained=mean_estimate(formula, [v for v, _ in kept], [p for _, p in kept], seed)
        if kept
        else missing(formula, "no clinical image has a step above 2% of the window width"),
        difference=beats([b[1] for b in both], [b[0] for b in both], [b[2] for b in both],
                         higher_is_better=False, seed=seed) if both else None,
        true_step=clustered_correlation([k[0] for k in known], [k[1] for k in known], [k[2] for k in known], seed=seed)
        if known
        else None,
    )  # fmt: skip


def _figures(image: str, records: Sequence[ImageRecord], halos: Sequence[HaloRecord | None], seed: int) -> HaloFigures:
    pairs = [(halo, r) for halo, r in zip(halos, records, strict=True) if halo is not None]
    seen = [(h, r) for h, r in pairs if h.verdict != HaloVerdict.NOT_MEASURABLE.value]
    patients = [r.patient_id for _, r in seen]

    def mean(formula: str, values: Sequence[float | None]) -> Estimate:
        there = [(v, p) for v, p in zip(values, patients, strict=True) if v is not None]
        if not there:
            return missing(formula, "no image has a halo that can be measured")
        return mean_estimate(formula, [v for v, _ in there], [p for _, p in there], seed)

    unit = pairs[0][0].unit if pairs else ""
    depth, profile = _mean_profile(seen)
    present = [h.verdict == HaloVerdict.PRESENT.value for h, _ in seen]
    return HaloFigures(
        image=image,
        present=rate_estimate("rate_halo_verdict_present", present, patients, seed),
        step=mean("halo_rim_minus_trough", [h.step for h, _ in seen]),
        trough_depth=mean(f"halo_trough_depth_{unit}", [h.trough_depth for h, _ in seen]),
        rim_depth=mean(f"halo_rim_depth_{unit}", [h.rim_depth for h, _ in seen]),
        verdicts={v.value: sum(h.verdict == v.value for h, _ in pairs) for v in HaloVerdict},
        unit=unit,
        profile_depth=depth,
        profile=profile,
    )


def _mean_profile(seen: Sequence[tuple[HaloRecord, ImageRecord]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    at = np.linspace(0, 1, _POINTS)
    curves = []
    for halo, record in seen:
        if len(halo.profile) < 2:
            continue
        depth, values = np.asarray(halo.profile_depth), np.asarray(halo.profile)
        interior = np.median(values[round(0.4 * len(values)) : round(0.8 * len(values))])
        curves.append(np.interp(at, depth / depth[-1], values - interior) / record.window_width)
    if not curves:
        return (), ()
    return tuple(float(v) for v in at), tuple(float(v) for v in np.mean(curves, axis=0))
