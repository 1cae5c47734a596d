"""Errors of the desktop room."""

from CEMSynthLib.errors import CEMSynthError


class OpeningCanceledError(CEMSynthError):
    """The user canceled the opening of a study; what was open stays open."""
