"""Startup: what runs when Slicer has started, so it is light: sample data are registered, read scenes are watched."""

import qt
import slicer

from CEMSynthLib.desktop.sample_registration import registerSampleData
from CEMSynthLib.scene.watch import SceneWatch

_watches: list[SceneWatch] = []


def startup() -> None:
    """Register the sample study, and see to it that synthetic images are labeled before the module is opened."""
    registerSampleData()
    for watch in _watches:
        watch.release()
    _watches[:] = [SceneWatch(slicer.mrmlScene, onImages)]


def onImages() -> None:
    """A scene with our images was read; what follows waits until Slicer has finished reading."""
    qt.QTimer.singleShot(0, labelImages)


def labelImages() -> None:
    """Make the module, which labels synthetic images and knows its layouts; a layout that was read is shown now."""
    slicer.modules.cemsynth.widgetRepresentation()
    manager = slicer.app.layoutManager()
    if manager is not None:
        node = manager.layoutLogic().GetLayoutNode()
        node.SetViewArrangement(node.GetViewArrangement())
