"""Export panel: report, table, derived DICOM, regions and the scene, as downloads."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.export_files import MEASURED, Gathered, gather, measure, write_synthetic_files, write_zip
from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.export.region_folder import write_region_folder
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.privacy import save_deidentified
from CEMSynthLib.scene.regions.errors import RegionSetError
from CEMSynthLib.scene.regions.files import regions_to_save
from CEMSynthLib.scene.regions.info import RegionInfo
from CEMSynthLib.scene.regions.nodes import markups_in, read_node

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp

#: Title, what it is, name of the file, whether it needs a synthetic image.
KINDS = {
    "report": ("Report", "CNR, halo and similarity with pictures, as one HTML file", "report.html", True),
    "table": ("Table", "all numbers, CSV", "measurements.csv", True),
    "sr": ("Structured report", "the measurements as DICOM SR", "measurements.dcm", True),
    "synthetic": ("Synthetic images", "derived DICOM (PNG for image files), zip", "synthetic.zip", True),
    "regions": ("Regions", "Slicer markups, zip", "regions.zip", False),
    "scene": ("Scene", "opens in 3D Slicer; names the patient", "review.mrb", False),
    "scene_without_names": ("Scene without names", "opens in 3D Slicer", "review-without-names.mrb", False),
}


class ExportPanel(Panel):
    """Makes files and lets the page fetch them."""

    name = "export"
    title = "Export"
    icon = "mdi-download-outline"

    def __init__(self, app: "ReviewApp") -> None:
        super().__init__(app)
        self.state.export_busy = ""
        self.state.export_fraction = 0
        self.state.export_missing = {}

    def build(self) -> None:
        """One line for each kind of file."""
        from trame.widgets import client, html
        from trame.widgets import vuetify3 as v

        self._fetch = client.JSEval(exec="window.cemsynthFetch($event)")
        with v.VList(density="compact", classes="pa-0", bg_color="transparent", lines="two"):
            for kind, (title, text, _, _) in KINDS.items():
                with v.VListItem(
                    title=title,
                    subtitle=text,
                    disabled=(f"!!export_busy || !!export_missing['{kind}']",),
                    click=(self.make, f"['{kind}']"),
                    classes=f"px-2 cem-export-{kind}",
                    rounded=True,
                ):
                    with v.Template(v_slot_append=True):
                        v.VProgressCircular(
                            v_if=f"export_busy === '{kind}'",
                            size=20,
                            width=2,
                            color="primary",
                            indeterminate=("export_fraction === 0",),
                            model_value=("export_fraction",),
                        )
                        v.VIcon("mdi-download", v_else=True, size="20")
        html.Div("{{ export_missing.report }}", classes="text-caption text-medium-emphasis mt-2")

    def make(self, kind: str) -> None:
        """Make a file and let the page fetch it."""
        if kind in KINDS and not self.state.export_busy:
            self.state.export_busy, self.state.export_fraction = kind, 0
            self.app.say("")
            self.app.later(self._make(kind))

    def refresh(self) -> None:
        """Say what is missing."""
        rows = self.app.study.rows()
        nothing = "" if rows else "Open a study first."
        made = any("synthetic" in (kind.value for kind in row.kinds) for row in rows)
        synthetic = nothing or ("" if made else "Report, table and images need a synthetic image; make one first.")
        missing = {kind: synthetic if needs else nothing for kind, (_, _, _, needs) in KINDS.items()}
        missing["regions"] = nothing or ("" if self._regions() else "There is no region yet; draw one first.")
        self.state.export_missing = missing

    async def _make(self, kind: str) -> None:
        try:
            path = await self._file(kind)
        except CEMSynthError as error:
            self.app.say(str(error))
        else:
            self._fetch.exec(self.app.downloads.offer(path, KINDS[kind][2]))
        finally:
            with self.state:
                self.state.export_busy = ""

    async def _file(self, kind: str) -> Path:
        folder, name = self.app.folder.new(), KINDS[kind][2]
        if kind == "scene":
            # MRML is written by the thread that runs the page.
            if not self.app.slicer.io_manager.write_scene(folder / name):
                raise SceneError("The scene could not be written; free some disk space and try again.")
            return folder / name
        if kind == "scene_without_names":
            save_deidentified(self.app.scene, folder / name)
            return folder / name
        loop = asyncio.get_running_loop()
        if kind == "regions":
            opened = {row.key: found for row in self.app.study.rows() if (found := self.app.study.acquisition(row.key))}
            tied, notes = regions_to_save(self._regions(), self.app.scene, opened)
            if not tied:
                raise RegionSetError(" ".join(notes) or "There is no region yet; draw one first.")
            work: Callable[[], Path] = partial(_regions_zip, folder, name, tied)
        else:
            gathered = gather(self.app.scene, self.app.study, self._regions())

            def tell(fraction: float) -> None:
                loop.call_soon_threadsafe(self._on_progress, fraction)

            work = partial(_synthetic_zip, gathered, folder, name)
            if kind in MEASURED:
                work = partial(_measured, gathered, folder, kind, tell)
        return await loop.run_in_executor(None, work)

    def _on_progress(self, fraction: float) -> None:
        with self.state:
            self.state.export_fraction = round(100 * fraction)

    def _regions(self) -> list[RegionInfo]:
        found = [read_node(node) for node in markups_in(self.app.scene)]
        return [region for region in found if region is not None]


def _measured(gathered: Gathered, folder: Path, kind: str, tell: Callable[[float], None]) -> Path:
    output = measure(gathered, folder, [kind], tell)
    named = output / MEASURED[kind]
    return named if named.is_file() else next(path for path in sorted(output.iterdir()) if path.suffix == named.suffix)


def _synthetic_zip(gathered: Gathered, folder: Path, name: str) -> Path:
    images = folder / "synthetic"
    images.mkdir()
    return write_zip(write_synthetic_files(gathered, images), folder / name)


def _regions_zip(folder: Path, name: str, tied: Any) -> Path:
    return write_zip(write_region_folder(folder / "regions", tied), folder / name)
