"""Compare panel: layouts, mouse, windows, fade and blink; the bar above the views and the settings beside it."""

import asyncio
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.keys import Key
from CEMSynthLib.browser.mouse import Tool
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.panels.compare_widgets import (
    LAYOUTS,
    SWITCHES,
    build_bar,
    build_panel,
    preset_choice,
    view_names,
)
from CEMSynthLib.browser.panels.compare_work import (
    Windows,
    choices_of,
    known_choices,
    known_windows,
    show_windows,
    windows_in,
)
from CEMSynthLib.browser.window_drag import WindowDrag
from CEMSynthLib.scene.acquisitions import acquisitions_in
from CEMSynthLib.scene.layout import VIEWS, Content, Layout

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

BLINK_S = 0.7


class ComparePanel(Panel):
    """Drives the comparison of `CEMSynthLib.scene.comparison`."""

    name = "compare"
    title = "Compare"
    icon = "mdi-compare"

    def __init__(self, app: "ReviewApp") -> None:
        super().__init__(app)
        self._comparison = app.comparison
        self._comparison.changed = self._on_changed
        self._blinking: asyncio.Task[None] | None = None
        #: Windows of saved work whose images are not loaded yet.
        self._windows: Windows = {}
        self._window_drag = WindowDrag(app.scene)
        self._window_drag.want(True)
        self.state.compare_presets = []
        self.state.compare_blink = False
        self.state.compare_tool = Tool.WINDOW.value
        self.state.compare_pair = False
        self._write_state()
        self.state.change("compare_fade")(self._on_fade)
        self.state.change("compare_tool")(self._on_tool)
        app.keys.add(*self._all_keys())

    def build_bar(self) -> None:
        """The bar above the views."""
        build_bar(self)

    def build(self) -> None:
        """What the large view and the hanging views show."""
        build_panel(self)

    def choose_layout(self, name: str) -> None:
        """Arrange the views."""
        self._comparison.update(layout=Layout[name])

    def choose_content(self, name: str) -> None:
        """Show another image in the large view and the hanging views."""
        self._comparison.update(content=Content[name])

    def choose_preset(self, name: str) -> None:
        """Show the iodine images with a window."""
        self._comparison.choose_preset(name)
        self.app.touched()

    def reset_window(self) -> None:
        """Come back to the images' own windows."""
        self._comparison.reset_window()
        self.app.touched()

    def toggle(self, name: str) -> None:
        """Switch one of the choices of the state."""
        self._comparison.update(**{name: not getattr(self._comparison.state, name)})

    def fit(self) -> None:
        """Fit the breasts into the views."""
        self.app.views.settle()
        self._comparison.fit()

    def fit_whole(self) -> None:
        """Fit the whole images into the views."""
        self.app.views.touched()
        self._comparison.fit(whole=True)

    def actual_pixels(self) -> None:
        """Show one image pixel as one screen pixel."""
        self.app.views.touched()
        self._comparison.show_actual_pixels()

    def swap(self) -> None:
        """Show the other one of clinical and synthetic image."""
        if self._comparison.can_compare:
            self.stop_blink()
            self._comparison.update(fade=0.0 if self._comparison.state.fade > 0 else 1.0)

    def toggle_blink(self) -> None:
        """Start or stop blinking."""
        if self._blinking is not None:
            self.stop_blink()
        elif self._comparison.can_compare:
            self._blinking = asyncio.get_running_loop().create_task(self._blink())
            self.state.compare_blink = True

    def stop_blink(self) -> None:
        """Stop blinking."""
        if self._blinking is not None:
            self._blinking.cancel()
            self._blinking = None
            self._comparison.stop_blink()
            self.state.compare_blink = False

    def on_shown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Another acquisition has other windows to choose from."""
        self.state.compare_presets = [preset_choice(one) for one in self._comparison.presets()] if volumes else []
        if volumes is not None:
            self._show_saved_windows(volumes)
        if not self._comparison.can_compare:
            self.stop_blink()

    def refresh(self) -> None:
        """Show the state."""
        self._write_state()

    def work(self) -> dict[str, Any]:
        """Layout, switches, fade and the window of the images that are shown."""
        windows = {**self._windows, **windows_in(self.app.scene)}
        return {**choices_of(self._comparison.state), "windows": windows}

    def restore(self, work: dict[str, Any]) -> None:
        """Take the choices back; windows of images that are not loaded yet wait for them."""
        self._comparison.update(**known_choices(work))
        self._windows = known_windows(work)
        for volumes in acquisitions_in(self.app.scene):
            self._show_saved_windows(volumes)

    def close(self) -> None:
        """Stop blinking."""
        self.stop_blink()
        self._window_drag.release()

    async def _blink(self) -> None:
        while True:
            self._comparison.step_blink()
            await asyncio.sleep(BLINK_S)

    def _on_changed(self) -> None:
        with self.state:
            self._write_state()
        self.app.touched()

    def _on_fade(self, compare_fade: float, **_: Any) -> None:
        if round(100 * self._comparison.state.fade) != round(compare_fade):
            self.stop_blink()
            self._comparison.update(fade=compare_fade / 100)

    def _on_tool(self, compare_tool: str, **_: Any) -> None:
        self.app.views.tool = Tool(compare_tool)
        self._window_drag.want(self.app.views.tool is Tool.WINDOW)

    def _show_saved_windows(self, volumes: "AcquisitionVolumes") -> None:
        show_windows(volumes, self._windows)
        self._windows.pop(volumes.key, None)

    def _write_state(self) -> None:
        state = self._comparison.state
        self.state.compare_layout = state.layout.name
        self.state.compare_content = state.content.name
        self.state.compare_fade = round(100 * state.fade)
        self.state.compare_pair = self._comparison.can_compare
        self.state.compare_chosen = any(spec.content is None for spec in VIEWS[state.layout])
        for name in SWITCHES:
            self.state[f"compare_{name}"] = getattr(state, name)
        shown = self._comparison.volumes
        self.state.view_names = view_names(state, shown.name if shown is not None else "")

    def _all_keys(self) -> list[Key]:
        def layout(name: str) -> Any:
            return lambda: self.choose_layout(name)

        def tool(value: str) -> Any:
            return lambda: setattr(self.state, "compare_tool", value)

        def switch(name: str) -> Any:
            return lambda: self.toggle(name)

        keys = [
            Key(str(n), str(n), label, layout(which.name))
            for n, (which, (_, label)) in enumerate(LAYOUTS.items(), start=1)
        ]
        keys += [
            Key("w", "W", "drag: window", tool("window")),
            Key("h", "H", "drag: pan", tool("pan")),
            Key("z", "Z", "drag: zoom", tool("zoom")),
            Key("x", "X", "clinical / SYNTHETIC", self.swap),
            Key("b", "B", "blink", self.toggle_blink),
            Key("0", "0", "own window", self.reset_window),
            Key("f", "F", "fit the breast", self.fit),
            Key("o", "O", "whole image", self.fit_whole),
            Key("a", "A", "1:1 pixels", self.actual_pixels),
        ]
        words = {"linked": "l", "inverted": "i", "cursor": "c", "ruler": "r", "corner": "k"}
        keys += [Key(k, k.upper(), SWITCHES[name][1].rsplit(" (", 1)[0], switch(name)) for name, k in words.items()]
        page = "Page"
        return [
            *keys,
            Key("p", "P", "show or hide the panels", lambda: self._flip("page_panel_open"), page),
            Key("?", "?", "this sheet", lambda: self._flip("page_help_open"), page),
        ]

    def _flip(self, name: str) -> None:
        self.state[name] = not self.state[name]
