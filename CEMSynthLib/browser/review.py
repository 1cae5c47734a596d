"""Review: from a folder to the open page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.opengl_check import OpenGLCheck
from CEMSynthLib.browser.server import Address, make_server, run_server

if TYPE_CHECKING:
    from CEMSynthLib.study.model import StudyFolder


@dataclass(frozen=True)
class Review:
    """What is reviewed.

    Parameters
    ----------
    found
        The study.
    synthetic
        Synthetic images made from it, if they lie elsewhere.
    """

    found: "StudyFolder"
    synthetic: "StudyFolder | None" = None


def review(what: Review, address: Address, check: OpenGLCheck, on_ready: Callable[[str], None]) -> None:
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
        Gets the address to open.

    Raises
    ------
    OpenGLMissingError
        Nothing can be drawn on this computer.
    SceneError
        The study cannot be opened.
    """
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.browser.panels.compare_panel import ComparePanel
    from CEMSynthLib.browser.panels.study_panel import StudyPanel

    server = make_server(address, lambda application: None)
    check.wait()
    app = ReviewApp(server, [StudyPanel, ComparePanel])

    async def open_study(**_: Any) -> None:
        app.open(what.found, what.synthetic)

    server.controller.on_server_ready.add_task(open_study)
    run_server(server, address, lambda port: on_ready(address.url(port)))
    app.close()
