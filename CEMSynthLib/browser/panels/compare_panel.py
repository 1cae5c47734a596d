"""Compare panel: layouts, mouse, windows, fade and blink; the bar above the views and the settings beside it."""

import asyncio
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.keys import Key
from CEMSynthLib.browser.mouse import Tool
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.window_drag import WindowDrag
from CEMSynthLib.scene.comparison_state import ComparisonState
from CEMSynthLib.scene.layout import VIEWS, Content, Layout

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

BLINK_S = 0.7
LAYOUTS = {
    Layout.LOW_CLINICAL_SYNTHETIC: ("mdi-view-week-outline", "LE | clinical | SYNTHETIC"),
    Layout.CLINICAL_SYNTHETIC: ("mdi-view-split-vertical", "clinical | SYNTHETIC"),
    Layout.CLINICAL_SYNTHETIC_DIFFERENCE: ("mdi-plus-minus-variant", "clinical | SYNTHETIC | difference"),
    Layout.HANGING: ("mdi-view-grid-outline", "four views hanging"),
    Layout.ONE_LARGE: ("mdi-square-outline", "one large view"),
}
CONTENTS = {
    Content.LOW_ENERGY: "low energy",
    Content.RECOMBINED: "clinical iodine",
    Content.SYNTHETIC: "SYNTHETIC iodine",
    Content.DIFFERENCE: "difference",
}
TOOLS = {
    Tool.WINDOW: ("mdi-contrast-circle", "Drag: window (W)"),
    Tool.PAN: ("mdi-cursor-move", "Drag: pan (H)"),
    Tool.ZOOM: ("mdi-magnify", "Drag: zoom (Z)"),
}
SWITCHES = {
    "linked": ("mdi-link-variant", "Zoom and pan together (L)"),
    "inverted": ("mdi-invert-colors", "Exchange black and white (I)"),
    "cursor": ("mdi-crosshairs", "Mark the place under the mouse in the other views (C)"),
    "ruler": ("mdi-ruler", "Scale bar (R)"),
    "corner": ("mdi-text-box-outline", "Minutes since injection, thickness, kVp (K)"),
}


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
        from trame.widgets import vuetify3 as v

        nothing = "!study_selected"
        with v.VBtnToggle(model_value=("compare_layout",), density="compact", mandatory=True, color="primary"):
            for number, (layout, (icon, label)) in enumerate(LAYOUTS.items(), start=1):
                v.VBtn(
                    icon=icon,
                    value=layout.name,
                    size="small",
                    title=f"{label} ({number})",
                    click=(self.choose_layout, f"['{layout.name}']"),
                )
        v.VDivider(vertical=True, classes="mx-2")
        with v.VBtnToggle(v_model=("compare_tool",), density="compact", mandatory=True, color="primary"):
            for tool, (icon, label) in TOOLS.items():
                v.VBtn(icon=icon, value=tool.value, size="small", title=label)
        v.VDivider(vertical=True, classes="mx-2")
        for name, (icon, label) in SWITCHES.items():
            v.VBtn(
                icon=icon,
                size="small",
                title=label,
                color=(f"compare_{name} ? 'primary' : undefined",),
                active=(f"compare_{name}",),
                click=(self.toggle, f"['{name}']"),
            )
        v.VDivider(vertical=True, classes="mx-2")
        with v.VMenu():
            with v.Template(v_slot_activator="{ props }"):
                v.VBtn(
                    icon="mdi-tune-variant",
                    size="small",
                    v_bind="props",
                    disabled=(nothing,),
                    title="Windows of the iodine images",
                )
            with v.VList(density="compact"):
                v.VListItem(
                    v_for="name in compare_presets",
                    key="name",
                    title=("name === 'own' ? 'own window (0)' : name",),
                    click=(self.choose_preset, "[name]"),
                )
        v.VBtn(
            icon="mdi-fit-to-screen-outline",
            size="small",
            title="Fit the breast (F); whole image (O)",
            disabled=(nothing,),
            click=self.fit,
        )
        v.VBtn(
            "1:1",
            size="small",
            min_width=40,
            title="One image pixel as one screen pixel (A)",
            disabled=(nothing,),
            click=self.actual_pixels,
        )
        v.VSpacer()
        v.VBtn(
            icon="mdi-swap-horizontal-circle-outline",
            size="small",
            title="Blink: clinical and SYNTHETIC in turn (B)",
            active=("compare_blink",),
            color=("compare_blink ? 'secondary' : undefined",),
            disabled=("!compare_pair",),
            click=self.toggle_blink,
        )
        v.VSlider(
            v_model=("compare_fade",),
            min=0,
            max=100,
            step=5,
            hide_details=True,
            density="compact",
            color="secondary",
            disabled=("!compare_pair",),
            style="max-width: 180px; min-width: 120px",
            classes="mr-3",
            prepend_icon="mdi-circle-opacity",
            title="Views of the SYNTHETIC image: left clinical, right SYNTHETIC (X)",
        )
        v.VBtn(icon="mdi-keyboard-outline", size="small", title="Keys (?)", click="page_help_open = true")

    def build(self) -> None:
        """What the large view and the hanging views show."""
        from trame.widgets import html
        from trame.widgets import vuetify3 as v

        v.VSelect(
            label="Large and hanging views show",
            model_value=("compare_content",),
            items=("compare_contents", [{"title": text, "value": c.name} for c, text in CONTENTS.items()]),
            disabled=("!compare_chosen",),
            density="compact",
            hide_details=True,
            update_modelValue=(self.choose_content, "[$event]"),
        )
        html.Div(
            "The layout says what its views show; choose the hanging views or one large view first.",
            v_if="!compare_chosen",
            classes="text-caption text-medium-emphasis mt-1",
        )

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
        self.state.compare_presets = [preset.name for preset in self._comparison.presets()] if volumes else []
        if not self._comparison.can_compare:
            self.stop_blink()

    def refresh(self) -> None:
        """Show the state."""
        self._write_state()

    def work(self) -> dict[str, Any]:
        """Layout, switches, fade and the window of the images that are shown."""
        state = self._comparison.state
        return {
            "layout": state.layout.name,
            "content": state.content.name,
            "fade": state.fade,
            **{name: getattr(state, name) for name in SWITCHES},
        }

    def restore(self, work: dict[str, Any]) -> None:
        """Take the choices back."""
        self._comparison.update(**_choices(work))

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

    def _write_state(self) -> None:
        state = self._comparison.state
        self.state.compare_layout = state.layout.name
        self.state.compare_content = state.content.name
        self.state.compare_fade = round(100 * state.fade)
        self.state.compare_pair = self._comparison.can_compare
        self.state.compare_chosen = any(spec.content is None for spec in VIEWS[state.layout])
        for name in SWITCHES:
            self.state[f"compare_{name}"] = getattr(state, name)
        self.state.view_names = _view_names(state)

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


def _choices(work: dict[str, Any]) -> dict[str, Any]:
    """The choices that this version knows."""
    found: dict[str, Any] = {name: bool(work[name]) for name in SWITCHES if name in work}
    if work.get("layout") in Layout.__members__:
        found["layout"] = Layout[work["layout"]]
    if work.get("content") in Content.__members__:
        found["content"] = Content[work["content"]]
    if isinstance(work.get("fade"), (int, float)):
        found["fade"] = min(max(float(work["fade"]), 0.0), 1.0)
    return found


def _view_names(state: ComparisonState) -> dict[str, str]:
    """What the views say they show."""
    names = {}
    for spec in (spec for specs in VIEWS.values() for spec in specs):
        content = spec.content or state.content
        text = CONTENTS[content]
        if content is Content.SYNTHETIC and state.fade < 1:
            text = (
                CONTENTS[Content.RECOMBINED] if state.fade == 0 else f"clinical + {round(100 * state.fade)} % SYNTHETIC"
            )
        names[spec.tag] = f"{spec.cell} {text}".strip()
    return names
