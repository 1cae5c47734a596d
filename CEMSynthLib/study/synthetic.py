"""Synthetic: which of the synthetic images that were found belongs to an acquisition."""

from collections.abc import Sequence

from CEMSynthLib.study.model import Acquisition, CEMImage


def synthetic_of(acquisition: Acquisition, synthetic: Sequence[CEMImage]) -> CEMImage | None:
    """Find the synthetic image that was made from an acquisition's low-energy image.

    Parameters
    ----------
    acquisition
        The acquisition.
    synthetic
        Candidates, of any study.

    Returns
    -------
    CEMImage or None
        The first where there are several.
    """
    low = acquisition.low_energy
    if low is None:
        return None
    for image in synthetic:
        if low.sop_instance_uid is not None and image.attributes.get("SourceSOPInstanceUID") == low.sop_instance_uid:
            return image
        if low.sop_instance_uid is None and image.attributes.get("SourceFile") == low.path.name:
            return image
    return None
