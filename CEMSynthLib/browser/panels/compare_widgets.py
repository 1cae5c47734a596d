"""Widgets of the Compare panel: the bar above the views, the settings beside them, and their words."""

from typing import TYPE_CHECKING

from CEMSynthLib.browser.mouse import Tool
from CEMSynthLib.scene.comparison_state import ComparisonState
from CEMSynthLib.scene.layout import VIEWS, Content, Layout
from CEMSynthLib.scene.presets import Preset, PresetKind

if TYPE_CHECKING:
    from CEMSynthLib.browser.panels.compare_panel import ComparePanel

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


def build_bar(panel: "ComparePanel") -> None:
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
                click=(panel.choose_layout, f"['{layout.name}']"),
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
            click=(panel.toggle, f"['{name}']"),
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
                v_for="one in compare_presets",
                key="one.name",
                title=("one.title",),
                click=(panel.choose_preset, "[one.name]"),
            )
    v.VBtn(
        icon="mdi-fit-to-screen-outline",
        size="small",
        title="Fit the breast (F); whole image (O)",
        disabled=(nothing,),
        click=panel.fit,
    )
    v.VBtn(
        "1:1",
        size="small",
        min_width=40,
        title="One image pixel as one screen pixel (A)",
        disabled=(nothing,),
        click=panel.actual_pixels,
    )
    v.VSpacer()
    v.VBtn(
        icon="mdi-swap-horizontal-circle-outline",
        size="small",
        title="Blink: clinical and SYNTHETIC in turn (B)",
        active=("compare_blink",),
        color=("compare_blink ? 'secondary' : undefined",),
        disabled=("!compare_pair",),
        click=panel.toggle_blink,
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


def build_panel(panel: "ComparePanel") -> None:
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
        update_modelValue=(panel.choose_content, "[$event]"),
    )
    html.Div(
        "The layout says what its views show; choose the hanging views or one large view first.",
        v_if="!compare_chosen",
        classes="text-caption text-medium-emphasis mt-1",
    )


def view_names(state: ComparisonState, acquisition: str) -> dict[str, str]:
    """What the views say they show."""
    names = {}
    for spec in (spec for specs in VIEWS.values() for spec in specs):
        content = spec.content or state.content
        text = CONTENTS[content]
        if content is Content.SYNTHETIC and state.fade < 1:
            text = (
                CONTENTS[Content.RECOMBINED] if state.fade == 0 else f"clinical + {round(100 * state.fade)} % SYNTHETIC"
            )
        names[spec.tag] = f"{spec.cell or acquisition} {text}".strip()
    return names


def preset_choice(preset: Preset) -> dict[str, str]:
    """A line of the menu of windows."""
    title = {
        PresetKind.OWN: "own window (0)",
        PresetKind.HEADER: f"header: {preset.detail}",
        PresetKind.PERCENTILES: f"percentiles {' to '.join(preset.detail.split())} of the breast",
    }[preset.kind]
    return {"name": preset.name, "title": title}
