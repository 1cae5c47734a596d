"""DICOM selection: the files of what is selected in Slicer's DICOM browser."""

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from CEMSynthLib.desktop.errors import NothingSelectedError


def selectedFiles() -> list[Path]:
    """Files of the patients, studies or series that are selected.

    Raises
    ------
    NothingSelectedError
        The browser was not opened yet, nothing is selected in it, or the files are gone.
    """
    # Slicer makes the browser when its DICOM module is opened first.
    browser = getattr(getattr(slicer.modules, "DICOMInstance", None), "browserWidget", None)
    if browser is None:
        raise NothingSelectedError(_("Open the DICOM module first and select a study in it."))
    if getattr(browser, "useExpertimentalVisualDICOMBrowser", False):  # so spelled in Slicer 5.10
        raise NothingSelectedError(
            _("Slicer 5.10's experimental browser does not tell what is selected: turn it off in the DICOM module.")
        )
    if getattr(browser, "useVisualDICOMBrowser", False):
        series = browser.dicomVisualBrowser.patientView().selectedSeriesInstanceUIDs()
        lists = browser.getFileListsForRole(list(series), "SeriesUIDList")
    else:
        lists = browser.fileLists
    files = [Path(name) for names in lists for name in names]
    if not files:
        raise NothingSelectedError(_("Nothing is selected in the DICOM browser: select a patient, study or series."))
    there = [file for file in files if file.is_file()]
    if not there:
        raise NothingSelectedError(_("The files of the selected study are no longer there; import them again."))
    return there
