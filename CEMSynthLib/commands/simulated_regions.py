"""Simulated regions: lesions and backgrounds that a simulated cohort brings along."""

from CEMSynthLib.evaluation.truth import find_truth
from CEMSynthLib.measurement.markups import INDEX_NAME, TiedRegion, read_regions
from CEMSynthLib.study.model import StudyFolder


def simulated_regions(found: StudyFolder) -> list[TiedRegion]:
    """Regions of a simulated cohort, those of the patients that are here; none for other images."""
    if find_truth(found.root) is None:
        return []
    here = {image.sop_instance_uid for s in found.studies for a in s.acquisitions for image in a.images}
    for folder in (found.root / "regions", found.root.parent / "regions"):
        if (folder / INDEX_NAME).is_file():
            return [region for region in read_regions([folder]) if region.sop_instance_uid in here]
    return []
