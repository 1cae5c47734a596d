"""Review: from a study to the open page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.freed_memory import give_back_freed_memory
from CEMSynthLib.browser.opengl_check import OpenGLCheck
from CEMSynthLib.browser.server import Address, make_server, run_server
from CEMSynthLib.browser.uploads import UploadLimits

if TYPE_CHECKING:
    from pathlib import Path

    from CEMSynthLib.browser.panel import Panel
    from CEMSynthLib.measurement.markups import TiedRegion
    from CEMSynthLib.study.model import StudyFolder


@dataclass(frozen=True)
class Review:
    """What is reviewed.

    Parameters
    ----------
    found
        The study; ``None``: the page begins empty and takes uploads.
    synthetic
        Synthetic images made from it, if they lie elsewhere.
    regions
        Regions drawn on it before, from markups files.
    limits
        How much an upload may bring.
    readers
        Folder of a reader study to read in place of a study.
    """

    found: "StudyFolder | None"
    synthetic: "StudyFolder | None" = None
    regions: "Sequence[TiedRegion]" = ()
    limits: UploadLimits = field(default_factory=UploadLimits)
    readers: "Path | None" = None


def panels() -> "list[type[Panel]]":
    """All panels, in the order of their tabs."""
    from CEMSynthLib.browser.panels.compare_panel import ComparePanel
    from CEMSynthLib.browser.panels.export_panel import ExportPanel
    from CEMSynthLib.browser.panels.halo_panel import HaloPanel
    from CEMSynthLib.browser.panels.reading_panel import ReadingPanel
    from CEMSynthLib.browser.panels.regions_panel import RegionsPanel
    from CEMSynthLib.browser.panels.study_panel import StudyPanel
    from CEMSynthLib.browser.panels.synthesis_panel import SynthesisPanel

    return [StudyPanel, SynthesisPanel, ComparePanel, RegionsPanel, HaloPanel, ReadingPanel, ExportPanel]


def review(what: Review, address: Address, check: OpenGLCheck, on_ready: Callable[[str, str], None]) -> None:
    """Serve the page until the process is asked to end.

    Parameters
    ----------
    what
        The study.
    address
        Where to bind.
    check
        Started before; it is waited for here, before anything is drawn.
    on_ready
        Gets the address of the page, and one that opens it once.

    Raises
    ------
    OpenGLMissingError
        Nothing can be drawn on this computer.
    ReviewError
        The port is taken.
    SceneError
        The study cannot be opened.
    """
    from CEMSynthLib.browser.app import ReviewApp

    give_back_freed_memory()
    server = make_server(address)
    check.wait()
    app = ReviewApp(server, panels(), what.limits)
    try:
        if what.found is not None:
            app.open(what.found, what.synthetic, what.regions)
        if what.readers is not None:
            app.panel("reading").offer(what.readers)  # type: ignore[attr-defined]

        def ready(port: int, **_: Any) -> None:
            on_ready(address.url(port), address.url_once(port))

        run_server(server, address, app.add_routes, ready)
    finally:
        app.close()
