"""The held-out table of a model card, from the figures of an evaluation."""

from collections.abc import Iterator

from CEMSynthLib.evaluation.cohort import CohortResult
from CEMSynthLib.evaluation.estimate import Estimate
from CEMSynthLib.evaluation.image_measures import CLINICAL, SYNTHETIC
from CEMSynthLib.generator.card import HeldOutMetrics
from CEMSynthLib.measurement.cnr import CNRFormula

Row = dict[str, str | float | int | bool | None]


def card_metrics(result: CohortResult, description: str, pre_contrast: CohortResult | None = None) -> HeldOutMetrics:
    """The held-out table for the model card: one row an image type and place, differences to the model beside it.

    Rows with LE before injection say so under ``low_energy``; whole frame and change from LE are left out there.
    """
    rows = _card_rows(result)
    if pre_contrast is not None:
        before = [row for row in _card_rows(pre_contrast) if "pearson_r" not in row and row["place"] != "whole frame"]
        rows += [{"low_energy": "before injection", **row} for row in before]
    return HeldOutMetrics(f"{result.heldout.verdict} {description}", tuple(rows))


def _card_rows(result: CohortResult) -> list[Row]:
    heldout = result.heldout
    against = {comparison.baseline: comparison for comparison in heldout.comparisons}
    rows: list[Row] = []
    for row in heldout.summary:
        entry: Row = {
            "compared": row.compared,
            "place": row.place,
            "mae": _rounded(row.mae[0]),
            "mae_sd": _rounded(row.mae[1]),
            "psnr_db": _rounded(row.psnr_db[0]) if row.psnr_db else None,
            "ssim": _rounded(row.ssim[0]),
            "ssim_sd": _rounded(row.ssim[1]),
        }
        comparison = against.get(row.compared)
        if comparison is not None and row.place == "breast mask":
            for name, paired in (("mae", comparison.mae), ("ssim", comparison.ssim)):
                entry[f"model_minus_this_{name}"] = _rounded(paired.difference)
                entry[f"model_minus_this_{name}_low"] = _rounded(paired.interval_95[0])
                entry[f"model_minus_this_{name}_high"] = _rounded(paired.interval_95[1])
            entry["beaten_by_model"] = comparison.beaten
        rows.append(entry)
    for change in heldout.change_from_le:
        interval = change.correlation.interval_95 or (None, None)
        rows.append(
            {
                "compared": change.compared,
                "place": "breast mask",
                "change_from_le": change.figure,
                "pearson_r": _rounded(change.correlation.r),
                "pearson_r_low": _rounded(interval[0]),
                "pearson_r_high": _rounded(interval[1]),
                "bland_altman_bias": _rounded(change.agreement.bias),
            }
        )
    halo = result.halo.retained
    for what, estimate in (
        *((figure.what, figure.estimate) for figure in result.lesions.enhancement),
        *_cnr(result),
        ("Halo step kept: mean over images of synthetic over clinical step", halo),
    ):
        if estimate.value is not None:
            low, high = estimate.interval_95 or (None, None)
            rows.append(
                {
                    "compared": what,
                    "place": "lesion regions" if estimate is not halo else "skin edge",
                    "formula": estimate.formula,
                    "value": _rounded(estimate.value),
                    "low": _rounded(low),
                    "high": _rounded(high),
                    "count": estimate.count,
                    "patients": estimate.patients,
                }
            )
    return rows


def _cnr(result: CohortResult) -> Iterator[tuple[str, Estimate]]:
    """CNR beside the contrast kept: a smooth image can have a high CNR with little contrast."""
    for group in result.lesions.groups:
        if group.formula == CNRFormula.SD_BACKGROUND.value and "enhancing" in group.group:
            for image, estimate in ((CLINICAL, group.clinical), (SYNTHETIC, group.synthetic)):
                yield f"CNR on the {image} image, mean: {group.group}", estimate


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")
