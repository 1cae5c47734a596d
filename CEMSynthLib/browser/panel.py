"""Panel: what every panel of the page has; the application calls these, a panel overrides what it needs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes


class Panel:
    """One vertical slice of the page.

    Parameters
    ----------
    app
        The application: scene, study, comparison, state.
    """

    #: Name in the state and in autosaved work; title and icon (Material Design Icons) of the tab.
    name = ""
    title = ""
    icon = ""

    def __init__(self, app: "ReviewApp") -> None:
        self.app = app
        self.state = app.state

    def build(self) -> None:
        """Make the widgets, where the caller stands in the page."""

    def on_shown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Another acquisition is shown, or none."""

    def refresh(self) -> None:
        """Bring the state up to date with scene and application."""

    def work(self) -> dict[str, Any]:
        """What the user did here, in JSON's values, for autosave."""
        return {}

    def restore(self, work: dict[str, Any]) -> None:
        """Take back what `work` gave, perhaps from an earlier version."""

    def close(self) -> None:
        """Let go of everything: the server ends."""
