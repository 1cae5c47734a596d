"""What can be asked of the simulator in vain."""

from CEMSynthLib.errors import CEMSynthError


class PhantomError(CEMSynthError):
    """A simulated study was asked for with impossible settings."""
