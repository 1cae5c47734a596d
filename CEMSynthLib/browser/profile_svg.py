"""Profile picture: the halo profiles of clinical and synthetic image as a small SVG, drawn anew in a millisecond."""

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from CEMSynthLib.browser.region_rows import hex_color
from CEMSynthLib.scene.halo.tables import CLINICAL, SERIES_COLORS, SYNTHETIC

if TYPE_CHECKING:
    from CEMSynthLib.measurement.band import BandResult
    from CEMSynthLib.measurement.halo import HaloResult

    Results = Mapping[str, HaloResult | BandResult | None]

WIDTH, HEIGHT = 300, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 8, 22, 34
# More points than screen pixels are not seen.
_POINTS = 240
# Part of the trough's depth that the picture's height does not care for.
_SKIN_LINE = 0.4
_TEXT, _GRID = "#a4afbd", "#232a33"


def profile_svg(results: "Results", depth_unit: str, units: str) -> str:
    """Draw P(d) with trough and rim marked.

    Parameters
    ----------
    results
        By `CLINICAL` and `SYNTHETIC`.
    depth_unit, units
        Of depth and image.

    Returns
    -------
    str
        An ``<svg>`` element; empty where there is no profile.
    """
    there = {
        which: (result, result.profile.depth, result.profile.smoothed)
        for which in (CLINICAL, SYNTHETIC)
        if (result := results.get(which)) is not None and result.profile is not None and len(result.profile.depth) > 1
    }
    if not there:
        return ""
    right = max(float(depth[-1]) for _, depth, _ in there.values())
    seen = np.concatenate([values[depth >= _skin_line(result)] for result, depth, values in there.values()])
    low, high = float(np.nanmin(seen)), float(np.nanmax(seen))
    margin = 0.12 * max(high - low, 1e-6)
    plot = _Plot((0.0, right), (low - margin, high + margin))
    parts = plot.axes(f"depth behind the skin edge ({depth_unit})", f"median ({units})")
    for number, (which, (result, depth, values)) in enumerate(there.items()):
        color = hex_color(SERIES_COLORS[which])
        parts.append(f'<path class="cem-curve-{which}" d="{plot.path(depth, values)}" fill="none" stroke="{color}"/>')
        for name, place in (("trough", result.trough_depth), ("rim", result.rim_depth)):
            if place is not None:
                x, y = plot.place(place, float(np.interp(place, depth, values)))
                title = f"<title>{which} {name}: {place:.3g} {escape(depth_unit)}</title>"
                parts.append(f'<g fill="{color}" class="cem-mark">{_mark(which, x, y)}{title}</g>')
        x = _LEFT + 92 * number
        parts.append(f'<g fill="{color}">{_mark(which, x + 5, 10)}</g>')
        parts.append(f'<text x="{x + 14}" y="13.5" fill="{_TEXT}">{which}</text>')
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="cem-profile">{inside}</svg>'


def _skin_line(result: "HaloResult | BandResult") -> float:
    """Where the steep rise at the skin is over: it would leave no height for trough and rim."""
    return _SKIN_LINE * result.trough_depth if result.trough_depth else 0.0


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between two, about so many."""
    step = (high - low) / count
    size = 10.0 ** math.floor(math.log10(step))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= step)
    first = math.ceil(low / step)
    return [round(number * step, 10) for number in range(first, math.floor(high / step) + 1)]


class _Plot:
    """From values to places."""

    def __init__(self, across: tuple[float, float], along: tuple[float, float]) -> None:
        self._across, self._along = across, along

    def place(self, x: float, y: float) -> tuple[float, float]:
        (x0, x1), (y0, y1) = self._across, self._along
        wide, high = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
        return _LEFT + wide * (x - x0) / (x1 - x0), _TOP + high * (y1 - y) / (y1 - y0)

    def path(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
        chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).astype(int))
        pieces, pen = [], "M"
        for i in chosen:
            if np.isfinite(y[i]) and self._along[0] <= y[i] <= self._along[1]:
                px, py = self.place(float(x[i]), float(y[i]))
                pieces.append(f"{pen}{px:.1f} {py:.1f}")
                pen = "L"
            else:
                pen = "M"
        return "".join(pieces)

    def axes(self, below: str, beside: str) -> list[str]:
        bottom, middle = HEIGHT - _BOTTOM, (_TOP + HEIGHT - _BOTTOM) / 2
        parts = []
        for value in ticks(*self._along):
            _, y = self.place(self._across[0], value)
            parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_GRID}"/>')
            parts.append(f'<text x="{_LEFT - 4}" y="{y + 3:.1f}" text-anchor="end" fill="{_TEXT}">{value:g}</text>')
        for value in ticks(*self._across, 5):
            x, _ = self.place(value, self._along[0])
            parts.append(f'<text x="{x:.1f}" y="{bottom + 12}" text-anchor="middle" fill="{_TEXT}">{value:g}</text>')
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}" stroke="#4a5461"/>')
        center = (_LEFT + WIDTH - _RIGHT) / 2
        parts.append(
            f'<text x="{center}" y="{HEIGHT - 6}" text-anchor="middle" fill="{_TEXT}">{escape(below)}</text>'
            f'<text transform="translate(9 {middle}) rotate(-90)" text-anchor="middle" fill="{_TEXT}">'
            f"{escape(beside)}</text>"
        )
        return parts


def _mark(which: str, x: float, y: float) -> str:
    """A diamond for clinical, a dot for SYNTHETIC, as in Slicer's chart."""
    if which == CLINICAL:
        return f'<path d="M{x:.1f} {y - 5:.1f}l5 5-5 5-5-5z"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
