"""What can go wrong when a generator is trained, in words a user can act on."""

from CEMSynthLib.errors import CEMSynthError


class SplitError(CEMSynthError):
    """Training and validation patients overlap, are unknown, or one side is empty."""


class TrainingDataError(CEMSynthError):
    """The folder holds nothing a generator can be trained on, or an image of it is missing or damaged."""


class TrainingOutputError(CEMSynthError):
    """The model folder or the cache cannot be written."""


class TrainingStateError(CEMSynthError):
    """The state of an interrupted training is missing, damaged, or of another training."""


class TrainingSetupError(CEMSynthError):
    """What was asked for cannot be computed: precision, processes."""


class DivergedError(CEMSynthError):
    """A loss is no longer a number."""
