"""What can go wrong when a study is read, in words a user can act on."""

from CEMSynthLib.errors import CEMSynthError


class StudyFolderError(CEMSynthError):
    """The path given as a study is missing, empty or holds nothing that can be read."""


class UnreadableImageError(CEMSynthError):
    """One file is damaged, cut short, or of a form that is not read (colour, several frames)."""


class BreastNotFoundError(CEMSynthError):
    """An image holds nothing that stands out from the air, so there is no breast mask."""


class ImageTableError(CEMSynthError):
    """A table that tells what image files show, or an annotation workbook, cannot be used as it is."""
