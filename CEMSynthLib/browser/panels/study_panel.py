"""Study panel: the acquisitions of the opened study, with thumbnails."""

from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.keys import Key
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.thumbnails import thumbnail
from CEMSynthLib.browser.uploads import TooMuchError
from CEMSynthLib.scene.hanging import neighbor
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.scene.study import AcquisitionRow

# Reasons that are sent to the page.
_MOST = 200
_KINDS = {
    ImageKind.LOW_ENERGY: "LE",
    ImageKind.HIGH_ENERGY: "HE",
    ImageKind.RECOMBINED: "clinical",
    ImageKind.SYNTHETIC: "SYNTHETIC",
}


class StudyPanel(Panel):
    """Lists what can be shown."""

    name = "study"
    title = "Study"
    icon = "mdi-folder-open-outline"

    def __init__(self, app: "ReviewApp") -> None:
        super().__init__(app)
        self._thumbnails: dict[str, str] = {}
        self._making = False
        self.state.study_rows = []
        self.state.study_thumbnails = {}
        self.state.study_selected = ""
        self.state.study_hide_names = False
        self.state.study_unused = []
        limits = app.uploads.limits
        sentence = str(TooMuchError(limits.size, limits.count))
        self.state.upload_limits = {"size": limits.size, "count": limits.count, "sentence": sentence}
        self.state.upload_busy = False
        self.state.upload_progress = 0
        app.keys.add(
            Key("ArrowDown", "↓", "next acquisition", lambda: self.step(1), "Study"),
            Key("ArrowUp", "↑", "acquisition before", lambda: self.step(-1), "Study"),
        )

    def build(self) -> None:
        """The list, and the button that sends files."""
        from trame.widgets import html
        from trame.widgets import vuetify3 as v

        html.Div(
            "No study is open. Send DICOM files, images or a zip archive with the button below, or drop them here.",
            v_if="!study_rows.length",
            classes="text-body-2 text-medium-emphasis mb-3",
        )
        with v.VList(density="compact", classes="pa-0", bg_color="transparent"):
            with v.VListItem(
                v_for="row in study_rows",
                key="row.key",
                active=("row.key === study_selected",),
                color="primary",
                click=(self.choose, "[row.key]"),
                classes="px-2 mb-1",
                rounded=True,
            ):
                with v.Template(v_slot_prepend=True):
                    html.Img(
                        v_if="study_thumbnails[row.key]",
                        src=("study_thumbnails[row.key]",),
                        alt="",
                        classes="cem-thumb mr-3",
                    )
                    html.Div(v_else=True, classes="cem-thumb mr-3")
                html.Div("{{ row.name }}", classes="text-body-1")
                html.Div(
                    "{{ study_hide_names ? row.number : row.patient }}", classes="text-caption text-medium-emphasis"
                )
                html.Div("{{ row.kinds }}", classes="text-caption text-medium-emphasis")
        html.Input(
            type="file",
            multiple=True,
            classes="cem-files d-none",
            change="window.cemsynthUpload($event.target.files); $event.target.value = ''",
        )
        v.VBtn(
            "{{ !upload_busy ? 'Open files' : upload_progress < 100 ? 'Sent ' + upload_progress + ' %' : 'Reading' }}",
            block=True,
            variant="tonal",
            prepend_icon="mdi-upload",
            disabled=("upload_busy",),
            click="window.document.querySelector('.cem-files').click()",
            title="DICOM files, images or a zip archive; they stay on this computer",
            classes="mt-2",
        )
        with v.VExpansionPanels(v_if="study_unused.length", variant="accordion", classes="mt-2", flat=True):
            with v.VExpansionPanel(title=("'Files that were not used: ' + study_unused.length",), bg_color="surface"):
                with v.VExpansionPanelText():
                    with html.Div(v_for="(file, i) in study_unused", key="i", classes="text-caption mb-1"):
                        html.Span("{{ study_hide_names ? '' : file.name + ': ' }}{{ file.reason }}")
        v.VSwitch(
            v_model=("study_hide_names",),
            label="Hide patient IDs",
            density="compact",
            color="primary",
            hide_details=True,
        )

    def choose(self, key: str) -> None:
        """Another acquisition was chosen."""
        if key != self.app.selected:
            self.app.select(key)

    def step(self, by: int) -> None:
        """Show the next acquisition, or the one before."""
        self.choose(neighbor(self.app.study.rows(), self.app.selected, by))

    def work(self) -> dict[str, Any]:
        """Whether patient IDs are hidden."""
        return {"hide_names": bool(self.state.study_hide_names)}

    def restore(self, work: dict[str, Any]) -> None:
        """Hide them again."""
        self.state.study_hide_names = bool(work.get("hide_names"))

    def refresh(self) -> None:
        """List what study and scene hold."""
        rows = self.app.study.rows()
        patients = list(dict.fromkeys(row.patient_id for row in rows))
        self.state.study_rows = [_shown(row, patients.index(row.patient_id) + 1) for row in rows]
        self.state.study_selected = self.app.selected
        self.state.study_unused = [
            {"name": one.path.name, "reason": one.reason} for one in self.app.study.unused[:_MOST]
        ]
        self._make_thumbnails([row.key for row in rows])

    def _make_thumbnails(self, keys: list[str]) -> None:
        wanted = [key for key in keys if key not in self._thumbnails]
        if wanted and not self._making:
            self._making = True
            self.app.later(self._thumbnails_one_by_one(wanted))

    async def _thumbnails_one_by_one(self, keys: list[str]) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        for key in keys:
            acquisition = self.app.study.acquisition(key)
            # Files are read and shrunk in a thread; the scene is not touched there.
            made = await loop.run_in_executor(None, thumbnail, acquisition) if acquisition is not None else ""
            self._thumbnails[key] = made
            with self.state:
                self.state.study_thumbnails = dict(self._thumbnails)
        self._making = False


def _shown(row: "AcquisitionRow", number: int) -> dict[str, Any]:
    return {
        "key": row.key,
        "name": row.name,
        "patient": row.patient_id,
        "number": f"Patient {number}",
        "kinds": ", ".join(_KINDS[kind] for kind in row.kinds),
        "warnings": list(row.warnings),
    }
