"""Errors of the desktop room."""

from CEMSynthLib.errors import CEMSynthError


class NothingSelectedError(CEMSynthError):
    """Nothing is selected in the DICOM browser, or its files are gone."""


class PackageError(CEMSynthError):
    """Python packages that this needs are missing and cannot be installed this way."""


class ExportWorkError(CEMSynthError):
    """There is nothing to export, files that it needs are gone, or measuring failed."""


class NameTakenError(CEMSynthError):
    """A file has this name already, and nobody was asked whether it may be replaced."""
