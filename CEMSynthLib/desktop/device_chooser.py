"""Device chooser: where the generator computes, what was found, and why not the graphics card."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.synthesis import Synthesis
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.device_names import DEVICE_NAMES, driver_may_be_there

_SETTING = "CEMSynth/Device"


class DeviceChooser:
    """The part of the Synthesis section about devices. The choice belongs to the machine, so it is in QSettings.

    When the module opens, only the traces of a driver are looked for; the worker asks PyTorch when it is told to.

    Parameters
    ----------
    ui
        The child widgets by name.
    synthesis
        Whose worker is asked.
    say, log
        Show a sentence, and a line in the log.
    onChanged
        Called when the worker has begun or ended to look.
    """

    def __init__(
        self,
        ui: Any,
        synthesis: Synthesis,
        say: Callable[[str], None],
        log: Callable[[str], None],
        onChanged: Callable[[], None],
    ) -> None:
        self.ui = ui
        self._synthesis, self._say, self._log, self._onChanged = synthesis, say, log, onChanged
        self.busy = False
        words = {
            "auto": _("automatic"),
            "cpu": _("processor (CPU)"),
            "cuda": _("NVIDIA GPU (CUDA)"),
            "mps": _("Apple GPU (MPS)"),
        }
        for name in DEVICE_NAMES:
            self.ui.deviceComboBox.addItem(words[name], name)
        chosen = slicer.util.settingsValue(_SETTING, DEVICE_NAMES[0], converter=str)
        self.ui.deviceComboBox.setCurrentIndex(max(0, self.ui.deviceComboBox.findData(chosen)))
        self.ui.deviceComboBox.connect("currentIndexChanged(int)", self.onDeviceChanged)
        self.ui.checkDevicesButton.clicked.connect(self.onCheckClicked)
        possible = [words[name] for name in ("cuda", "mps") if driver_may_be_there(name)]
        if possible:
            self.tell(_("Possible here: {names}. Each is tried before it is used.").format(names=", ".join(possible)))
        else:
            self.tell(_("Only the processor (CPU): this machine has no driver for a GPU that PyTorch knows."))

    def device(self) -> str:
        """``auto``, ``cpu``, ``cuda`` or ``mps``."""
        return DEVICE_NAMES[max(0, int(self.ui.deviceComboBox.currentIndex))]

    def tell(self, sentence: str) -> None:
        """Show what is known of the device."""
        self.ui.deviceNoteLabel.text = sentence

    def refresh(self, waiting: str) -> None:
        """Enable the button; ``waiting`` says what has to end before devices can be looked for, empty if nothing."""
        waiting = waiting or (_("Wait until each device was tried.") if self.busy else "")
        self.ui.checkDevicesButton.enabled = not waiting
        self.ui.checkDevicesButton.toolTip = waiting or _("Ask PyTorch which devices there are, and try each of them.")

    def onDeviceChanged(self, index: int) -> None:
        """Another device was chosen."""
        qt.QSettings().setValue(_SETTING, self.device())

    def onCheckClicked(self) -> None:
        """Let the worker try every device."""
        if self.busy or self._synthesis.running:
            return
        self.busy = True
        self.tell(_("Looking ..."))
        try:
            self._synthesis.askDevices(self.onDevices, self.onFailure)
        except CEMSynthError as error:
            self.onFailure(error)
        self._onChanged()

    def stop(self) -> None:
        """The worker that was asked was ended: its answer does not come any more."""
        if self.busy:
            self.busy = False
            self.tell("")

    def onDevices(self, devices: Sequence[Mapping[str, Any]]) -> None:
        """The worker's answer: each device with its name, or why it cannot be used."""
        self.busy = False
        usable = [str(found["text"]) for found in devices if found["usable"]]
        others = [f"{str(found['device']).upper()}: {found['text']}" for found in devices if not found["usable"]]
        text = _("Found: {names}.").format(names=", ".join(usable))
        if others:
            text = _("{found} Cannot be used: {others}.").format(found=text, others="; ".join(others))
        self.tell(text)
        self._onChanged()

    def onFailure(self, error: CEMSynthError) -> None:
        """The worker could not answer."""
        self.busy = False
        self.tell("")
        self._say(str(error))
        self._onChanged()
