"""Layout of the page: bar, panels at the left in tabs, views, message, help sheet."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp

# The panels grow with the text on large screens.
_WIDTH = "$vuetify.display.width < 2200 ? 376 : 470"
_MOUSE = (
    ("left", "what is chosen in the bar: window, pan, zoom"),
    ("left on a handle", "drag the region, the line or the mark"),
    ("middle, or shift + left", "pan"),
    ("right", "zoom"),
    ("wheel", "zoom at the mouse"),
)
_THEME = {
    "theme": {
        "defaultTheme": "cem",
        "themes": {
            "cem": {
                "dark": True,
                "colors": {
                    "background": "#0b0e12",
                    "surface": "#12161c",
                    "surface-bright": "#1d232b",
                    "primary": "#6db3f2",
                    "secondary": "#e8a33d",
                    "error": "#f2776b",
                    "warning": "#e8a33d",
                    "success": "#7fb069",
                },
            }
        },
    }
}


def build_page(app: "ReviewApp") -> None:
    """Build the page of an application from its panels."""
    from trame.ui.vuetify3 import VAppLayout
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    state = app.state
    state.page_tab = app.panels[0].name
    state.page_panel_open = True
    state.page_help_open = False
    # Name of the panel that alone can be used; empty: all can.
    state.page_alone = ""
    with VAppLayout(app.server, vuetify_config=_THEME) as page:
        page.root.classes = "cem-page"
        with v.VAppBar(density="compact", flat=True, color="surface"):
            v.VBtn(
                icon="mdi-dock-left",
                size="small",
                click="page_panel_open = !page_panel_open",
                title="Show or hide the panels (P)",
            )
            html.Div("CEMSynth", classes="text-subtitle-1 font-weight-medium ml-1 mr-4")
            # Nothing else may be done beside blinded images.
            with html.Div(v_if="!page_alone", classes="d-flex align-center flex-grow-1"):
                app.panel("compare").build_bar()  # type: ignore[attr-defined]
        with (
            v.VNavigationDrawer(
                v_model=("page_panel_open",), width=(_WIDTH,), permanent=True, color="surface", touchless=True
            ),
            html.Div(classes="d-flex", style="height: 100%"),
        ):
            with v.VTabs(v_model=("page_tab",), direction="vertical", color="primary", classes="cem-rail"):
                for panel in app.panels:
                    disabled = f"!!page_alone && page_alone !== '{panel.name}'"
                    with v.VTab(value=panel.name, classes="cem-tab", title=panel.title, disabled=(disabled,)):
                        v.VIcon(panel.icon, size="22")
                        html.Span(panel.title)
            v.VDivider(vertical=True)
            with html.Div(classes="cem-panel flex-grow-1 pa-3", style="min-width: 0"):
                for panel in app.panels:
                    with html.Div(v_show=f"page_tab === '{panel.name}'"):
                        html.Div(panel.title, classes="text-overline mb-1")
                        panel.build()
        with v.VMain(style="height: 100vh"), html.Div(style="height: 100%; position: relative"):
            with html.Div(v_show="study_rows.length || page_alone", style="height: 100%; display: flex"):
                app.views.place(page)
            with html.Div(v_if="!study_rows.length && !page_alone", classes="cem-nothing"):
                v.VIcon("mdi-image-search-outline", size="48", classes="mb-4")
                html.Div("No study is open", classes="text-h6")
                html.Div(
                    "Drop a folder's DICOM files or a zip archive here, or use Study, Open files. "
                    "They stay on the computer that runs cemsynth.",
                    classes="text-body-2 text-medium-emphasis mt-1",
                )
        with v.VSnackbar(
            model_value=("!!page_message",),
            update_modelValue="page_message = $event ? page_message : ''",
            timeout=("page_message_passes ? 6000 : -1",),
            location="bottom",
            color="surface-bright",
        ):
            html.Span("{{ page_message }}")
            with v.Template(v_slot_actions=True):
                v.VBtn("Close", variant="text", color="primary", click="page_message = ''")
        _build_help()


def _build_help() -> None:
    """The sheet of keys and of what the mouse does."""
    from trame.widgets import html
    from trame.widgets import vuetify3 as v

    with v.VDialog(v_model=("page_help_open",), max_width=980), v.VCard(classes="cem-help"):
        with html.Div(classes="d-flex align-center px-6 pt-4"):
            html.Div("Keys and mouse", classes="text-h6 flex-grow-1")
            v.VBtn(icon="mdi-close", size="small", variant="text", title="Close (Esc)", click="page_help_open = false")
        with v.VCardText():
            with html.Div(classes="cem-help-columns"):
                with html.Div(v_for="group in page_key_help", key="group.title", classes="cem-help-group"):
                    html.Div("{{ group.title }}", classes="cem-help-title")
                    with html.Div(v_for="key in group.keys", key="key.label", classes="cem-help-line"):
                        html.Span("{{ key.label }}", classes="cem-key")
                        html.Span("{{ key.does }}")
                with html.Div(classes="cem-help-group"):
                    html.Div("Mouse", classes="cem-help-title")
                    for button, does in _MOUSE:
                        with html.Div(classes="cem-help-line"):
                            html.Span(button, classes="cem-key")
                            html.Span(does)
