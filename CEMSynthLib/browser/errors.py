"""Errors of the browser room."""

from CEMSynthLib.errors import CEMSynthError


class ReviewError(CEMSynthError):
    """The page cannot do what was asked; the text says why and what to do."""


class OpenGLMissingError(ReviewError):
    """Nothing can be drawn on this computer; the text names the packages to install."""


class UploadError(ReviewError):
    """Files that were sent are not taken; the text says why."""
