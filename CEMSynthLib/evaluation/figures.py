"""Figures: pictures and plots as data URIs, so that a report is one file."""

import base64
import io
import math
import re
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray
from skimage.transform import resize

from CEMSynthLib.evaluation.content import RegionReport, ReportImage
from CEMSynthLib.measurement.halo import SKIN_LINE_FRACTION, HaloResult
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.study.model import Mask

NOTICE = "SYNTHETIC - not for diagnosis"
# Okabe and Ito 2008: colors that color-blind readers can tell apart; line styles differ as well.
LESION_COLOR, BACKGROUND_COLOR = "#E69F00", "#56B4E9"
CLINICAL_COLOR, SYNTHETIC_COLOR = "#0072B2", "#D55E00"
Part = tuple[slice, slice]
# Twice the width of a third of a 1280 px window: sharp on paper and on dense screens.
_PICTURE_WIDTH = 760
_DPI = 200


def picture(
    image: ReportImage,
    *,
    spacing_mm: tuple[float, float] | None,
    regions: Sequence[RegionReport] = (),
    synthetic: bool = False,
    part: Part | None = None,
) -> str:
    """Draw one image: windowed, regions outlined, a scale bar where the spacing is known.

    Parameters
    ----------
    image
        Pixels and window.
    spacing_mm
        (row, column); also sets the aspect ratio.
    regions
        Outlined and labeled; lesions solid orange, backgrounds dashed blue.
    synthetic
        Burns "SYNTHETIC - not for diagnosis" into the picture.
    part
        The rows and columns shown; ``None`` for all.

    Returns
    -------
    str
        ``data:image/jpeg;base64,...``
    """
    part = part or np.s_[0 : image.pixels.shape[0], 0 : image.pixels.shape[1]]
    pixels = image.pixels[part]
    rows, columns = pixels.shape
    row_mm, column_mm = spacing_mm or (1.0, 1.0)
    height = max(1, round(_PICTURE_WIDTH * rows * row_mm / (columns * column_mm)))
    windowed = image.window.apply(pixels)
    shown = resize(windowed, (height, _PICTURE_WIDTH), order=1, anti_aliasing=height < rows, mode="edge")  # type: ignore[no-untyped-call]
    figure = Figure(figsize=(_PICTURE_WIDTH / _DPI, height / _DPI), dpi=_DPI)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
    labels = short_names(regions)
    for region in regions:
        scale = (height / rows, _PICTURE_WIDTH / columns)
        above = _labeled_above(region, regions)
        _outline(axes, region.mask[part], region.role, labels[region.name], scale, above)
    if spacing_mm is not None:
        _scale_bar(axes, height, _PICTURE_WIDTH / (columns * column_mm), _brighter_at_left(shown))
    if synthetic:
        box = {"facecolor": "#FFD84D", "edgecolor": "none", "pad": 2.5}
        axes.text(
            0.5, 0.985, NOTICE, transform=axes.transAxes, ha="center", va="top", fontsize=9, weight="bold", bbox=box
        )
    axes.set_xlim(-0.5, _PICTURE_WIDTH - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="jpeg", dpi=_DPI, pil_kwargs={"quality": 90})
    return _uri("image/jpeg", buffer.getvalue())


def _brighter_at_left(shown: NDArray[np.floating]) -> bool:
    half = shown.shape[1] // 2
    return bool(shown[:, :half].mean() > shown[:, half:].mean())


def short_names(regions: Sequence[RegionReport]) -> dict[str, str]:
    """Shorten region names for a picture: ``P1_L_CC_lesion_1`` is ``lesion 1``, where that is still one of a kind."""
    short = {r.name: re.sub(r"[_\s]+", " ", re.sub(rf"^.*(?={r.role.value})", "", r.name, flags=re.I)) for r in regions}
    return {name: text if list(short.values()).count(text) == 1 else name for name, text in short.items()}


def breast_part(image: ReportImage, regions: Sequence[RegionReport]) -> Part:
    """Give the rows and columns that hold the breast and the regions, with a margin of 3%.

    Parameters
    ----------
    image
        The low-energy image: what is brighter than 5% of its window counts as breast.
    regions
        Always inside.

    Returns
    -------
    tuple of slice
        The whole image where nothing is that bright.
    """
    shown = image.window.apply(image.pixels) > 0.05
    for region in regions:
        shown = shown | region.mask
    found = []
    for axis, size in ((1, shown.shape[0]), (0, shown.shape[1])):
        # A row or column counts from 1% of bright pixels on, so that single hot pixels do not.
        lines = np.flatnonzero(shown.mean(axis=axis) > 0.01)
        margin = round(0.03 * size)
        low, high = (
            (max(int(lines[0]) - margin, 0), min(int(lines[-1]) + margin + 1, size)) if lines.size else (0, size)
        )
        found.append(slice(low, high))
    return found[0], found[1]


def _labeled_above(region: RegionReport, regions: Sequence[RegionReport]) -> bool:
    """Whether a region's label goes above it: on the side away from its nearest neighbor, which it would cover."""
    center = np.argwhere(region.mask).mean(axis=0)
    others = [np.argwhere(other.mask).mean(axis=0) for other in regions if other is not region and other.mask.any()]
    nearest = min(others, key=lambda other: float(np.hypot(*(other - center))), default=center)
    return bool(center[0] <= nearest[0])


def _outline(axes: Axes, mask: Mask, role: RegionRole, label: str, scale: tuple[float, float], above: bool) -> None:
    """Draw the border between the pixels of a region and the others; ``scale`` is (row, column) drawn per pixel."""
    if not mask.any():
        return
    lesion = role is RegionRole.LESION
    color, style = (LESION_COLOR, "solid") if lesion else (BACKGROUND_COLOR, "dashed")
    rows, columns = np.nonzero(mask)
    top, left = int(rows.min()), int(columns.min())
    area = np.pad(mask[top : int(rows.max()) + 1, left : int(columns.max()) + 1].astype(float), 1)
    y = (np.arange(area.shape[0]) + top - 0.5) * scale[0] - 0.5
    x = (np.arange(area.shape[1]) + left - 0.5) * scale[1] - 0.5
    lines = axes.contour(x, y, area, levels=[0.5], colors=color, linewidths=1.3, linestyles=style)
    shadow: list[AbstractPathEffect] = [withStroke(linewidth=2.4, foreground="black")]
    lines.set_path_effects(shadow)
    at, side = (y[0] - 4, "bottom") if above else (y[-1] + 4, "top")
    half = 7.5 * len(label)
    middle = float(np.clip(x.mean(), half, max(half, _PICTURE_WIDTH - half)))
    axes.text(middle, at, label, ha="center", va=side, color=color, fontsize=8, path_effects=shadow)


def _scale_bar(axes: Axes, height: int, drawn_per_mm: float, at_right: bool) -> None:
    """Draw a bar of a round length of about a fifth of the width, in the lower corner away from the breast."""
    wanted = 0.2 * _PICTURE_WIDTH / drawn_per_mm
    decade = 10 ** math.floor(math.log10(wanted))
    length = max(m * decade for m in (1, 2, 5) if m * decade <= wanted)
    extent = length * drawn_per_mm
    x = _PICTURE_WIDTH - 24 - extent if at_right else 24.0
    shadow = [withStroke(linewidth=4, foreground="black")]
    y = height - 26
    axes.plot([x, x + extent], [y, y], color="white", linewidth=2, solid_capstyle="butt", path_effects=shadow)
    axes.text(
        x + extent / 2,
        y - 8,
        f"{length:g} mm",
        ha="center",
        va="bottom",
        color="white",
        fontsize=8,
        path_effects=shadow,
    )


def halo_plot(clinical: HaloResult | None, synthetic: HaloResult | None, units: str) -> str | None:
    """Plot the halo profiles of the clinical and the synthetic image over the depth behind the skin edge.

    Parameters
    ----------
    clinical, synthetic
        Their halo; those without a profile are left out.
    units
        Of the image values.

    Returns
    -------
    str or None
        ``data:image/svg+xml;base64,...``; ``None`` where neither has a profile.
    """
    candidates = (
        (clinical, "clinical iodine", CLINICAL_COLOR, "-"),
        (synthetic, "synthetic iodine", SYNTHETIC_COLOR, "--"),
    )
    shown = [(h, h.profile, name, c, s) for h, name, c, s in candidates if h is not None and h.profile is not None]
    if not shown:
        return None
    figure = Figure(figsize=(7.2, 2.9), layout="constrained")
    axes = figure.add_subplot()
    for halo, profile, name, color, style in shown:
        axes.plot(profile.depth, profile.smoothed, style, color=color, linewidth=1.8, label=name)
        for depth, mark, what in ((halo.trough_depth, "v", "trough"), (halo.rim_depth, "^", "rim")):
            if depth is not None:
                axes.plot(
                    depth,
                    np.interp(depth, profile.depth, profile.smoothed),
                    mark,
                    color=color,
                    markersize=7,
                    label=f"{what}, {name}",
                )
    # Behind the skin line, where air mixes in; and a flat profile shall look flat: at least 10% of the window, five
    # times what counts as a halo.
    behind = [p.smoothed[round(SKIN_LINE_FRACTION * len(p.smoothed)) :] for _, p, *_ in shown]
    low, high = min(float(v.min()) for v in behind), max(float(v.max()) for v in behind)
    margin = 0.08 * (high - low) + max(0.0, 5 * max(halo.threshold for halo, *_ in shown) - (high - low)) / 2
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlabel(f"depth behind the skin edge ({shown[0][0].depth_unit})")
    axes.set_ylabel(f"median value\n({units})")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, frameon=False, ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _uri("image/svg+xml", buffer.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
