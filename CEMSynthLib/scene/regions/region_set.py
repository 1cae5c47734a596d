"""Region set: all regions of a scene, drawn, followed, measured and undone; desktop and browser drive this one object.

Example::

    regions = RegionSet(scene)
    regions.show(volumes)                                     # AcquisitionVolumes
    lesion = regions.add(RegionRole.LESION, Ellipse((60.0, 80.0), (6.0, 4.0)))
    regions.add_ring(lesion)
    for row in regions.rows():
        print(row.name, row.image.value, row.statistics, row.figure(CNRFormula.SD_BACKGROUND))
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from CEMSynthLib.measurement.regions import RegionRole
from CEMSynthLib.measurement.ring import ring_around
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Points, Rectangle, Shape
from CEMSynthLib.scene.regions.errors import RegionSetError
from CEMSynthLib.scene.regions.info import COLORS, Color, RegionInfo, RegionKind, Ring
from CEMSynthLib.scene.regions.kept_regions import KeptRegions
from CEMSynthLib.scene.regions.nodes import adoptable
from CEMSynthLib.scene.regions.pixels import images_of
from CEMSynthLib.scene.regions.region_nodes import new_key

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsNode, vtkMRMLSegmentationNode

#: Distance of a ring from its lesion and its width: in mm, and in pixels where the spacing is unknown.
RING_MM = (2.0, 4.0)
RING_PIXELS = (20.0, 40.0)


class RegionSet(KeptRegions):
    """The regions of a scene: what can be done to them, on top of what `KeptRegions` tells of them."""

    # Drawing

    def add(
        self,
        role: RegionRole,
        shape: Shape,
        name: str = "",
        *,
        acquisition: str = "",
        acquisition_name: str = "",
    ) -> str:
        """Draw a region.

        Parameters
        ----------
        role
            Lesion or background.
        shape
            In scene units.
        name
            Empty: one is made.
        acquisition, acquisition_name
            Of the acquisition it belongs to; empty: the one that is shown.

        Returns
        -------
        str
            Key of the region.

        Raises
        ------
        RegionSetError
            No acquisition is shown.
        """
        (key,) = self.add_all([self.described(role, shape, name, acquisition, acquisition_name)])
        return key

    def described(
        self, role: RegionRole, shape: Shape, name: str = "", acquisition: str = "", acquisition_name: str = ""
    ) -> RegionInfo:
        """What `add` would draw, for `add_all`."""
        kinds = {Rectangle: RegionKind.RECTANGLE, Ellipse: RegionKind.ELLIPSE}
        region = self._new(role, kinds.get(type(shape), RegionKind.CURVE), acquisition, name, acquisition_name)
        return replace(region, shape=shape)

    def add_all(self, described: Sequence[RegionInfo]) -> list[str]:
        """Draw several regions as one step for undo, and return their keys."""
        for region in described:
            self._nodes.add(region)
        if len(described) == 1:
            self._nodes.select(described[0].key)
        self._done()
        return [region.key for region in described]

    def add_curve(self, role: RegionRole, points: Points) -> str:
        """Draw a closed curve through points (x, y) in scene units, and return its key."""
        return self.add(role, ClosedCurve(points))

    def add_ring(self, lesion: str, gap: float | None = None, width: float | None = None) -> str:
        """Make a background ring that follows a lesion, in place of one that it has, and return its key.

        Parameters
        ----------
        lesion
            Key of the lesion.
        gap, width
            Distance from the lesion and width in scene units; ``None``: 2 and 4 mm, or 20 and 40 pixels.

        Raises
        ------
        RegionSetError, RegionError
            The region is no lesion or has no line that a ring could follow; the widths are nonsense.
        """
        around = self.region(lesion)
        if around.role is not RegionRole.LESION or around.shape is None:
            raise RegionSetError(f'A ring is made around a drawn lesion region; "{around.name}" is none.')
        images = images_of(self._volumes)
        usual = RING_MM if images and images[0].spacing_mm is not None else RING_PIXELS
        ring = Ring(lesion, usual[0] if gap is None else gap, usual[1] if width is None else width)
        shape = ring_around(around.shape, ring.gap, ring.width)
        for region in self.regions(around.acquisition):
            if region.ring is not None and region.ring.lesion == lesion:
                self._nodes.remove(region)
        made = self._new(RegionRole.BACKGROUND, RegionKind.RING, around.acquisition, _counterpart(around.name))
        self._nodes.add(replace(made, shape=shape, ring=ring))
        self._nodes.write(replace(around, background=made.key))
        self._done()
        return made.key

    def add_segment(self, segmentation: "vtkMRMLSegmentationNode", segment_id: str, role: RegionRole) -> str:
        """Make a segment of a segmentation node a region of the acquisition that is shown, and return its key.

        Raises
        ------
        RegionSetError
            There is no such segment, or it is a region already.
        """
        segment = segmentation.GetSegmentation().GetSegment(segment_id)
        if segment is None:
            raise RegionSetError("There is no such segment; choose one of the list.")
        place = (segmentation.GetID(), segment_id)
        if any(region.segment == place for region in self.all_regions()):
            raise RegionSetError(f'The segment "{segment.GetName()}" is a region already.')
        region = self._new(role, RegionKind.SEGMENT, "", segment.GetName())
        self._nodes.add(replace(region, segment=place, color=tuple(segment.GetColor())))
        self._nodes.select(region.key)
        self._done()
        return region.key

    def adopt(self, node: "vtkMRMLMarkupsNode", role: RegionRole) -> str:
        """Make an ROI or a closed curve that was drawn elsewhere a region, and return its key.

        Raises
        ------
        RegionSetError
            It is another kind of markup, or a region already; no acquisition is shown.
        """
        if not any(node is other for other in adoptable(self._scene)):
            raise RegionSetError(f'"{node.GetName()}" is no ROI or closed curve, or is a region already.')
        kind = RegionKind.RECTANGLE if node.IsA("vtkMRMLMarkupsROINode") else RegionKind.CURVE
        region = self._new(role, kind, "", node.GetName())
        self._nodes.adopt(node, region)
        self._nodes.select(region.key)
        self._done()
        return region.key

    def place(self, role: RegionRole, kind: RegionKind) -> str:
        """Let the user place a rectangle or an ellipse with two clicks in a slice view, and return its key."""
        if kind not in (RegionKind.RECTANGLE, RegionKind.ELLIPSE):
            raise RegionSetError("Only rectangles and ellipses are placed by two clicks.")
        self.cancel_placing()
        region = self._new(role, kind, "")
        self._nodes.add(region)
        self._nodes.select(region.key)
        self._placing.start(region.key, self._nodes.node(region.key))
        self._notify()
        return region.key

    def cancel_placing(self) -> None:
        """Give up placing a region."""
        self._placing.stop()
        self.recompute()

    # Changing

    def rename(self, key: str, name: str) -> None:
        """Give a region another name.

        Raises
        ------
        RegionSetError
            The name is empty, or another region of the acquisition has it.
        """
        region, name = self.region(key), name.strip()
        if not name:
            raise RegionSetError("A region needs a name; type one.")
        if any(r.name == name and r.key != key for r in self.regions(region.acquisition)):
            raise RegionSetError(f'There is a region "{name}" already; choose another name.')
        self._write(replace(region, name=name))

    def set_role(self, key: str, role: RegionRole) -> None:
        """Make a lesion a background or the other way round."""
        region = self.region(key)
        if region.ring is not None and role is not RegionRole.BACKGROUND:
            raise RegionSetError("A ring is a background; draw the lesion as a region of its own.")
        color = COLORS[role] if region.color == COLORS[region.role] else region.color
        self._write(replace(region, role=role, color=color, background=""))

    def set_color(self, key: str, color: Color) -> None:
        """Draw a region in another color."""
        self._write(replace(self.region(key), color=color))

    def set_locked(self, key: str, locked: bool) -> None:
        """Keep a region from being dragged, or let it be dragged again."""
        self._write(replace(self.region(key), locked=locked))

    def set_background(self, key: str, background: str) -> None:
        """Choose the background of a lesion by its key; empty: by rule."""
        self._write(replace(self.region(key), background=background))

    def set_visible(self, visible: bool) -> None:
        """Show all regions or hide them, to see what lies under them; the numbers stay."""
        self._find()
        self._nodes.set_visible(visible)

    def set_named(self, named: bool) -> None:
        """Write the names beside the regions, or not."""
        self._find()
        self._nodes.set_named(named)

    def delete(self, key: str) -> None:
        """Delete a region; a segment stays in its segmentation."""
        self._nodes.remove(self.region(key))
        self._stale = True
        self._done()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return self._history.can_redo

    def undo(self) -> None:
        """Take the last change back, whoever made it: this panel, the mouse, the Markups module."""
        self.recompute()
        self._restore(self._history.undo())

    def redo(self) -> None:
        """Do again what was taken back."""
        self._restore(self._history.redo())

    # Inside

    def _new(self, role: RegionRole, kind: RegionKind, acquisition: str, name: str = "", of: str = "") -> RegionInfo:
        if not acquisition:
            if self._volumes is None:
                raise RegionSetError("Show an acquisition first: a region belongs to one.")
            acquisition, of = self._volumes.key, self._volumes.name
        if not of and self._volumes is not None and self._volumes.key == acquisition:
            of = self._volumes.name
        taken = {region.name for region in self.regions(acquisition)}
        name = name or f"{of} {role.value}".strip()
        number = sum(region.role is role for region in self.regions(acquisition)) + 1
        given = name if name not in taken and name != f"{of} {role.value}".strip() else f"{name} {number}"
        while given in taken:
            number += 1
            given = f"{name} {number}"
        return RegionInfo(new_key(), given, role, kind, acquisition, color=COLORS[role])

    def _write(self, region: RegionInfo) -> None:
        self._nodes.write(region)
        self._done()

    def _done(self) -> None:
        """One step for undo; the table follows when it is asked for."""
        self._notify()
        self.recompute()
        self._notify()

    def _restore(self, snapshot: tuple[RegionInfo, ...] | None) -> None:
        if snapshot is None:
            return
        self._nodes.restore(snapshot)
        self._history.restored(tuple(self._nodes.regions()))
        self._done()


def _counterpart(name: str) -> str:
    """The name of the background that belongs to a lesion, by the rule of `pair_regions`."""
    if RegionRole.LESION.value in name:
        return name.replace(RegionRole.LESION.value, RegionRole.BACKGROUND.value)
    return f"{name} {RegionRole.BACKGROUND.value}"
