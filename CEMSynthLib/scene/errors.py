"""Errors of the scene room."""

from CEMSynthLib.errors import CEMSynthError


class SceneError(CEMSynthError):
    """A study cannot be shown; the text says why and what to do."""
