"""What can go wrong when results leave the program."""

from CEMSynthLib.errors import CEMSynthError


class ExportError(CEMSynthError):
    """A file could not be written; the text says which one and why."""


class OutputFolderError(ExportError):
    """The output folder cannot be used as asked; the text names what is in the way and what to do."""
