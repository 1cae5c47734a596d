"""Compare section: layouts, fade and blink, windows, zoom, and marks in the views."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from CEMSynthLib.desktop.section import Section
from CEMSynthLib.desktop.shortcuts import Shortcuts, keyText, withKey
from CEMSynthLib.scene.comparison import Comparison
from CEMSynthLib.scene.hanging import neighbor
from CEMSynthLib.scene.layout import VIEWS, Content, Layout
from CEMSynthLib.scene.presets import Preset, PresetKind

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

BLINK_MS = 700
# Ctrl+Shift+A, T and Space belong to Slicer's markups; on macOS (Cmd+Shift) 3, 4, 5 and Q to the system.
LAYOUT_KEYS = {
    Layout.LOW_CLINICAL_SYNTHETIC: "Ctrl+Shift+E",
    Layout.CLINICAL_SYNTHETIC: "Ctrl+Shift+C",
    Layout.CLINICAL_SYNTHETIC_DIFFERENCE: "Ctrl+Shift+D",
    Layout.HANGING: "Ctrl+Shift+H",
    Layout.ONE_LARGE: "Ctrl+Shift+O",
}


class CompareSection(Section):
    """Connects the widgets of CompareSection.ui with the comparison."""

    def __init__(self, ui: Any, logic: Any, panel: "Panel") -> None:
        super().__init__(ui, logic, panel)
        self._presetsOf = ""
        self._timer = qt.QTimer()
        self._timer.setInterval(BLINK_MS)
        self._timer.connect("timeout()", self.onBlinkTimeout)
        for layout, label in layoutLabels().items():
            ui.compareLayoutComboBox.addItem(label, layout.name)
        for content, label in contentLabels().items():
            ui.compareContentComboBox.addItem(label, content.name)
        self._switches = (
            (ui.linkViewsCheckBox, "linked"),
            (ui.invertCheckBox, "inverted"),
            (ui.linkedCursorCheckBox, "cursor"),
            (ui.rulerCheckBox, "ruler"),
            (ui.cornerTextCheckBox, "corner"),
        )
        ui.compareLayoutComboBox.connect("activated(int)", self.onLayoutActivated)
        ui.compareContentComboBox.connect("activated(int)", self.onContentActivated)
        ui.comparePresetComboBox.connect("activated(int)", self.onPresetActivated)
        ui.compareFadeSlider.connect("valueChanged(double)", self.onFadeChanged)
        for box, _field in self._switches:
            box.connect("toggled(bool)", self.onSwitchToggled)
        ui.blinkButton.connect("toggled(bool)", self.onBlinkToggled)
        ui.showButton.clicked.connect(self.onShowClicked)
        ui.previousAcquisitionButton.clicked.connect(self.onPreviousClicked)
        ui.nextAcquisitionButton.clicked.connect(self.onNextClicked)
        ui.resetWindowButton.clicked.connect(self.onResetWindowClicked)
        ui.fitButton.clicked.connect(self.onFitClicked)
        ui.actualPixelsButton.clicked.connect(self.onActualPixelsClicked)
        self._keys = self._keysOfWidgets()
        # Another section can forbid comparing: the reader study, beside blinded images.
        self._shortcuts = Shortcuts(self._actions(), lambda: bool(ui.compareCollapsibleButton.enabled))
        ui.shortcutsLabel.text = self._help()
        self.comparison.changed = self.showState

    @property
    def comparison(self) -> Comparison:
        """What is compared and how."""
        comparison: Comparison = self.logic.views.comparison
        return comparison

    def enter(self) -> None:
        """Turn the shortcuts on."""
        self._shortcuts.enable()

    def exit(self) -> None:
        """Turn the shortcuts and the blinking off."""
        self._shortcuts.remove()
        self._stopBlink()

    def onShown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Another acquisition has other windows to choose from; a deleted image leaves its view."""
        if volumes is not None:
            self.comparison.apply()
        key = volumes.key if volumes is not None else ""
        box = self.ui.comparePresetComboBox
        # An image more or less of the same acquisition leaves its window as it is.
        chosen = box.currentData if key == self._presetsOf else None
        self._presetsOf = key
        wasBlocked = box.blockSignals(True)
        box.clear()
        for preset in self.comparison.presets() if volumes is not None else []:
            box.addItem(presetLabel(preset), preset.name)
        if chosen is not None and box.findData(chosen) >= 0:
            box.setCurrentIndex(box.findData(chosen))
        box.blockSignals(wasBlocked)
        if not self.comparison.can_compare:
            self._stopBlink()

    def onSceneClosed(self) -> None:
        """Stop what shows nodes."""
        self._stopBlink()

    def cleanup(self) -> None:
        """Let go of timer, shortcuts and comparison."""
        self.exit()
        self.comparison.changed = lambda: None

    def onLayoutActivated(self, index: int) -> None:
        """Another layout was chosen."""
        self.chooseLayout(Layout[self.ui.compareLayoutComboBox.itemData(index)])

    def chooseLayout(self, layout: Layout) -> None:
        """Arrange the views."""
        self.comparison.update(layout=layout)
        self.logic.views.updateLabels()

    def onContentActivated(self, index: int) -> None:
        """Another image was chosen for the large and the hanging views."""
        self.comparison.update(content=Content[self.ui.compareContentComboBox.itemData(index)])

    def onPresetActivated(self, index: int) -> None:
        """A window was chosen."""
        self.comparison.choose_preset(self.ui.comparePresetComboBox.itemData(index))

    def onFadeChanged(self, value: float) -> None:
        """The slider was moved."""
        self._stopBlink()
        self.comparison.update(fade=value / 100)

    def onSwapTriggered(self) -> None:
        """Show the other one of clinical and synthetic image."""
        if self.comparison.can_compare:
            self._stopBlink()
            self.comparison.update(fade=0.0 if self.comparison.state.fade > 0 else 1.0)

    def onSwitchToggled(self, checked: bool) -> None:
        """A box was checked or unchecked."""
        self.comparison.update(**{name: bool(box.checked) for box, name in self._switches})

    def onBlinkToggled(self, checked: bool) -> None:
        """Start or stop blinking."""
        if checked:
            self._timer.start()
            self.comparison.step_blink()
        else:
            self._timer.stop()
            self.comparison.stop_blink()

    def onBlinkTimeout(self) -> None:
        """Time for the other image."""
        if self.ui.compareCollapsibleButton.enabled:
            self.comparison.step_blink()
        else:
            self._stopBlink()

    def onShowClicked(self) -> None:
        """Show the selected acquisition (again): layout, images, field of view."""
        if self.panel.selectedKey():
            self.panel.show(self.panel.selectedKey())
            self.comparison.fit()

    def onPreviousClicked(self) -> None:
        """Show the acquisition before."""
        self._step(-1)

    def onNextClicked(self) -> None:
        """Show the next acquisition."""
        self._step(1)

    def onResetWindowClicked(self) -> None:
        """Come back to the images' own windows."""
        self.comparison.reset_window()
        box = self.ui.comparePresetComboBox
        box.setCurrentIndex(box.findData(PresetKind.OWN.value))

    def onFitClicked(self) -> None:
        """Fit the images into the views."""
        self.comparison.fit()

    def onActualPixelsClicked(self) -> None:
        """Show one image pixel as one screen pixel, where the mouse is if it is in a view."""
        self.comparison.show_actual_pixels(self.comparison.place_under_mouse())

    def refresh(self) -> None:
        """Show the state; a disabled widget says in its tooltip what is missing."""
        self.showState()
        nothing = self._nothing()
        pair = nothing or (
            ""
            if self.comparison.can_compare
            else _("Needs a clinical and a synthetic image; synthesize one in the section above.")
        )
        few = "" if len(self.logic.study.rows()) > 1 else _("There is no other acquisition.")
        for widget, missing, toolTip in (
            (self.ui.showButton, nothing, _("Show this layout with the selected acquisition again.")),
            (self.ui.previousAcquisitionButton, nothing or few, _("Show the acquisition before.")),
            (self.ui.nextAcquisitionButton, nothing or few, _("Show the next acquisition.")),
            (self.ui.compareFadeSlider, pair, _("Views of the synthetic image: 0 % clinical, 100 % SYNTHETIC.")),
            (self.ui.blinkButton, pair, _("Show clinical and synthetic image in turn.")),
            (self.ui.comparePresetComboBox, nothing, _("Window of the iodine images, clinical and synthetic alike.")),
            (self.ui.resetWindowButton, nothing, _("Come back to the images' own windows.")),
            (self.ui.invertCheckBox, "", _("Exchange black and white.")),
            (self.ui.fitButton, nothing, _("Fit the images into the views.")),
            (self.ui.actualPixelsButton, nothing, _("Show one image pixel as one screen pixel; by key, at the mouse.")),
            (self.ui.linkViewsCheckBox, "", _("Zoom and pan the views together.")),
            (self.ui.linkedCursorCheckBox, "", _("Mark the place under the mouse in the other views.")),
            (self.ui.rulerCheckBox, "", _("Scale bar: mm where the spacing is known, pixels where not.")),
            (self.ui.cornerTextCheckBox, "", _("Name, minutes since injection, thickness and kVp in the corner.")),
        ):
            self._enable(widget, missing, toolTip)
        self.ui.compareLayoutComboBox.toolTip = withKey(
            _("How the views are arranged."), ", ".join(LAYOUT_KEYS.values())
        )

    def showState(self) -> None:
        """Show what the user chose; quick enough for every step of a slider."""
        state = self.comparison.state
        _quietly(self.ui.compareLayoutComboBox, "currentIndex", list(layoutLabels()).index(state.layout))
        _quietly(self.ui.compareContentComboBox, "currentIndex", list(contentLabels()).index(state.content))
        _quietly(self.ui.compareFadeSlider, "value", 100 * state.fade)
        for box, name in self._switches:
            _quietly(box, "checked", getattr(state, name))
        self._showMissing()
        fixed = (
            ""
            if any(spec.content is None for spec in VIEWS[state.layout])
            else _("The layout says what its views show; choose one large view or the hanging views first.")
        )
        toolTip = _("What the large view and the hanging views show.")
        self._enable(self.ui.compareContentComboBox, self._nothing() or fixed, toolTip)

    def _nothing(self) -> str:
        return "" if self.panel.selectedKey() else str(_("Open a study and select an acquisition first."))

    def _enable(self, widget: Any, missing: str, toolTip: str) -> None:
        widget.enabled = not missing
        widget.toolTip = missing or withKey(toolTip, next((key for w, key, _action in self._keys if w is widget), ""))

    def _showMissing(self) -> None:
        """Say why views are empty."""
        labels = contentLabels()
        lacking = self.comparison.missing() if self.comparison.volumes is not None else []
        what = ", ".join(f"{cell} {labels[content]}".strip() for cell, content in lacking)
        self.ui.compareNoteLabel.text = _("Not there: {what}").format(what=what) if what else ""
        self.ui.compareNoteLabel.visible = bool(what)

    def _step(self, step: int) -> None:
        key = neighbor(self.logic.study.rows(), self.panel.selectedKey(), step)
        if key:
            self.panel.select(key)

    def _stopBlink(self) -> None:
        if self.ui.blinkButton.checked:
            self.ui.blinkButton.checked = False  # onBlinkToggled stops it

    def _keysOfWidgets(self) -> list[tuple[Any, str, Callable[[], None]]]:
        """Widgets with their key and what it does."""
        ui = self.ui
        boxes = (
            (ui.blinkButton, "Ctrl+Shift+B"),
            (ui.invertCheckBox, "Ctrl+Shift+I"),
            (ui.linkViewsCheckBox, "Ctrl+Shift+L"),
            (ui.linkedCursorCheckBox, "Ctrl+Shift+X"),
            (ui.rulerCheckBox, "Ctrl+Shift+R"),
            (ui.cornerTextCheckBox, "Ctrl+Shift+K"),
        )
        return [
            (ui.previousAcquisitionButton, "Ctrl+Shift+P", self.onPreviousClicked),
            (ui.nextAcquisitionButton, "Ctrl+Shift+N", self.onNextClicked),
            (ui.compareFadeSlider, "Ctrl+Shift+S", self.onSwapTriggered),
            (ui.resetWindowButton, "Ctrl+Shift+W", self.onResetWindowClicked),
            (ui.fitButton, "Ctrl+Shift+F", self.onFitClicked),
            (ui.actualPixelsButton, "Ctrl+Shift+M", self.onActualPixelsClicked),
            *((box, key, partial(_toggle, box)) for box, key in boxes),
        ]

    def _actions(self) -> dict[str, Callable[[], None]]:
        actions = {key: partial(self.chooseLayout, layout) for layout, key in LAYOUT_KEYS.items()}
        return actions | {key: action for _widget, key, action in self._keys}

    def _help(self) -> str:
        """The keys, one a line."""
        names = {LAYOUT_KEYS[layout]: label for layout, label in layoutLabels().items()}
        names |= {key: str(getattr(widget, "text", "")) for widget, key, _action in self._keys}
        names["Ctrl+Shift+S"] = _("clinical / SYNTHETIC")
        names["Ctrl+Shift+P"] = _("previous acquisition")
        names["Ctrl+Shift+N"] = _("next acquisition")
        names["Ctrl+Shift+L"] = _("link zoom and pan")
        return "\n".join(f"{keyText(key)}   {name}" for key, name in names.items())


def layoutLabels() -> dict[Layout, str]:
    """Layouts in the order of the box, with their words."""
    return {
        Layout.LOW_CLINICAL_SYNTHETIC: _("LE | clinical | SYNTHETIC"),
        Layout.CLINICAL_SYNTHETIC: _("clinical | SYNTHETIC"),
        Layout.CLINICAL_SYNTHETIC_DIFFERENCE: _("clinical | SYNTHETIC | difference"),
        Layout.HANGING: _("four views hanging"),
        Layout.ONE_LARGE: _("one large view"),
    }


def contentLabels() -> dict[Content, str]:
    """What a view can show, in the order of the box, with its words."""
    return {
        Content.LOW_ENERGY: _("low energy"),
        Content.RECOMBINED: _("clinical iodine"),
        Content.SYNTHETIC: _("SYNTHETIC iodine"),
        Content.DIFFERENCE: _("difference (SYNTHETIC - clinical)"),
    }


def presetLabel(preset: Preset) -> str:
    """The words for a window."""
    if preset.kind is PresetKind.OWN:
        return str(_("own window"))
    if preset.kind is PresetKind.PERCENTILES:
        low, high = preset.detail.split()
        return str(_("percentiles {low} to {high}")).format(low=low, high=high)
    return str(_("header: {name}")).format(name=preset.detail)


def _quietly(widget: Any, name: str, value: Any) -> None:
    """Set a property without its signals."""
    wasBlocked = widget.blockSignals(True)
    setattr(widget, name, value)
    widget.blockSignals(wasBlocked)


def _toggle(button: Any) -> None:
    if button.enabled:
        button.checked = not button.checked
