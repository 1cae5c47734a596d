"""Kept regions: the regions of a scene, found, followed and measured after whatever happened to them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.scene.regions.errors import RegionSetError
from CEMSynthLib.scene.regions.history import History
from CEMSynthLib.scene.regions.info import RegionInfo
from CEMSynthLib.scene.regions.measure import RegionMeasurer, background_of
from CEMSynthLib.scene.regions.pixels import images_of
from CEMSynthLib.scene.regions.placing import Placing
from CEMSynthLib.scene.regions.region_nodes import RegionNodes
from CEMSynthLib.scene.regions.rows import RegionRow
from CEMSynthLib.scene.regions.segments import SegmentPixels
from CEMSynthLib.scene.regions.views import composites_in

if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsNode, vtkMRMLScene


class KeptRegions:
    """The regions of a scene.

    Parameters
    ----------
    scene
        The scene.
    changed
        Called whenever `recompute` would do something; it comes for each move of the mouse, so wait (about 50 ms)
        and call `recompute` once.
    """

    def __init__(self, scene: "vtkMRMLScene", changed: Callable[[], None] | None = None) -> None:
        self._scene = scene
        self.changed = changed
        self._volumes: AcquisitionVolumes | None = None
        self._rows: list[RegionRow] = []
        self._dirty = self._stale = True
        self._nodes = RegionNodes(scene, self._notify)
        self._placing = Placing(scene, self._notify)
        self._history = History()
        self._measurer = RegionMeasurer(SegmentPixels(scene))
        self._observations = Observations()
        self._views = Observations()
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent):
            self._observations.add(scene, event, self._on_scene)
        self._observations.add(scene, scene.EndImportEvent, self._on_other_scene)
        self._observations.add(scene, scene.EndCloseEvent, self._on_closed)

    # What is there

    @property
    def acquisition(self) -> str:
        """Key of the acquisition that is shown; empty if none."""
        return self._volumes.key if self._volumes is not None else ""

    def regions(self, acquisition: str | None = None) -> list[RegionInfo]:
        """The regions of an acquisition (``None``: of the one that is shown)."""
        self._find()
        key = self.acquisition if acquisition is None else acquisition
        return [region for region in self._nodes.regions() if region.acquisition == key]

    def all_regions(self) -> list[RegionInfo]:
        """The regions of all acquisitions."""
        self._find()
        return self._nodes.regions()

    def region(self, key: str) -> RegionInfo:
        """One region.

        Raises
        ------
        RegionSetError
            It is gone.
        """
        found = next((region for region in self.all_regions() if region.key == key), None)
        if found is None:
            raise RegionSetError("This region is no longer in the scene; select another one.")
        return found

    def node(self, key: str) -> "vtkMRMLMarkupsNode | None":
        """The markups node of a region; ``None`` for a segment."""
        self._find()
        return self._nodes.node(key)

    def background(self, key: str) -> tuple[RegionInfo | None, str]:
        """The background that a lesion uses, or ``None`` and a sentence that says why."""
        lesion = self.region(key)
        return background_of(lesion, self.regions(lesion.acquisition))

    @property
    def selected(self) -> str:
        """Key of the region that was drawn, dragged or selected last and is shown with handles; empty if none."""
        return self._nodes.selected if any(r.key == self._nodes.selected for r in self.regions()) else ""

    def select(self, key: str) -> None:
        """Show a region with handles, in place of the one before; an empty key: none."""
        if key != self._nodes.selected:
            self._nodes.select(key)

    @property
    def visible(self) -> bool:
        """Whether the regions are shown; single ones may be hidden in Slicer's module Data."""
        return self._nodes.visible

    @property
    def named(self) -> bool:
        """Whether the regions have their names beside them."""
        return self._nodes.named

    def rows(self) -> list[RegionRow]:
        """The table for the acquisition that is shown, brought up to date if need be."""
        return self.recompute() if self._dirty else list(self._rows)

    @property
    def dragging(self) -> bool:
        """Whether the user holds a region with the mouse."""
        return bool(self._nodes.dragged)

    @property
    def placing(self) -> str:
        """Key of the region that waits for clicks; empty if none."""
        return self._placing.key

    # Keeping up

    def show(self, volumes: AcquisitionVolumes | None) -> None:
        """Measure on the images of another acquisition, or of none."""
        self._volumes = volumes
        self._stale = True
        self._notify()

    def recompute(self) -> list[RegionRow]:
        """Bring regions, their drawing and the table up to date: fast, without new uncertainties.

        Returns
        -------
        list of RegionRow
            As `rows`.
        """
        if self._scene.IsBatchProcessing() or self._scene.IsClosing():
            return list(self._rows)
        self._find()
        if not self._nodes.dragged:
            self._tidy()
        regions = self._nodes.follow_rings()
        self._dirty = False
        if not self._nodes.dragged and not self._placing.key:
            self._history.settle(tuple(regions))
        self._measure(regions)
        return list(self._rows)

    def add_uncertainty(self) -> bool:
        """Compute one more uncertainty (about 50 ms), unless the user is dragging a region.

        Returns
        -------
        bool
            True if the table has changed and there may be more to do: call again.
        """
        if self._dirty:
            self.recompute()
        if self._nodes.dragged or self._placing.key or self._dirty:
            return False
        if not self._measurer.add_uncertainty(self.regions(), images_of(self._volumes)):
            return False
        self._measure(self._nodes.regions())
        return True

    def finish(self) -> list[RegionRow]:
        """The table with all its uncertainties."""
        while self.add_uncertainty():
            pass
        return self.rows()

    def release(self) -> None:
        """Stop observing; the regions stay in the scene."""
        self._placing.stop()
        self._placing.release()
        self._observations.remove()
        self._views.remove()
        self._nodes.forget()
        self.changed = None

    # Inside

    def _find(self) -> None:
        if not self._stale or self._scene.IsBatchProcessing() or self._scene.IsClosing():
            return
        self._stale = False
        self._nodes.find()
        if not self._placing.key and not self._nodes.dragged:
            # What a file rounds is put right before the history starts: it is no step.
            self._nodes.straighten()
            self._nodes.follow_rings()
            self._history.begin(tuple(self._nodes.regions()))
        self._views.remove()
        for composite in composites_in(self._scene):
            self._views.add(composite, "ModifiedEvent", self._on_view)

    def _tidy(self) -> None:
        """Remove what was not placed after all, and straighten what was."""
        placing = self._placing.key
        for region in self._nodes.regions():
            unplaced = region.shape is None and region.segment is None and not region.problem
            if unplaced and region.key != placing and region.key not in self._nodes.dragged:
                self._nodes.remove(region)
        if not placing:
            self._nodes.straighten()

    def _measure(self, regions: Sequence[RegionInfo]) -> None:
        placing = self._placing.key
        here = [r for r in regions if r.acquisition == self.acquisition and r.key != placing]
        self._rows = self._measurer.rows(here, images_of(self._volumes), hurry=bool(self._nodes.dragged))

    def _notify(self) -> None:
        self._dirty = True
        if self.changed is not None:
            self.changed()

    def _on_scene(self, scene: Any) -> None:
        self._stale = True
        if not scene.IsBatchProcessing() and not scene.IsClosing():
            self._notify()

    def _on_other_scene(self, scene: Any) -> None:
        # What was loaded is no step that could be undone.
        self._history.restart()
        self._on_scene(scene)

    def _on_view(self, composite: Any) -> None:
        self._nodes.show()

    def _on_closed(self, scene: Any) -> None:
        self._volumes = None
        self._nodes.forget()
        self._history.restart()
        self._rows = []
        self._stale = True
        self._notify()
