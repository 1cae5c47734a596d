"""What can go wrong when a view is measured, said in one sentence to the user."""

from CEMSynthLib.errors import CEMSynthError


class MeasurementError(CEMSynthError):
    """A number cannot be computed from the image, mask or region that was given."""


class RegionError(MeasurementError):
    """A region is too small, leaves the image, or has no partner."""


class MarkupsError(MeasurementError):
    """A Slicer markups file or a ``regions.json`` cannot be used."""


class PixelValueError(MeasurementError):
    """The pixels are not what the formula needs (integers, values outside [0, 1], NaN, no spread)."""
