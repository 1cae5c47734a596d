"""Synthetic choice: which synthetic image of the acquisition is shown, and what it says of itself."""

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.synthetic_volume import make_current, record_of, synthetic_volumes

if TYPE_CHECKING:
    from CEMSynthLib.desktop.panel import Panel

# Readable on light and dark themes.
_WARNING_STYLE = "color: #C87000; font-weight: bold"


class SyntheticChoice:
    """The part of the Synthesis section about the result.

    Parameters
    ----------
    ui
        The child widgets by name.
    panel
        Shows the acquisition again after another image was chosen.
    """

    def __init__(self, ui: Any, panel: "Panel") -> None:
        self.ui, self._panel = ui, panel
        self._key = ""
        self._ids: list[str] = []
        self.ui.syntheticComboBox.connect("currentIndexChanged(int)", self.onChosen)
        self.show(None)

    def show(self, volumes: AcquisitionVolumes | None) -> None:
        """List the synthetic images of an acquisition, and describe the one that is shown."""
        self._key = volumes.key if volumes is not None else ""
        nodes = synthetic_volumes(slicer.mrmlScene, self._key)
        current = volumes.synthetic if volumes is not None else None
        self._ids = [node.GetID() for node in nodes]
        wasBlocked = self.ui.syntheticComboBox.blockSignals(True)
        self.ui.syntheticComboBox.clear()
        for node in nodes:
            self.ui.syntheticComboBox.addItem(_label(node), node.GetID())
        if current is not None and current.GetID() in self._ids:
            self.ui.syntheticComboBox.setCurrentIndex(self._ids.index(current.GetID()))
        self.ui.syntheticComboBox.blockSignals(wasBlocked)
        self.ui.syntheticLabel.visible = self.ui.syntheticComboBox.visible = len(nodes) > 1
        self._describe(current)

    def onChosen(self, index: int) -> None:
        """Another image was chosen."""
        node = slicer.mrmlScene.GetNodeByID(self._ids[index]) if 0 <= index < len(self._ids) else None
        if node is not None:
            make_current(node)
            self._panel.show(self._key)

    def _describe(self, node: Any) -> None:
        record = record_of(node)
        label = self.ui.syntheticNoteLabel
        label.visible = record is not None
        if record is None:
            label.text = ""
            return
        outside = record.training_range == "outside"
        label.styleSheet = _WARNING_STYLE if outside or record.warnings else ""
        lines = [
            _("{model} {version}, {device}, {seconds:.1f} s").format(
                model=record.model_name,
                version=record.model_version,
                device=record.device.upper(),
                seconds=record.seconds,
            )
        ]
        if outside:
            lines.append(_("OUTSIDE the range of the training images: what it shows cannot be relied on."))
        elif record.training_range != "inside":
            lines.append(_("Whether the image is like those of the training is not known."))
        label.text = "\n".join([*lines, *record.warnings])


def _label(node: Any) -> str:
    record = record_of(node)
    if record is not None:
        return f"{record.model_name} {record.model_version} ({record.model_sha256[:8]}), {record.created}"
    return (
        str(_("{name} (from a file)").format(name=node.GetName()))
        if node.GetAttribute(names.FINGERPRINT)
        else node.GetName()
    )
