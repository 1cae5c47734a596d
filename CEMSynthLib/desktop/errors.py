"""Errors of the desktop room."""

from CEMSynthLib.errors import CEMSynthError


class NothingSelectedError(CEMSynthError):
    """Nothing is selected in the DICOM browser, or its files are gone."""


class PackageError(CEMSynthError):
    """Python packages that this needs are missing and cannot be installed this way."""
