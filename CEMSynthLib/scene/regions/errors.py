"""Errors of regions in a scene."""

from CEMSynthLib.scene.errors import SceneError


class RegionSetError(SceneError):
    """What was asked of a region cannot be done; the text says why and what to do."""
