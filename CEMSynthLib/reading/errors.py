"""What can go wrong in a reader study, in words a reader can act on."""

from CEMSynthLib.errors import CEMSynthError


class ProtocolError(CEMSynthError):
    """A protocol, its key or the cohort it is made from cannot be used as it is."""


class AnswerError(CEMSynthError):
    """An answer is not one that the form knows, or could not be saved."""


class LockedError(CEMSynthError):
    """The answers of this reader are open in another window, or another window has taken them over."""


class WashoutError(CEMSynthError):
    """The next session of this reader may not begin yet."""
