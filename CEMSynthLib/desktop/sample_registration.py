"""Sample registration: the simulated study in Slicer's module Sample Data. Light: it runs when Slicer starts."""

from pathlib import Path
from typing import Any

import slicer

NAME = "SimulatedCEMStudy"


def registerSampleData() -> None:
    """Add the simulated study to Sample Data; it is simulated when the user asks for it, and nothing is downloaded."""
    if not hasattr(slicer.modules, "sampledata"):
        return
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="CEM Synthesis",
        sampleName=NAME,
        uris="",
        fileNames="",
        nodeNames=NAME,
        thumbnailFileName=str(Path(slicer.util.modulePath("CEMSynth")).parent / f"Resources/Icons/{NAME}.png"),
        customDownloader=openSample,
    )


def openSample(source: Any = None) -> None:
    """Open the module and the simulated study in it.

    Parameters
    ----------
    source
        What Sample Data gives; not needed.
    """
    slicer.util.selectModule("CEMSynth")
    # A click: a disabled button does nothing while another study is read, or beside blinded images.
    slicer.modules.cemsynth.widgetRepresentation().self().ui.sampleButton.click()
