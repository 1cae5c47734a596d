"""Plots of a cohort: scatter and Bland-Altman of the change from LE, lesion contrasts, mean halo profiles."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator

from CEMSynthLib.evaluation.cohort import CohortResult
from CEMSynthLib.evaluation.figures import CLINICAL_COLOR, SYNTHETIC_COLOR
from CEMSynthLib.evaluation.heldout import CLINICAL, MODEL, changes_of
from CEMSynthLib.evaluation.lesion_summary import IMAGES, enhances
from CEMSynthLib.measurement.cnr import CNRFormula

# Okabe and Ito 2008.
_BASELINE_COLOR, _LESION_COLORS = "#8793a1", {True: "#D55E00", False: "#56B4E9"}


def change_plots(result: CohortResult, figure: str) -> str | None:
    """Scatter of the change from LE (clinical against model and the best-correlating baseline) and Bland-Altman.

    Parameters
    ----------
    result
        Of the cohort.
    figure
        ``MAE`` or ``SSIM``.

    Returns
    -------
    str or None
        ``data:image/svg+xml;base64,...``; ``None`` for one image.
    """
    found = result.heldout.rows
    if len(found) < 2:
        return None
    clinical = np.asarray(changes_of(found, CLINICAL, figure))
    model = np.asarray(changes_of(found, MODEL, figure))
    r = {c.compared: c.correlation.r for c in result.heldout.change_from_le if c.figure == figure}
    nulls = {c.baseline: r.get(c.baseline) for c in result.heldout.comparisons}
    best = max((n for n, v in nulls.items() if v is not None), key=lambda n: nulls[n] or 0.0, default=None)
    drawing = Figure(figsize=(9.2, 3.4), layout="constrained")
    left, right = drawing.subplots(1, 2)
    if best is not None:
        label = f"{best} (r = {nulls[best]:.2f})"
        left.plot(clinical, changes_of(found, best, figure), "x", color=_BASELINE_COLOR, markersize=4, label=label)
    label = "model" + (f" (r = {r[MODEL]:.2f})" if r.get(MODEL) is not None else "")
    left.plot(clinical, model, "o", color=SYNTHETIC_COLOR, markersize=4, alpha=0.8, label=label)
    ends = [float(min(clinical.min(), model.min())), float(max(clinical.max(), model.max()))]
    left.plot(ends, ends, "-", color="black", linewidth=0.8)
    left.set_xlabel(f"{figure}(LE, clinical)")
    left.set_ylabel(f"{figure}(LE, synthetic)")
    left.legend(fontsize=8, frameon=False)
    agreement = next(c.agreement for c in result.heldout.change_from_le if (c.compared, c.figure) == (MODEL, figure))
    right.plot((clinical + model) / 2, model - clinical, "o", color=SYNTHETIC_COLOR, markersize=4, alpha=0.8)
    for level, style in ((agreement.bias, "-"), *((limit, "--") for limit in agreement.limits)):
        right.axhline(level, color="black", linewidth=0.8, linestyle=style)
        at = ("axes fraction", "data")
        right.annotate(f"{level:.3g}", (1.0, level), xycoords=at, fontsize=8, va="bottom", ha="right")
    right.set_xlabel("mean of the two")
    right.set_ylabel("synthetic minus clinical")
    return _svg(drawing, (left, right))


def lesion_plots(result: CohortResult) -> str | None:
    """Contrast and CNR of each lesion on LE, clinical and synthetic image, its three values joined by a line."""
    cases = [(record, lesion) for record in result.records for lesion in record.lesions]
    if not cases:
        return None
    drawing = Figure(figsize=(9.2, 3.6), layout="constrained")
    axes = drawing.subplots(1, 2)
    formulas = ((CNRFormula.CONTRAST, "contrast (image units)"), (CNRFormula.SD_BACKGROUND, "CNR, sd_background"))
    for ax, (formula, label) in zip(axes, formulas, strict=True):
        # Contrast on LE has other units and a far larger scale.
        images = IMAGES[1:] if formula is CNRFormula.CONTRAST else IMAGES
        kept: list[list[float]] = [[] for _ in images]
        named: set[bool] = set()
        for case in cases:
            values = [case[1].value(formula.value, image) for image in images]
            enhancing = enhances(case)
            at = [i for i, value in enumerate(values) if value is not None]
            shown = [value for value in values if value is not None]
            text = None if enhancing in named else "enhancing" if enhancing else "not enhancing"
            color = _LESION_COLORS[enhancing]
            ax.plot(at, shown, "-o", color=color, alpha=0.45, linewidth=0.8, markersize=3, label=text)
            named.add(enhancing)
            for i, value in zip(at, shown, strict=True):
                kept[i].append(value)
        places = [i for i in range(len(images)) if kept[i]]
        beside = {"positions": [i + 0.2 for i in places], "widths": 0.12, "showfliers": False, "manage_ticks": False}
        box = ax.boxplot([kept[i] for i in places], **beside)
        for line in box["medians"]:
            line.set_color("black")
        ax.axhline(0, color="black", linewidth=0.6)
        ax.set_xticks(range(len(images)), images)
        ax.set_ylabel(label)
        ax.legend(fontsize=8, frameon=False)
    return _svg(drawing, tuple(axes))


def halo_plots(result: CohortResult) -> str | None:
    """Mean profile behind the skin, clinical and synthetic, and step against step for each image."""
    halo = result.halo
    styles = ((halo.clinical, CLINICAL_COLOR, "-"), (halo.synthetic, SYNTHETIC_COLOR, "--"))
    shown = [style for style in styles if style[0].profile]
    if not shown:
        return None
    drawing = Figure(figsize=(9.2, 3.4), layout="constrained")
    left, right = drawing.subplots(1, 2)
    for figures, color, style in shown:
        left.plot(figures.profile_depth, figures.profile, style, color=color, label=figures.image)
    behind = [v for figures, *_ in shown for v in figures.profile[3:]]
    margin = 0.1 * (max(behind) - min(behind) or 1.0)
    left.set_ylim(min(behind) - margin, max(behind) + margin)
    left.set_xlabel("depth, part of the largest")
    left.set_ylabel("mean over images, interior = 0\n(parts of the window width)")
    left.legend(fontsize=8, frameon=False)
    pairs = [
        (c.step, s.step)
        for r in result.records
        if (c := r.halo_clinical) and (s := r.halo_synthetic) and c.step is not None and s.step is not None
    ]
    right.plot([p[0] for p in pairs], [p[1] for p in pairs], "o", color=SYNTHETIC_COLOR, markersize=4, alpha=0.8)
    top = max((v for p in pairs for v in p), default=1.0)
    right.plot([0, top], [0, top], "-", color="black", linewidth=0.8)
    right.set_xlabel("halo step, clinical (image units)")
    right.set_ylabel("halo step, synthetic")
    return _svg(drawing, (left, right))


def _svg(drawing: Figure, axes: Sequence[Axes]) -> str:
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
        if isinstance(ax.xaxis.get_major_locator(), AutoLocator):
            ax.locator_params(axis="x", nbins=6)
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "cemsynth"}):  # equal figures give equal files
        drawing.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
