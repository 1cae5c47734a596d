"""Regions panel: draw a region once in any view, see its numbers on all images while it is dragged."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.drawing import Drawing
from CEMSynthLib.browser.keys import Key
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.panels.region_widgets import build_regions
from CEMSynthLib.browser.region_rows import FORMULAS, color_of, region_cards, region_numbers
from CEMSynthLib.browser.region_work import region_from_json, region_to_json
from CEMSynthLib.browser.soon import Soon
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.measurement.cnr import CNRFormula
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.shapes import Points
from CEMSynthLib.scene.regions.files import import_regions
from CEMSynthLib.scene.regions.info import RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.scene.regions.table import write_table

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.measurement.markups import TiedRegion
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

#: Moves of the mouse within this time are answered once.
COALESCE_S = 0.05
#: Uncertainties are computed when nothing has changed for so long, one at a time; between two the page answers.
REST_S = 0.25
NEXT_S = 0.01
#: In place of a patient's ID.
HIDDEN = "\N{HORIZONTAL ELLIPSIS}"
HINTS = {
    RegionKind.RECTANGLE: "Click two opposite corners in a view. Esc gives up.",
    RegionKind.ELLIPSE: "Click two opposite corners of its box in a view. Esc gives up.",
    RegionKind.CURVE: "Press in a view, draw around the region, release. Esc gives up.",
}


class RegionsPanel(Panel):
    """Drives the `RegionSet` of the application."""

    name = "regions"
    title = "Regions"
    icon = "mdi-shape-outline"

    def __init__(self, app: "ReviewApp") -> None:
        super().__init__(app)
        self._changed = Soon(COALESCE_S, self._follow)
        self._rest = Soon(REST_S, self._add_uncertainty)
        #: The regions of the scene.
        self.regions = RegionSet(app.scene, self._on_changed)
        self._drawing = Drawing(app, self.regions, self._on_line)
        self.state.regions_role = RegionRole.LESION.value
        self.state.regions_formula = CNRFormula.SD_BACKGROUND.value
        self.state.regions_drawing = ""
        self.state.regions_hint = ""
        self.state.regions_round = 0
        self.state.regions_titles = {formula.value: short for formula, (short, _) in FORMULAS.items()}
        self.state.change("regions_formula")(self._on_formula)
        self.state.change("compare_tool")(self._on_tool)
        self.state.change("study_hide_names")(self._on_hidden)
        app.keys.add(*self._keys())

    @property
    def formula(self) -> CNRFormula:
        """The figure of the last column."""
        return CNRFormula(self.state.regions_formula)

    def build(self) -> None:
        """Buttons, list and numbers."""
        build_regions(self)

    # What happens to the page

    def on_shown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Measure on the images of another acquisition."""
        self._drawing.stop()
        self.regions.show(volumes)

    def refresh(self) -> None:
        """Show list, numbers and buttons as the regions are now."""
        kind = self._drawing.kind
        self.state.regions_drawing = kind.value if kind is not None else ""
        self.state.regions_hint = HINTS[kind] if kind is not None else ""
        cards = region_cards(self.regions)
        for card in cards:
            card["name"], card["background"] = self._without_patient(card["name"], card["background"])
        self.state.regions_cards = cards
        self.state.regions_selected = self.regions.selected
        self.state.regions_backgrounds = [
            {"key": region.key, "name": self._without_patient(region.name)[0]}
            for region in self.regions.regions()
            if region.role is RegionRole.BACKGROUND
        ]
        self.state.regions_can_undo = self.regions.can_undo
        self.state.regions_can_redo = self.regions.can_redo
        self._show_numbers()

    def work(self) -> dict[str, Any]:
        """All regions, of all acquisitions, and the figure that is shown."""
        drawn = [region_to_json(region) for region in self.regions.all_regions()]
        return {"regions": [one for one in drawn if one is not None], "formula": self.formula.value}

    def restore(self, work: dict[str, Any]) -> None:
        """Draw the regions again, without those that are there already."""
        there = {region.key for region in self.regions.all_regions()}
        kept = work.get("regions")
        found = [region_from_json(one) for one in kept] if isinstance(kept, list) else []
        new = [region for region in found if region is not None and region.key not in there]
        if new:
            self.regions.add_all(new)
        if work.get("formula") in {formula.value for formula in CNRFormula}:
            self.state.regions_formula = work["formula"]

    def take(self, tied: "Sequence[TiedRegion]") -> list[str]:
        """Draw regions from markups files on their acquisitions; returns a sentence for each one that was left out."""
        rows = self.app.study.rows()
        opened = {row.key: found for row in rows if (found := self.app.study.acquisition(row.key)) is not None}
        return import_regions(self.regions, self.app.scene, tied, opened)[1]

    def close(self) -> None:
        """Let go of timers, views and call-backs."""
        self._drawing.stop()
        self._changed.cancel()
        self._rest.cancel()
        self.regions.release()

    # Drawing

    def draw(self, kind: str) -> None:
        """Draw a rectangle, an ellipse or a line; asked again for the same, give up."""
        again = self.state.regions_drawing == kind
        self._drawing.stop()
        if again or not self.app.selected:
            self.refresh()
        else:
            self.state.page_tab = self.name
            self._change(lambda: self._drawing.start(RegionKind(kind), RegionRole(self.state.regions_role)))

    def give_up(self) -> None:
        """Stop drawing, and close the help sheet."""
        self.state.page_help_open = False
        if self._drawing.kind is not None:
            self._drawing.stop()
            self.refresh()

    # Changing

    def select(self, key: str) -> None:
        """Give a region its handles."""
        if any(region.key == key for region in self.regions.regions()):
            self.regions.select(key)
            self.state.regions_selected = key

    def rename(self, key: str, name: str) -> None:
        """Give a region another name."""
        # A name that is shown without the patient's ID was not typed like that.
        if any(region.key == key and self._without_patient(region.name) == [name] for region in self.regions.regions()):
            return
        self._change(lambda: self.regions.rename(key, name))
        # The card goes on showing what was typed where it was not taken, unless it is made anew.
        if not any(region.key == key and region.name == name for region in self.regions.regions()):
            self.state.regions_round += 1

    def recolor(self, key: str, text: str) -> None:
        """Draw a region in another color."""
        color = color_of(text)
        if color is not None:
            self._change(lambda: self.regions.set_color(key, color))

    def lock(self, key: str, locked: bool) -> None:
        """Keep a region from being dragged, or let it be dragged again."""
        self._change(lambda: self.regions.set_locked(key, locked))

    def choose_background(self, key: str, background: str) -> None:
        """Choose the background of a lesion; empty: by rule."""
        self._change(lambda: self.regions.set_background(key, background))

    def add_ring(self, key: str) -> None:
        """Make a background ring around a lesion."""
        self._change(lambda: self.regions.add_ring(key))

    def delete(self, key: str = "") -> None:
        """Delete a region (empty: the selected one); undo brings it back."""
        wanted = key or self.regions.selected
        if wanted:
            self._change(lambda: self.regions.delete(wanted))

    def undo(self) -> None:
        """Take the last change back."""
        self._change(self.regions.undo)

    def redo(self) -> None:
        """Do again what was taken back."""
        self._change(self.regions.redo)

    # Following

    def _on_changed(self) -> None:
        """A region, an image or the scene changed; it comes for each move of the mouse."""
        self._changed.ask()

    def _follow(self) -> None:
        self.regions.recompute()
        with self.state:
            if self.regions.dragging:
                self._show_numbers()
            else:
                self.refresh()
        self._rest.restart()
        self.app.touched()

    def _add_uncertainty(self) -> None:
        if self.regions.dragging or self.regions.placing:
            return
        if self.regions.add_uncertainty():
            with self.state:
                self._show_numbers()
            self._rest.restart(NEXT_S)
        else:
            self._publish()

    def _publish(self) -> None:
        """Put the rows into the scene's table, now that they are complete."""
        shown, rows = self.app.comparison.volumes, self.regions.rows()
        if shown is not None and rows:
            write_table(self.app.scene, shown.key, shown.name, rows, self.formula)

    # Inside

    def _show_numbers(self) -> None:
        numbers = region_numbers(self.regions.rows(), self.formula)
        for one in numbers.values():
            (one["note"],) = self._without_patient(one["note"])
        self.state.regions_numbers = numbers

    def _without_patient(self, *texts: str) -> list[str]:
        """Texts as they are shown: files of regions are named by patient, and the user may hide patients."""
        hidden = {row.patient_id for row in self.app.study.rows()} if self.state.study_hide_names else set()
        shown = list(texts)
        for patient in hidden - {""}:
            shown = [text.replace(patient, HIDDEN) for text in shown]
        return shown

    def _change(self, work: Callable[[], object]) -> None:
        """Do something to the regions; what cannot be done is told."""
        try:
            work()
        except CEMSynthError as error:
            self.app.say(str(error))
        self.refresh()

    def _on_line(self, role: RegionRole, points: Points) -> None:
        with self.state:
            self._change(lambda: self.regions.add_curve(role, points))

    def _on_formula(self, **_: Any) -> None:
        self._show_numbers()
        self._rest.restart()
        self.app.touched()

    def _on_tool(self, **_: Any) -> None:
        if self._drawing.kind is not None:
            self._drawing.stop()
            self.refresh()

    def _on_hidden(self, **_: Any) -> None:
        self.refresh()

    def _flip_role(self) -> None:
        lesion, background = RegionRole.LESION.value, RegionRole.BACKGROUND.value
        self.state.regions_role = background if self.state.regions_role == lesion else lesion

    def _keys(self) -> list[Key]:
        def draw(kind: RegionKind) -> Callable[[], None]:
            return lambda: self.draw(kind.value)

        return [
            Key("q", "Q", "draw a rectangle", draw(RegionKind.RECTANGLE), self.title),
            Key("e", "E", "draw an ellipse", draw(RegionKind.ELLIPSE), self.title),
            Key("d", "D", "draw by hand", draw(RegionKind.CURVE), self.title),
            Key("t", "T", "lesion / background", self._flip_role, self.title),
            Key("Delete", "Del", "delete the selected region", self.delete, self.title),
            Key("u", "U", "undo", self.undo, self.title),
            Key("y", "Y", "redo", self.redo, self.title),
            Key("Escape", "Esc", "give up drawing", self.give_up, self.title),
        ]
