"""What can go wrong when images are evaluated together."""

from CEMSynthLib.errors import CEMSynthError


class EvaluationError(CEMSynthError):
    """The images or numbers given do not allow the statistic asked for; the text says why."""
