"""Files: regions from markups files to their acquisitions in the scene, and what of the scene goes into such files."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from CEMSynthLib.measurement.errors import MeasurementError
from CEMSynthLib.measurement.markups import MARKUPS_SUFFIX, RegionTie, TiedRegion
from CEMSynthLib.measurement.regions import Region, RegionRole
from CEMSynthLib.measurement.shapes import ELLIPSE_POINTS, ClosedCurve, Ellipse, Shape
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes, acquisitions_in
from CEMSynthLib.scene.regions.errors import RegionSetError
from CEMSynthLib.scene.regions.info import RegionInfo
from CEMSynthLib.scene.regions.measure import as_region, background_of
from CEMSynthLib.scene.regions.region_set import RegionSet
from CEMSynthLib.study.model import Acquisition

if TYPE_CHECKING:
    from slicer import vtkMRMLScene

#: How exactly a curve must be an ellipse to become one again, of its larger semi-axis.
_ROUND = 1e-6

#: Acquisitions of an opened study by key: they need not be in the scene yet.
Opened = Mapping[str, Acquisition]


def import_regions(
    regions: RegionSet, scene: "vtkMRMLScene", tied: Iterable[TiedRegion], opened: Opened
) -> tuple[list[str], list[str]]:
    """Draw regions that were read from markups files, each on its acquisition: one step for undo.

    Parameters
    ----------
    regions
        Of the scene. A region that nothing ties to an image goes to the acquisition that is shown.
    scene
        The scene.
    tied
        From `CEMSynthLib.measurement.markups.read_regions`.
    opened
        Acquisitions of the opened study.

    Returns
    -------
    list of str, list of str
        Keys of the regions that were drawn, and a sentence for each one that was left out.
    """
    places = _places(scene, opened)
    made: list[RegionInfo] = []
    left_out: list[str] = []
    for one in tied:
        keys = [key for key, place in places.items() if _fits(one, *place[1:])]
        if not one.tied and regions.acquisition:
            keys = [regions.acquisition]
        if len(keys) == 1:
            shape = _as_ellipse(one.region.shape)
            made.append(
                regions.described(
                    one.region.role, shape, one.region.name, keys[0], places[keys[0]][0] if keys[0] in places else ""
                )
            )
        elif not one.tied:
            left_out.append(f"{one.path.name} does not say which image it was drawn on; show its acquisition first.")
        else:
            where = "several acquisitions" if keys else "no acquisition that is open"
            left_out.append(f"{one.path.name} belongs to {where} and was left out.")
    return regions.add_all(made), left_out


def regions_to_save(
    regions: Sequence[RegionInfo], scene: "vtkMRMLScene", opened: Opened
) -> tuple[list[tuple[Region, RegionTie]], list[str]]:
    """Say what goes into a folder of markups files that `cemsynth measure --regions` reads.

    Parameters
    ----------
    regions
        Of any acquisitions.
    scene
        The scene.
    opened
        Acquisitions of the opened study.

    Returns
    -------
    list of (Region, RegionTie), list of str
        The regions with the name of their file and what ties them to their acquisition, and sentences about regions
        that cannot be saved. Where an acquisition has several backgrounds, files are named so that each lesion finds
        its own; a background that several lesions share is written for each of them.

    Raises
    ------
    RegionSetError
        There is nothing to save.
    """
    places = _places(scene, opened)
    found: list[tuple[Region, RegionTie]] = []
    left_out: list[str] = []
    taken: set[str] = set()
    for key in dict.fromkeys(region.acquisition for region in regions):
        title, uids, files = places.get(key, ("", frozenset(), frozenset()))
        if not uids and not files:
            left_out.append("The images of some regions are no longer open, so these regions cannot be tied to them.")
            continue
        tie = (min(uids), None) if uids else (None, min(files))
        if key in uids:
            tie = (key, None)
        for region, stem in _named([r for r in regions if r.acquisition == key], title, left_out):
            unique = _unique(stem, taken)
            try:
                described = as_region(region)
            except MeasurementError as error:
                left_out.append(str(error))
                continue
            taken.add(unique)
            found.append(
                (Region(unique, described.role, described.shape), RegionTie(f"{unique}{MARKUPS_SUFFIX}", *tie))
            )
    if not found:
        raise RegionSetError(" ".join(["There is no region to save.", *left_out]))
    return found, left_out


def _places(scene: "vtkMRMLScene", opened: Opened) -> "dict[str, tuple[str, frozenset[str], frozenset[str]]]":
    """Of each acquisition its name, SOP Instance UIDs and names of image files."""
    places = {volumes.key: _place(volumes) for volumes in acquisitions_in(scene)}
    for key, acquisition in opened.items():
        uids = frozenset(i.sop_instance_uid for i in acquisition.images if i.sop_instance_uid)
        files = frozenset(i.path.name for i in acquisition.images if not i.sop_instance_uid)
        before = places.get(key, ("", frozenset(), frozenset()))
        places[key] = (acquisition.name, uids | before[1], files | before[2])
    return places


def _place(volumes: AcquisitionVolumes) -> tuple[str, frozenset[str], frozenset[str]]:
    nodes = [node for node in (volumes.low_energy, volumes.recombined) if node is not None]
    uids = frozenset(u for node in nodes if (u := node.GetAttribute(names.SOP_INSTANCE_UID)))
    files = frozenset(f for node in nodes if (f := node.GetAttribute(names.SOURCE_FILE)))
    return volumes.name, uids, files


def _fits(tied: TiedRegion, uids: frozenset[str], files: frozenset[str]) -> bool:
    if tied.sop_instance_uid is not None and tied.sop_instance_uid in uids:
        return True
    return tied.image is not None and tied.image.rpartition("/")[2] in files


def _as_ellipse(shape: Shape) -> Shape:
    """An ellipse again, where a closed curve is what `Ellipse.curve` makes of one."""
    if not isinstance(shape, ClosedCurve) or len(shape.control_points) != ELLIPSE_POINTS:
        return shape
    import math

    points = shape.control_points
    half, quarter = ELLIPSE_POINTS // 2, ELLIPSE_POINTS // 4
    center = tuple((points[0][axis] + points[half][axis]) / 2 for axis in (0, 1))
    along = (points[0][0] - center[0], points[0][1] - center[1])
    across = (points[quarter][0] - center[0], points[quarter][1] - center[1])
    axes = (math.hypot(*along), math.hypot(*across))
    if min(axes) <= 0:
        return shape
    angle = math.degrees(math.atan2(along[1], along[0]))
    ellipse = Ellipse((center[0], center[1]), axes, 0.0 if abs(angle) < 1e-9 else angle)
    off = max(math.dist(a, b) for a, b in zip(points, ellipse.curve().control_points, strict=True))
    return ellipse if off <= _ROUND * max(axes) else shape


def _named(regions: Sequence[RegionInfo], title: str, left_out: list[str]) -> list[tuple[RegionInfo, str]]:
    """Each region with the stem of its file; shared backgrounds several times where names must tell the pairs."""
    drawn = [region for region in regions if region.segment is None]
    left_out += [
        f'The region "{region.name}" is a segment: it is saved with the scene, not as a markups file.'
        for region in regions
        if region.segment is not None
    ]
    backgrounds = [region for region in drawn if region.role is RegionRole.BACKGROUND]
    named: list[tuple[RegionInfo, str]] = []
    used = set()
    for lesion in (region for region in drawn if region.role is RegionRole.LESION):
        stem = _stem(lesion, title)
        while any(stem == other for _, other in named):
            stem = f"{stem}_2"
        named.append((lesion, stem))
        background, _ = background_of(lesion, regions)
        if background is not None and background.segment is None and len(backgrounds) > 1:
            named.append((background, stem.replace(RegionRole.LESION.value, RegionRole.BACKGROUND.value)))
            used.add(background.key)
    named += [(region, _stem(region, title)) for region in backgrounds if region.key not in used]
    return named


def _stem(region: RegionInfo, title: str) -> str:
    """A file name that holds the word of its role once, and not the other one."""
    words = "|".join(role.value for role in RegionRole)
    prefix = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_")
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", region.name).strip("_.")
    told = re.findall(words, name, flags=re.IGNORECASE)
    if told != [region.role.value]:
        rest = re.sub("_+", "_", re.sub(words, "", name, flags=re.IGNORECASE)).strip("_.")
        name = f"{region.role.value}_{rest}" if rest else region.role.value
    return name if not prefix or name.startswith(f"{prefix}_") else f"{prefix}_{name}"


def _unique(stem: str, taken: set[str]) -> str:
    number, unique = 2, stem
    while unique.casefold() in {one.casefold() for one in taken}:
        unique, number = f"{stem}_{number}", number + 1
    return unique
