"""What can go wrong with a model or a device, in words a user can act on."""

from CEMSynthLib.errors import CEMSynthError


class ModelError(CEMSynthError):
    """A model folder is missing, its card is malformed, or its weights are not the ones the card names."""


class DeviceError(CEMSynthError):
    """The device asked for is unknown, absent, or does not work."""


class PreparationError(CEMSynthError):
    """A low-energy image cannot be brought to the form the network takes."""
