"""Region editor: name, background, color and lock of the selected region."""

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.scene.regions.info import RegionInfo, RegionKind
from CEMSynthLib.scene.regions.region_set import RegionSet


class RegionEditor:
    """Connects the widgets that change one region.

    Parameters
    ----------
    ui
        The child widgets by name.
    regions
        The regions of the scene.
    change
        Does a change and shows its error.
    """

    def __init__(self, ui: Any, regions: RegionSet, change: Callable[[Callable[[], object]], None]) -> None:
        self._ui, self._regions, self._change = ui, regions, change
        self._key = ""
        self._showing = False
        ui.regionNameLineEdit.connect("editingFinished()", self.onNameEdited)
        ui.regionBackgroundComboBox.connect("activated(int)", self.onBackgroundActivated)
        ui.regionColorButton.connect("colorChanged(QColor)", self.onColorChanged)
        ui.regionLockedCheckBox.connect("clicked()", self.onLockedClicked)

    def region(self) -> RegionInfo | None:
        """The region that is edited, as it is now."""
        return next((region for region in self._regions.regions() if region.key == self._key), None)

    def show(self, key: str) -> None:
        """Edit a region; an empty key: none."""
        self._key = key
        region = self.region()
        ui, self._showing = self._ui, True
        try:
            nothing = "" if region is not None else _("Select a region in the list first.")
            ring = region is not None and region.kind is RegionKind.RING
            segment = region is not None and region.kind is RegionKind.SEGMENT
            for widget, why, toolTip in (
                (ui.regionNameLineEdit, nothing, _("Name of the selected region.")),
                (ui.regionColorButton, nothing, _("Color of the selected region.")),
                (
                    ui.regionLockedCheckBox,
                    nothing
                    or (_("A ring follows its lesion and is never dragged.") if ring else "")
                    or (_("A segment is changed in Segment Editor.") if segment else ""),
                    _("Keep the selected region from being dragged."),
                ),
                (
                    ui.regionBackgroundComboBox,
                    self._withoutBackground(region),
                    _("Background of the selected lesion. By rule: its ring, the only one, or that of the same name."),
                ),
            ):
                widget.enabled = not why
                widget.toolTip = why or toolTip
            if region is None:
                ui.regionNameLineEdit.text = ""
                ui.regionBackgroundComboBox.clear()
                return
            if ui.regionNameLineEdit.text != region.name:
                ui.regionNameLineEdit.text = region.name
            ui.regionColorButton.color = qt.QColor.fromRgbF(*region.color)
            ui.regionLockedCheckBox.checked = region.locked
            self._showBackgrounds(region)
        finally:
            self._showing = False

    def onNameEdited(self) -> None:
        """The name was edited."""
        region, name = self.region(), self._ui.regionNameLineEdit.text
        if region is not None and not self._showing and name != region.name:
            self._change(lambda: self._regions.rename(region.key, name))

    def onBackgroundActivated(self, index: int) -> None:
        """The user chose a background."""
        region, background = self.region(), str(self._ui.regionBackgroundComboBox.currentData or "")
        if region is not None and background != region.background:
            self._change(lambda: self._regions.set_background(region.key, background))

    def onColorChanged(self, color: Any) -> None:
        """The user chose a color."""
        region = self.region()
        if region is not None and not self._showing:
            chosen = (color.redF(), color.greenF(), color.blueF())
            self._change(lambda: self._regions.set_color(region.key, chosen))

    def onLockedClicked(self) -> None:
        """The user locked the region or unlocked it."""
        region, locked = self.region(), bool(self._ui.regionLockedCheckBox.checked)
        if region is not None:
            self._change(lambda: self._regions.set_locked(region.key, locked))

    def _withoutBackground(self, region: RegionInfo | None) -> str:
        if region is None or region.role is not RegionRole.LESION:
            return str(_("Select a lesion in the list first."))
        return ""

    def _showBackgrounds(self, region: RegionInfo) -> None:
        box = self._ui.regionBackgroundComboBox
        box.clear()
        if region.role is not RegionRole.LESION:
            return
        box.addItem(_("by rule"), "")
        for other in self._regions.regions():
            if other.role is RegionRole.BACKGROUND:
                box.addItem(other.name, other.key)
        index = box.findData(region.background)
        box.setCurrentIndex(max(index, 0))
