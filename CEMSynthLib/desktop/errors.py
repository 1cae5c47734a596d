"""Errors of the desktop room."""

from CEMSynthLib.errors import CEMSynthError


class OpeningCanceledError(CEMSynthError):
    """The user canceled the opening of a study; what was open stays open."""


class PackageError(CEMSynthError):
    """Python packages that this needs are missing and cannot be installed this way."""
