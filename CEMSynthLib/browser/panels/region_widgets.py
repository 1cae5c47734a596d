"""Region widgets: drawing buttons, and a card for each region with a line of numbers for each image."""

from typing import TYPE_CHECKING

from CEMSynthLib.browser.region_rows import FORMULAS, KINDS
from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.scene.regions.info import RegionKind

if TYPE_CHECKING:
    from CEMSynthLib.browser.panels.regions_panel import RegionsPanel

_TOOLS = {
    RegionKind.RECTANGLE: "Rectangle: click two corners in a view (Q)",
    RegionKind.ELLIPSE: "Ellipse: click two corners of its box in a view (E)",
    RegionKind.CURVE: "By hand: press, draw around it, release (D)",
}
_CHANGE = ["change"]


def build_regions(panel: "RegionsPanel") -> None:
    """Build the panel where the caller stands in the page."""
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    _build_tools(panel)
    html.Div("{{ regions_hint }}", v_if="regions_hint", classes="cem-hint mt-2", role="status")
    with html.Div(v_if="!regions_cards.length && !regions_hint", classes="cem-empty"):
        v.VIcon("mdi-shape-outline", size="32", classes="mb-2")
        html.Div("No regions on this acquisition yet.", classes="text-body-2")
        html.Div(
            "Choose what you draw and how, then draw in any view. Lesion and background together give the contrast, "
            "on every image at once.",
            classes="text-caption text-medium-emphasis mt-1",
        )
    with html.Div(
        v_for="card in regions_cards",
        key="card.key + regions_round",
        classes=("['cem-card mt-3', card.key === regions_selected ? 'cem-card-on' : '']",),
        click=(panel.select, "[card.key]"),
    ):
        _build_head(panel)
        _build_about(panel)
        _build_numbers()
    v.VSelect(
        v_if="regions_cards.length",
        label="Lesion against background",
        v_model=("regions_formula",),
        items=("regions_formulas", [{"title": text, "value": f.value} for f, (_, text) in FORMULAS.items()]),
        density="compact",
        hide_details=True,
        variant="outlined",
        classes="mt-4 cem-small",
    )


def _build_tools(panel: "RegionsPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    with v.VBtnToggle(
        v_model=("regions_role",), mandatory=True, density="compact", color="primary", classes="cem-wide", divided=True
    ):
        for role, title in ((RegionRole.LESION, "Lesion"), (RegionRole.BACKGROUND, "Background")):
            v.VBtn(title, value=role.value, size="small", title=f"Draw a {role.value} region (T)")
    with html.Div(classes="d-flex align-center mt-2"):
        for kind, text in _TOOLS.items():
            v.VBtn(
                icon=KINDS[kind],
                size="small",
                variant="text",
                title=text,
                disabled=("!study_selected",),
                active=(f"regions_drawing === '{kind.value}'",),
                color=(f"regions_drawing === '{kind.value}' ? 'primary' : undefined",),
                click=(panel.draw, f"['{kind.value}']"),
            )
        v.VSpacer()
        for icon, text, flag, action in (
            ("mdi-undo", "Undo (U)", "regions_can_undo", panel.undo),
            ("mdi-redo", "Redo (Y)", "regions_can_redo", panel.redo),
        ):
            v.VBtn(icon=icon, size="small", variant="text", title=text, disabled=(f"!{flag}",), click=action)


def _build_head(panel: "RegionsPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    with html.Div(classes="d-flex align-center cem-card-head"):
        html.Input(
            type="color",
            value=("card.color",),
            title="Color",
            change=(panel.recolor, "[card.key, $event.target.value]"),
            __events=_CHANGE,
            classes="cem-color mr-2",
        )
        v.VIcon("{{ card.icon }}", size="16", classes="mr-1 text-medium-emphasis")
        # It keeps what is typed while numbers change, which an input of plain HTML would not.
        v.VTextField(
            model_value=("card.name",),
            title="Name; click to change it",
            maxlength=60,
            variant="plain",
            density="compact",
            hide_details=True,
            change=(panel.rename, "[card.key, $event.target.value]"),
            __events=_CHANGE,
            classes="cem-name",
        )


def _build_buttons(panel: "RegionsPanel") -> None:
    from trame.widgets import vuetify3 as v

    v.VBtn(
        v_if=f"card.role === '{RegionRole.LESION.value}'",
        icon=KINDS[RegionKind.RING],
        size="x-small",
        variant="text",
        title="Background ring around this lesion",
        click=(panel.add_ring, "[card.key]"),
    )
    v.VBtn(
        icon=("card.locked ? 'mdi-lock' : 'mdi-lock-open-variant-outline'",),
        size="x-small",
        variant="text",
        disabled=("!card.draggable",),
        title=(
            "!card.draggable ? 'A ring follows its lesion' : card.locked ? 'Locked: unlock to drag it' : "
            "'Lock: it can no longer be dragged'",
        ),
        click=(panel.lock, "[card.key, !card.locked]"),
    )
    v.VBtn(
        icon="mdi-delete-outline",
        size="x-small",
        variant="text",
        title="Delete; undo brings it back (Del)",
        click=(panel.delete, "[card.key]"),
    )


def _build_about(panel: "RegionsPanel") -> None:
    from trame.widgets import html

    choose = f"card.key === regions_selected && card.role === '{RegionRole.LESION.value}'"
    with html.Div(classes="d-flex align-center cem-about"):
        html.Div(
            "{{ card.role }} \N{MIDDLE DOT} {{ (regions_numbers[card.key] || {}).size }}",
            classes="flex-grow-1 text-truncate",
        )
        _build_buttons(panel)
    with html.Div(classes="cem-about"):
        with html.Select(
            v_if=f"{choose} && regions_backgrounds.length > 1",
            value=("card.chosen",),
            title="Background of this lesion",
            change=(panel.choose_background, "[card.key, $event.target.value]"),
            __events=_CHANGE,
            classes="cem-select",
        ):
            html.Option("{{ card.background }} (by rule)", value="")
            html.Option("against {{ one.name }}", v_for="one in regions_backgrounds", key="one.key", value=("one.key",))
        html.Div("{{ card.background }}", v_else_if="card.background", classes="text-truncate")


def _build_numbers() -> None:
    from trame.widgets import html

    lesion = f"card.role === '{RegionRole.LESION.value}'"
    numbers = "(regions_numbers[card.key] || {lines: []})"
    with html.Table(classes="cem-numbers"):
        with html.Thead(), html.Tr():
            html.Th("image")
            html.Th("mean")
            html.Th("SD")
            html.Th(
                f"{{{{ {lesion} ? regions_titles[regions_formula] : '' }}}}",
                colspan=2,
                title="with its standard error by resampling",
            )
        with html.Tbody(), html.Tr(v_for=f"line in {numbers}.lines", key="line.image"):
            html.Td("{{ line.image }}")
            html.Td("{{ line.mean }}")
            html.Td("{{ line.sd }}")
            html.Td("{{ line.figure }}", classes="cem-figure")
            html.Td("{{ line.spread && '\N{PLUS-MINUS SIGN}' + line.spread }}", classes="cem-spread")
    html.Div(f"{{{{ {numbers}.note }}}}", v_if=f"{numbers}.note", classes="cem-note")
