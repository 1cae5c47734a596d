"""What can go wrong with a model, a device or the worker, in words a user can act on."""

from CEMSynthLib.errors import CEMSynthError


class ModelError(CEMSynthError):
    """A model folder is missing, its card is malformed, or its weights are not the ones the card names."""


class DeviceError(CEMSynthError):
    """The device asked for is unknown, absent, or does not work."""


class MemoryShortageError(DeviceError):
    """The device has too little free memory for the image."""


class PreparationError(CEMSynthError):
    """A low-energy image cannot be brought to the form the network takes."""


class CancelledError(CEMSynthError):
    """The user stopped the work."""


class MissingPackageError(CEMSynthError):
    """A Python package that this needs is not installed."""


class WorkerError(CEMSynthError):
    """The worker process could not be started, ended unexpectedly, or gave an answer that is none."""
