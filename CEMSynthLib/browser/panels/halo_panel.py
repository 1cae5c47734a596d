"""Halo panel: the halo of clinical and synthetic image in numbers and as a profile, drawn over the images."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.halo_work import HaloWork, MeasuringCanceledError
from CEMSynthLib.browser.keys import Key
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.panels.halo_widgets import build_halo
from CEMSynthLib.browser.profile_svg import profile_svg
from CEMSynthLib.browser.region_rows import NONE, hex_color
from CEMSynthLib.browser.soon import Soon
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.halo.by_hand import draw_again, hand_drawn
from CEMSynthLib.scene.halo.in_scene import HaloInScene
from CEMSynthLib.scene.halo.tables import CLINICAL, LINE_COLORS, SYNTHETIC, HaloRow

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
    from CEMSynthLib.scene.halo.input import HaloInput
    from CEMSynthLib.scene.halo.line_by_hand import LineResult
    from CEMSynthLib.scene.halo.measurement import HaloMeasurement

# A drag of the skin edge measures everything again, so it waits for the hand to rest; a drag of the line is followed.
EDGE_RESTS_S = 0.6
LINE_S = 0.05
DEPTHS = ("mm", "pixels")
MEASURES = {
    "step": "Step: rim minus trough",
    "mean step over sectors, 95% interval": "Mean of sectors (95%)",
    "threshold": "Threshold: 2% of window",
    "rim excess": "Rim minus interior",
    "trough depth": "Depth of trough",
    "rim depth": "Depth of rim",
    "band width": "Width of dark band",
    "noise": "Noise",
    "halo retained": "Step / clinical step",
    "difference of steps": "Step minus clinical step",
}


class HaloPanel(Panel):
    """Drives a `HaloInScene`."""

    name = "halo"
    title = "Halo"
    icon = "mdi-chart-bell-curve"

    def __init__(self, app: "ReviewApp") -> None:
        super().__init__(app)
        #: The halo in the scene.
        self.halo = HaloInScene(app.scene, self._on_edge, self._on_line)
        self._work = HaloWork(self._on_progress)
        self._edge_rests = Soon(EDGE_RESTS_S, self._start)
        self._line_moved = Soon(LINE_S, self._follow_line)
        self._shown: AcquisitionVolumes | None = None
        self.state.halo_fraction = 0
        self.state.halo_lines = self.state.halo_sectors = False
        self.state.halo_width = 0.0
        self.state.change("halo_lines", "halo_sectors")(self._on_switch)
        app.keys.add(
            Key("m", "M", "measure the halo, or cancel", self.measure_or_cancel, self.title),
            Key("g", "G", "lines 5, 10, 15 mm behind the skin", lambda: self._flip("halo_lines"), self.title),
            Key("s", "S", "steps by sector", lambda: self._flip("halo_sectors"), self.title),
        )

    def build(self) -> None:
        """Button, verdicts, profile, numbers, line by hand."""
        build_halo(self)

    # What happens to the page

    def on_shown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Draw over the images of this acquisition, which may have to be measured for it."""
        self._stop()
        self._shown = volumes
        self._draw()
        if volumes is not None and self._wanted() and self.halo.measured(volumes) is None:
            self._start()

    def refresh(self) -> None:
        """Show button, numbers, profile and line as they are now."""
        shown, state = self._shown, self.state
        measured = self.halo.measured(shown) if shown is not None else None
        rows = self.halo.rows(shown.key) if shown is not None else []
        state.halo_running = self._work.running
        state.halo_missing = self._missing()
        state.halo_stale = bool(rows) and measured is None and not self._work.running
        state.halo_measured = measured is not None
        state.halo_verdicts = _verdicts(rows)
        state.halo_rows = _lines(rows)
        state.halo_units = units = next((row.unit for row in rows if row.measure == "step"), "")
        state.halo_legend = _legend(measured) if measured is not None else []
        state.halo_profile = _profile(measured, units) if measured is not None else ""
        state.halo_edge = shown is not None and self.halo.edge(shown.key) is not None
        state.halo_depth_unit = "mm" if self._has_spacing() else "pixels"
        self._show_line()

    def work(self) -> dict[str, Any]:
        """Which drawings are shown, and what was drawn by hand."""
        shown = {"lines": bool(self.state.halo_lines), "sectors": bool(self.state.halo_sectors)}
        return {**shown, "drawn": hand_drawn(self.app.scene)}

    def restore(self, work: dict[str, Any]) -> None:
        """Show and draw them again."""
        drawn = work.get("drawn")
        draw_again(self.app.scene, drawn if isinstance(drawn, list) else [])
        self.state.halo_lines, self.state.halo_sectors = bool(work.get("lines")), bool(work.get("sectors"))
        self.on_shown(self._shown)

    def close(self) -> None:
        """Let go of thread, timers and nodes."""
        self._stop()
        self.halo.release()

    # What the user does

    def measure_or_cancel(self) -> None:
        """Measure, or stop measuring."""
        if self._work.running:
            self._stop()
            self.refresh()
        elif not self._missing():
            self._start()

    def toggle_edge(self) -> None:
        """Lay out the skin edge, whose points are dragged, or come back to the edge that is found."""
        if self._shown is None:
            return
        if self.halo.edge(self._shown.key) is None:
            self._try(self.halo.correct_edge)
        else:
            self.halo.remove_edge(self._shown.key)
            self._start()
            self.refresh()

    def add_line(self) -> None:
        """Lay a line across the edge, or bring it back there."""
        self._try(self.halo.add_line)

    def remove_line(self) -> None:
        """Remove the line."""
        if self._shown is not None:
            self.halo.remove_line(self._shown.key)
            self.app.touched()
            self.refresh()

    def set_width(self, text: str) -> None:
        """Another width of the band around the line."""
        try:
            width = float(text)
        except (TypeError, ValueError):
            width = -1.0
        if self._shown is not None and width >= 0:
            self.halo.set_line_width(self._shown.key, width)
        self._show_line()

    # Measuring

    def _start(self) -> None:
        self._stop()
        if self._shown is not None and not self._missing():
            try:
                given = self.halo.prepare(self._shown)
            except CEMSynthError as error:
                self.app.say(str(error))
            else:
                self.app.later(self._measure(given))

    async def _measure(self, given: "HaloInput") -> None:
        self._on_progress(0.0)
        work = self._work.run(given)
        with self.state:
            self.state.halo_running = True
        try:
            measured = await work
        except MeasuringCanceledError:
            return
        except CEMSynthError as error:
            self.app.say(str(error))
        else:
            self.halo.publish(measured)
            self._draw()
        with self.state:
            self.refresh()

    def _on_progress(self, fraction: float) -> None:
        with self.state:
            self.state.halo_fraction = round(100 * fraction)

    def _stop(self) -> None:
        self._work.cancel()
        self._edge_rests.cancel()
        self._line_moved.cancel()

    # Following

    def _on_edge(self, key: str) -> None:
        self.app.touched()
        if self._shown is not None and self._shown.key == key:
            self._edge_rests.restart()

    def _on_line(self, key: str) -> None:
        self.app.touched()
        if self._shown is not None and self._shown.key == key:
            self._line_moved.ask()

    def _follow_line(self) -> None:
        with self.state:
            self._show_line()

    def _on_switch(self, **_: Any) -> None:
        self._draw()
        shown = self._shown
        if shown is not None and self._switched() and self.halo.measured(shown) is None and not self._work.running:
            self._start()
        self.app.touched()

    # Inside

    def _draw(self) -> None:
        self.halo.show(self._shown, bool(self.state.halo_lines), bool(self.state.halo_sectors))

    def _show_line(self) -> None:
        shown, state = self._shown, self.state
        node = self.halo.line(shown.key) if shown is not None else None
        found = self.halo.update_line(shown.key) if shown is not None and node is not None else None
        state.halo_line = node is not None
        state.halo_line_problem = found.problem if found is not None else ""
        if node is not None:
            state.halo_width = float(node.GetAttribute(names.BAND_WIDTH) or 0.0)
        unit = "mm" if self._has_spacing() else "pixels"
        state.halo_line_rows = _line_rows(found, unit) if found is not None and found.results else []
        state.halo_line_profile = profile_svg(found.results, unit, state.halo_units) if found is not None else ""

    def _try(self, action: "Callable[[AcquisitionVolumes], object]") -> None:
        if self._shown is None:
            return
        try:
            action(self._shown)
        except CEMSynthError as error:
            self.app.say(str(error))
        self.app.touched()
        self.refresh()

    def _flip(self, name: str) -> None:
        self.state[name] = not self.state[name]

    def _switched(self) -> bool:
        return bool(self.state.halo_lines or self.state.halo_sectors)

    def _wanted(self) -> bool:
        """Whether something is shown that needs the measurement."""
        key = self._shown.key if self._shown is not None else ""
        return self._switched() or self.halo.line(key) is not None or self.halo.edge(key) is not None

    def _missing(self) -> str:
        shown = self._shown
        if shown is None:
            return "Open a study and select an acquisition first."
        if shown.low_energy is None:
            return "Needs the low-energy image, in which skin, nipple and pectoral muscle are found."
        if shown.recombined is None and shown.synthetic is None:
            return "Needs a clinical or a synthetic iodine image."
        return ""

    def _has_spacing(self) -> bool:
        low = self._shown.low_energy if self._shown is not None else None
        return low is not None and low.GetAttribute(names.SPACING_KNOWN) == "yes"


def _verdicts(rows: Sequence[HaloRow]) -> list[dict[str, str]]:
    there = {row.measure: row for row in rows}
    if "verdict" not in there or "reason" not in there:
        return []
    verdict, reason = there["verdict"], there["reason"]
    found = [(CLINICAL, verdict.clinical, reason.clinical), (SYNTHETIC, verdict.synthetic, reason.synthetic)]
    return [{"image": i, "word": word, "reason": why} for i, word, why in found if word != "no such image"]


def _lines(rows: Sequence[HaloRow]) -> list[dict[str, str]]:
    def short(text: str) -> str:
        return NONE if text in ("no such image", "-") else text

    return [
        {
            "name": MEASURES[row.measure],
            "unit": row.unit if row.unit in DEPTHS else "",
            CLINICAL: short(row.clinical),
            SYNTHETIC: short(row.synthetic),
        }
        for row in rows
        if row.measure in MEASURES
    ]


def _line_rows(found: "LineResult", unit: str) -> list[dict[str, str]]:
    there = {which: found.results.get(which) for which in (CLINICAL, SYNTHETIC)}

    def row(name: str, unit: str, field: str) -> dict[str, str]:
        texts = {}
        for which, result in there.items():
            value = getattr(result, field) if result is not None else None
            texts[which] = f"{value:.4g}" if value is not None else NONE if result is None else "no band"
        return {"name": name, "unit": unit, **texts}

    return [
        row(MEASURES["step"], "", "step"),
        row(MEASURES["trough depth"], unit, "trough_depth"),
        row(MEASURES["rim depth"], unit, "rim_depth"),
        row(MEASURES["band width"], unit, "band_width"),
    ]


def _legend(measured: "HaloMeasurement") -> list[dict[str, str]]:
    """Which color is which distance."""
    return [
        {"color": hex_color(color), "text": f"{line.distance:g} {line.unit}"}
        for line, color in zip(measured.lines, LINE_COLORS, strict=False)
    ]


def _profile(measured: "HaloMeasurement", units: str) -> str:
    unit = "mm" if measured.input.spacing_mm else "pixels"
    return profile_svg({CLINICAL: measured.clinical, SYNTHETIC: measured.synthetic}, unit, units)
