"""What can go wrong when a generator is trained, in words a user can act on."""

from CEMSynthLib.errors import CEMSynthError


class SplitError(CEMSynthError):
    """Training and validation patients overlap, are unknown, or one side is empty."""


class TrainingDataError(CEMSynthError):
    """The folder holds nothing a generator can be trained on."""


class TrainingOutputError(CEMSynthError):
    """The model folder cannot be written."""
