"""Halo widgets: button with progress, verdicts, profile, numbers, drawings over the images, line by hand."""

from typing import TYPE_CHECKING

from CEMSynthLib.scene.halo.tables import CLINICAL, SYNTHETIC

if TYPE_CHECKING:
    from CEMSynthLib.browser.panels.halo_panel import HaloPanel


def build_halo(panel: "HaloPanel") -> None:
    """Build the panel where the caller stands in the page."""
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    with html.Div(title=("halo_missing",)):
        v.VBtn(
            "{{ halo_running ? 'Cancel' : 'Measure halo' }}",
            block=True,
            color=("halo_running ? 'surface-bright' : 'primary'",),
            disabled=("!halo_running && !!halo_missing",),
            title=("halo_running ? 'Stop; what was measured before stays (M)' : 'Find the skin edge and measure (M)'",),
            click=panel.measure_or_cancel,
            classes="cem-measure",
        )
    with html.Div(style="height: 10px", classes="pt-1"):
        v.VProgressLinear(
            v_show="halo_running", model_value=("halo_fraction",), color="primary", height=4, rounded=True
        )
    html.Div("{{ halo_missing }}", v_if="halo_missing", classes="text-caption text-medium-emphasis")
    with html.Div(v_if="!halo_rows.length && !halo_running && !halo_missing", classes="cem-empty"):
        v.VIcon("mdi-chart-bell-curve", size="32", classes="mb-2")
        html.Div("The halo of this acquisition is not measured yet.", classes="text-body-2")
        html.Div(
            "A dark band behind the skin with a brighter rim inside it (breast-in-breast artifact), measured on "
            "clinical and SYNTHETIC image alike.",
            classes="text-caption text-medium-emphasis mt-1",
        )
    with html.Div(v_for="one in halo_verdicts", key="one.image", classes="cem-verdict mt-2"):
        html.Span("{{ one.image }}", classes="cem-verdict-image")
        html.Span("halo {{ one.word }}", classes=("['cem-word', 'cem-word-' + one.word.replace(' ', '-')]",))
        html.Div("{{ one.reason }}", classes="text-caption text-medium-emphasis")
    html.Div("Measured before images or skin edge changed; measure again.", v_if="halo_stale", classes="cem-note mt-1")
    html.Div(v_if="halo_profile", v_html=("halo_profile",), classes="cem-plot mt-2")
    _build_table("halo_rows")
    html.Div(
        "Steps, threshold, excess and noise in {{ halo_units }}.",
        v_if="halo_rows.length",
        classes="text-caption text-medium-emphasis mt-1",
    )
    _build_drawings(panel)
    _build_line(panel)


def _build_table(rows: str) -> None:
    from trame.widgets import html

    with html.Table(v_if=f"{rows}.length", classes="cem-numbers cem-wrapped mt-2"):
        with html.Thead(), html.Tr():
            html.Th("")
            html.Th("clinical")
            html.Th("SYNTHETIC")
        with html.Tbody(), html.Tr(v_for=f"row in {rows}", key="row.name"):
            html.Td("{{ row.name }}<span class='cem-unit'>{{ row.unit }}</span>")
            html.Td(f"{{{{ row.{CLINICAL} }}}}")
            html.Td(f"{{{{ row.{SYNTHETIC} }}}}")


def _build_drawings(panel: "HaloPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    html.Div("Over the images", classes="cem-heading mt-4")
    for name, text, title in (
        ("halo_lines", "Distance from the skin", "Lines of equal distance behind the skin edge (G)"),
        ("halo_sectors", "Steps by sector", "The step of each sector, colored along the skin (S)"),
    ):
        v.VSwitch(
            v_model=(name,),
            label=text,
            title=title,
            density="compact",
            color="primary",
            hide_details=True,
            disabled=("!!halo_missing",),
            classes="cem-switch",
        )
    with html.Div(v_if="halo_lines && halo_legend.length", classes="text-caption cem-legend"):
        with html.Span(v_for="one in halo_legend", key="one.text"):
            html.Span(classes="cem-swatch", style=("{background: one.color}",))
            html.Span("{{ one.text }}")
    with html.Div(classes="d-flex mt-2", style="gap: 6px"):
        v.VBtn(
            "{{ halo_edge ? 'Use found edge' : 'Correct skin edge' }}",
            size="small",
            variant="tonal",
            disabled=("!halo_edge && !halo_measured",),
            title=(
                "halo_edge ? 'Remove the corrected skin edge' : halo_measured ? "
                "'Lay out the skin edge; drag its points and the halo is measured again' : 'Measure the halo first'",
            ),
            click=panel.toggle_edge,
        )


def _build_line(panel: "HaloPanel") -> None:
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    html.Div("Line by hand", classes="cem-heading mt-4")
    with html.Div(classes="d-flex align-center", style="gap: 6px"):
        v.VBtn(
            "{{ halo_line ? 'Bring it back' : 'Lay a line' }}",
            size="small",
            variant="tonal",
            disabled=("!halo_measured",),
            title=(
                "halo_measured ? 'Across the skin edge; drag its ends where you want it' : 'Measure the halo first'",
            ),
            click=panel.add_line,
            classes="cem-lay",
        )
        v.VBtn(
            icon="mdi-delete-outline",
            size="x-small",
            variant="text",
            disabled=("!halo_line",),
            title=("halo_line ? 'Remove the line' : 'There is no line'",),
            click=panel.remove_line,
        )
        v.VSpacer()
        with html.Label(v_if="halo_line", classes="text-caption text-medium-emphasis"):
            html.Span("band ")
            html.Input(
                type="number",
                min=0,
                step=0.5,
                value=("halo_width",),
                title="Width of the band around the line, over which medians are taken",
                change=(panel.set_width, "[$event.target.value]"),
                __events=["change"],
                classes="cem-number",
            )
            html.Span(" {{ halo_depth_unit }}")
    html.Div("{{ halo_line_problem }}", v_if="halo_line_problem", classes="cem-note")
    html.Div(v_if="halo_line_profile", v_html=("halo_line_profile",), classes="cem-plot mt-2")
    _build_table("halo_line_rows")
