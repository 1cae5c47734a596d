"""Region nodes: the regions of a scene by key, found again after whatever happened to their nodes, and restored."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from CEMSynthLib.measurement.errors import RegionError
from CEMSynthLib.measurement.ring import ring_around
from CEMSynthLib.measurement.shapes import ClosedCurve, Ellipse, Shape
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.regions import info as keys
from CEMSynthLib.scene.regions.info import RegionInfo, RegionKind, Ring
from CEMSynthLib.scene.regions.nodes import (
    add_node,
    add_outline,
    adopt_node,
    is_drawn,
    markups_in,
    read_node,
    read_shape,
    show_handles,
    straighten,
    write_points,
    write_properties,
    write_shape,
)
from CEMSynthLib.scene.regions.segments import read_segments, remove_segment, segmentations_in, write_segment
from CEMSynthLib.scene.regions.views import show_in_views, views_by_acquisition

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsNode, vtkMRMLScene


class RegionNodes:
    """Keeps nodes and regions together.

    Parameters
    ----------
    scene
        The scene.
    notify
        A bound method, called without arguments whenever something about a region may have changed.
    """

    def __init__(self, scene: "vtkMRMLScene", notify: Callable[[], None]) -> None:
        self._scene = scene
        self._notify = notify
        self._nodes: dict[str, vtkMRMLMarkupsNode] = {}
        self._outlines: dict[str, vtkMRMLMarkupsNode] = {}
        self._observations = Observations()
        # Of each ring what it follows, and its line: those of lesions that nobody moves are not made again.
        self._rings: dict[str, tuple[Any, ClosedCurve]] = {}
        self._own = False
        #: Keys of the regions that the user holds with the mouse.
        self.dragged: set[str] = set()
        #: Key of the region that has handles; empty if none.
        self.selected = ""

    def regions(self) -> list[RegionInfo]:
        """All regions as they are now, markups first, each in the order of their nodes."""
        found = [region for region in map(read_node, self._nodes.values()) if region is not None]
        for node in segmentations_in(self._scene):
            found += read_segments(node)
        return found

    def node(self, key: str) -> "vtkMRMLMarkupsNode | None":
        """The markups node of a region; ``None`` for a segment and for what is gone."""
        return self._nodes.get(key)

    def add(self, region: RegionInfo) -> None:
        """Bring a region into the scene, with all that draws it."""
        self._add(region)
        self.find()

    def _add(self, region: RegionInfo) -> None:
        with self._at_work():
            if region.segment is not None:
                node = self._scene.GetNodeByID(region.segment[0])
                if node is not None:
                    write_segment(node, region)
            else:
                # First: each markups node that is added becomes the one that a click would place.
                if region.kind is RegionKind.ELLIPSE:
                    self._outlines[region.key] = add_outline(self._scene, region)
                self._nodes[region.key] = add_node(self._scene, region)

    def adopt(self, node: "vtkMRMLMarkupsNode", region: RegionInfo) -> None:
        """Make markups that were drawn elsewhere a region."""
        with self._at_work():
            adopt_node(node, region)
        self.find()

    def write(self, region: RegionInfo) -> None:
        """Make a region that is there be like this."""
        with self._at_work():
            if region.segment is not None:
                node = self._scene.GetNodeByID(region.segment[0])
                if node is not None:
                    write_segment(node, region)
                return
            node = self._nodes[region.key]
            write_properties(node, region)
            now = read_node(node)
            if region.shape is not None and now is not None and now.shape != region.shape:
                write_shape(node, region.shape)
            self._follow_box(node)
            self._follow_display(node)

    def remove(self, region: RegionInfo) -> None:
        """Take a region out of the scene; of a segment, only that it is a region."""
        with self._at_work():
            if region.segment is not None:
                node = self._scene.GetNodeByID(region.segment[0])
                if node is not None:
                    remove_segment(node, region)
            for nodes in (self._nodes, self._outlines):
                node = nodes.pop(region.key, None)
                if node is not None and node.GetScene() is not None:
                    self._scene.RemoveNode(node)
            self.dragged.discard(region.key)

    def restore(self, wanted: Iterable[RegionInfo]) -> None:
        """Make the regions of the scene be these and no others."""
        target = {region.key: region for region in wanted}
        for region in self.regions():
            if region.key not in target:
                self.remove(region)
        there = {region.key: region for region in self.regions()}
        for key, region in target.items():
            if key not in there:
                self._add(region)
            elif there[key] != region:
                self.write(region)
        self.find()

    def find(self) -> None:
        """Look through the scene: nodes may have been loaded, copied or deleted by hand."""
        with self._at_work():
            had = set(self._outlines)
            nodes, outlines = self._look()
            for key, node in list(nodes.items()):
                region = read_node(node)
                if region is None or region.kind is not RegionKind.ELLIPSE or key in outlines:
                    continue
                if key in had and self._nodes.get(key) is node:
                    # What is seen of an ellipse was deleted: so is the ellipse.
                    self._scene.RemoveNode(nodes.pop(key))
                else:
                    outlines[key] = add_outline(self._scene, region)
            for key in [key for key in outlines if key not in nodes]:
                self._scene.RemoveNode(outlines.pop(key))
            self._nodes, self._outlines = nodes, outlines
            self._remove_orphan_rings()
            self.dragged &= set(nodes)
            for node in nodes.values():
                self._follow_box(node)
                self._follow_display(node)
        self._observe()
        if self.named:  # new ones too
            self.set_named(True)
        self.show()
        self.select(self.selected)

    def select(self, key: str) -> None:
        """Give one region its handles, and take them from the others."""
        self.selected = key
        with self._at_work():
            for other, node in self._nodes.items():
                show_handles(node, other == key)

    @property
    def visible(self) -> bool:
        """Whether a region is shown where its acquisition is; True where there is none."""
        displays = self._displays()
        return not displays or any(display.GetVisibility() for display in displays)

    @property
    def named(self) -> bool:
        """Whether the regions have their names beside them."""
        return any(display.GetPropertiesLabelVisibility() for display in self._displays())

    def set_visible(self, visible: bool) -> None:
        """Show all regions or hide them, to see what lies under them."""
        for display in self._displays():
            display.SetVisibility(visible)

    def set_named(self, named: bool) -> None:
        """Write the names beside the regions, or not."""
        for display in self._displays():
            display.SetPropertiesLabelVisibility(named)

    def _displays(self) -> list[Any]:
        return [node.GetDisplayNode() for node in self._nodes.values() if node.GetDisplayNode() is not None]

    def forget(self) -> None:
        """Let go of all nodes: their scene closes."""
        self._observations.remove()
        self._nodes, self._outlines, self._rings = {}, {}, {}
        self.dragged.clear()
        self.selected = ""

    def show(self) -> None:
        """Show each region in the slice views of its acquisition."""
        views = views_by_acquisition(self._scene)
        with self._at_work():
            for key, node in self._nodes.items():
                acquisition = node.GetAttribute(names.ACQUISITION) or ""
                show_in_views(node, views, acquisition)
                if key in self._outlines:
                    show_in_views(self._outlines[key], views, acquisition)

    def follow_rings(self) -> list[RegionInfo]:
        """Lay each ring around its lesion again, where the lesion has moved, and return all regions."""
        regions = {region.key: region for region in self.regions()}
        with self._at_work():
            for region in list(regions.values()):
                lesion = regions.get(region.ring.lesion) if region.ring is not None else None
                if region.ring is None or lesion is None or lesion.shape is None or region.key not in self._nodes:
                    continue
                content = (lesion.shape, region.ring)
                known = self._rings.get(region.key)
                try:
                    line = known[1] if known is not None and known[0] == content else _line(lesion.shape, region.ring)
                except RegionError:
                    continue
                self._rings[region.key] = (content, line)
                if region.shape != line:
                    write_points(self._nodes[region.key], line.control_points)
                    regions[region.key] = replace(region, shape=line)
        return list(regions.values())

    def straighten(self) -> None:
        """Lay boxes that were placed or turned by hand through the image plane, unless one is being dragged."""
        with self._at_work():
            for key, node in self._nodes.items():
                region = read_node(node)
                if region is not None and key not in self.dragged:
                    straighten(node, region)

    def _remove_orphan_rings(self) -> None:
        """A ring goes with its lesion, unless another lesion uses it as its background."""
        regions = self.regions()
        there, used = {region.key for region in regions}, {region.background for region in regions}
        for region in regions:
            if region.ring is not None and region.ring.lesion not in there and region.key not in used:
                self._scene.RemoveNode(self._nodes.pop(region.key))

    def _look(self) -> "tuple[dict[str, vtkMRMLMarkupsNode], dict[str, vtkMRMLMarkupsNode]]":
        nodes: dict[str, vtkMRMLMarkupsNode] = {}
        outlines: dict[str, vtkMRMLMarkupsNode] = {}
        for node in markups_in(self._scene):
            outlined = node.GetAttribute(keys.OUTLINE_OF)
            if outlined:
                if outlined in outlines:
                    self._scene.RemoveNode(node)
                else:
                    outlines[outlined] = node
            elif read_node(node) is not None:
                key = node.GetAttribute(keys.KEY)
                if key in nodes:
                    # A copy, or the same scene loaded twice: a region of its own.
                    key = new_key()
                    node.SetAttribute(keys.KEY, key)
                nodes[key] = node
        return nodes, outlines

    def _observe(self) -> None:
        self._observations.remove()
        for node in self._nodes.values():
            for event in (node.PointModifiedEvent, "ModifiedEvent"):
                self._observations.add(node, event, self._on_changed)
            self._observations.add(node, node.PointStartInteractionEvent, self._on_start)
            self._observations.add(node, node.PointEndInteractionEvent, self._on_end)
            self._observations.add(node, node.DisplayModifiedEvent, self._on_display)
        for node in segmentations_in(self._scene):
            self._observations.add(node, "ModifiedEvent", self._on_segmentation)
            segmentation = node.GetSegmentation()
            for event in (
                segmentation.SourceRepresentationModified,
                segmentation.SegmentModified,
                segmentation.SegmentRemoved,
            ):
                self._observations.add(segmentation, event, self._on_segmentation)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """What nodes tell meanwhile is of our own making."""
        self._own = True
        try:
            yield
        finally:
            self._own = False

    def _on_changed(self, node: Any) -> None:
        if self._own:
            return
        with self._at_work():
            self._follow_box(node)
        self._notify()

    def _on_display(self, node: Any) -> None:
        if self._own:
            return
        with self._at_work():
            self._follow_display(node)
        self._notify()

    def _on_start(self, node: Any) -> None:
        self.dragged.add(node.GetAttribute(keys.KEY))

    def _on_end(self, node: Any) -> None:
        key = node.GetAttribute(keys.KEY)
        self.dragged.discard(key)
        self.select(key)
        self._notify()

    def _on_segmentation(self, node: Any) -> None:
        if not self._own:
            self._notify()

    def _follow_box(self, node: "vtkMRMLMarkupsNode") -> None:
        """Draw an ellipse where its box is."""
        outline = self._outlines.get(node.GetAttribute(keys.KEY))
        region = read_node(node)
        if outline is None or region is None:
            return
        outline.SetName(f"{region.name} outline")
        if isinstance(region.shape, Ellipse):
            wanted = region.shape.curve()
            if not is_drawn(outline) or read_shape(outline, RegionKind.CURVE) != wanted:
                write_points(outline, wanted.control_points)

    def _follow_display(self, node: "vtkMRMLMarkupsNode") -> None:
        """Show an ellipse in the color of its box, and hide it with it."""
        outline = self._outlines.get(node.GetAttribute(keys.KEY))
        if outline is None or outline.GetDisplayNode() is None or node.GetDisplayNode() is None:
            return
        box, curve = node.GetDisplayNode(), outline.GetDisplayNode()
        before = curve.StartModify()
        curve.SetSelectedColor(*box.GetSelectedColor())
        curve.SetColor(*box.GetSelectedColor())
        curve.SetVisibility(box.GetVisibility())
        curve.EndModify(before)


def _line(lesion: Shape, ring: Ring) -> ClosedCurve:
    return ring_around(lesion, ring.gap, ring.width)


def new_key() -> str:
    """A key that no other region has."""
    return secrets.token_hex(6)
