"""Figure: detection rates of each reader and of all, image types side by side, with their intervals."""

import base64
import io
from itertools import cycle

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from CEMSynthLib.evaluation.figures import CLINICAL_COLOR, SYNTHETIC_COLOR
from CEMSynthLib.reading.analysis.analyze import Analysis
from CEMSynthLib.reading.analysis.rows import ALL_READERS
from CEMSynthLib.reading.analysis.tables import image_types

_RATES = ("sensitivity", "specificity", "accuracy")
# Okabe and Ito 2008: told apart by color-blind readers; the markers differ as well.
_STYLES = ((CLINICAL_COLOR, "o"), (SYNTHETIC_COLOR, "s"), ("#009E73", "^"), ("#CC79A7", "D"))


def rates_figure(analysis: Analysis) -> str | None:
    """Draw the rates as a data URI; ``None`` where there is no rate."""
    found = {
        (row.quantity, row.reader, row.image_types): row.estimate
        for row in analysis.rows
        if row.quantity in _RATES and row.estimate.value is not None
    }
    if not found:
        return None
    readers = [ALL_READERS, *analysis.study.readers]
    arms = [arm.name for arm in analysis.study.protocol.arms]
    figure = Figure(figsize=(8.2, 1.1 + 0.42 * len(readers)), dpi=160, layout="constrained")
    for axes, rate in zip(figure.subplots(1, 3, sharey=True), _RATES, strict=True):
        for place, arm in enumerate(arms):
            color, marker = _STYLES[place % len(_STYLES)]
            shift = 0.32 * (place - (len(arms) - 1) / 2) / max(1, len(arms) - 1)
            for line, reader in enumerate(readers):
                estimate = found.get((rate, reader, arm))
                if estimate is None or estimate.value is None:
                    continue
                low, high = estimate.interval_95 or (estimate.value, estimate.value)
                axes.plot([100 * low, 100 * high], [line + shift] * 2, color=color, linewidth=1.5)
                axes.plot(100 * estimate.value, line + shift, marker, color=color, markersize=5)
        axes.set_title(f"{rate} (%)", fontsize=9)
        axes.set_xlim(-2, 102)
        axes.set_yticks(range(len(readers)), readers, fontsize=8)
        axes.tick_params(axis="x", labelsize=8)
        axes.grid(axis="x", color="#d5dbe2", linewidth=0.6)
        axes.set_ylim(len(readers) - 0.5, -0.5)
    handles = [
        Line2D([], [], color=color, marker=marker, markersize=5, label=image_types(arm))
        for arm, (color, marker) in zip(arms, cycle(_STYLES), strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(arms), fontsize=8, frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
