"""Comparison: all that the user does to compare the images of an acquisition; desktop and browser drive this object."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from CEMSynthLib.scene.acquisitions import AcquisitionVolumes, find_acquisition
from CEMSynthLib.scene.breast_box import BreastBoxes
from CEMSynthLib.scene.compare import layers_of, link_views, show_layers
from CEMSynthLib.scene.comparison_state import ComparisonState, read_state, write_state
from CEMSynthLib.scene.comparison_windows import ComparisonWindows, choose_preset, iodine_of, reset_windows
from CEMSynthLib.scene.cursor import LinkedCursor
from CEMSynthLib.scene.difference import difference_volume
from CEMSynthLib.scene.layout import VIEWS, Content, Layout, ViewSpec
from CEMSynthLib.scene.overlay import ViewOverlay
from CEMSynthLib.scene.pan_link import PanLink
from CEMSynthLib.scene.presets import Preset, presets_of
from CEMSynthLib.scene.zoom import actual_pixels, fit_views

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene, vtkMRMLSliceLogic


class ViewHost(Protocol):
    """What the front end does for a comparison."""

    def slice_logic(self, tag: str) -> "vtkMRMLSliceLogic | None":
        """The slice logic of a view; ``None`` while there is no such view."""

    def show_layout(self, layout: Layout) -> None:
        """Make the views of a layout appear."""

    def settle(self) -> None:
        """Wait until the views have their final size."""


class Comparison:
    """What is compared and how.

    Parameters
    ----------
    scene
        The scene; the state is kept in it (`ComparisonState`).
    host
        The front end's views.
    partners
        Gives the acquisitions that hang with the one of a key, by cell (``"R CC"``); asked when they are to be shown.
    """

    def __init__(
        self,
        scene: "vtkMRMLScene",
        host: ViewHost,
        partners: Callable[[str], Mapping[str, AcquisitionVolumes]] = lambda key: {},
    ) -> None:
        self._scene = scene
        self._host = host
        self._partners = partners
        #: Called after the user's choices changed, by whatever way.
        self.changed: Callable[[], None] = lambda: None
        # Keys, not volumes: the user can delete or synthesize an image at any time.
        self._key = ""
        self._hanging: dict[str, str] = {}
        self._placed: Layout | None = None
        self._windows = ComparisonWindows()
        self._boxes = BreastBoxes()
        self._overlays: dict[str, ViewOverlay] = {}
        self._pan_link: PanLink | None = None
        self._cursor = LinkedCursor(scene)
        #: ``None``, or whether the synthetic image is the one shown at the moment.
        self._blink: bool | None = None

    @property
    def state(self) -> ComparisonState:
        """What the user chose."""
        return read_state(self._scene)

    @property
    def volumes(self) -> AcquisitionVolumes | None:
        """The acquisition that is compared; ``None`` where there is none, or its images are no longer there."""
        return self._find(self._key)

    @property
    def can_compare(self) -> bool:
        """Whether there are a clinical and a synthetic image."""
        shown = self.volumes
        return shown is not None and shown.recombined is not None and shown.synthetic is not None

    def show(self, volumes: AcquisitionVolumes) -> None:
        """Compare the images of an acquisition, in the layout of the state.

        They are fitted into the views; zoom and pan stay where the acquisition is shown already, and one of its
        images was made or deleted.
        """
        layout = self.state.layout
        again = volumes.key == self._key and self._placed is layout
        self._key = volumes.key
        self._show_layout(layout, fitted=not again)

    def update(self, **choices: Any) -> None:
        """Change fields of the state by name, and what the views show with them."""
        before = self.state
        state = replace(before, **choices)
        if "fade" in choices or "content" in choices:
            self._blink = None
        write_state(self._scene, state)
        if "layout" in choices:
            self._show_layout(state.layout)
        else:
            self.apply()
        self.changed()

    def apply(self) -> None:
        """Show what the state says and the scene holds, in the views that are there; zoom and pan stay."""
        state = self.state
        self._windows.follow(self._shown_acquisitions())
        fade = state.fade if self._blink is None else float(self._blink)
        for spec, logic in self._views():
            volumes = self._of(spec)
            content = spec.content or state.content
            difference = self._difference(volumes) if content is Content.DIFFERENCE and volumes is not None else None
            show_layers(logic, layers_of(volumes, content, fade, difference))
        link_views((logic for _, logic in self._views()), state.linked)
        for volume in self._shown_images():
            volume.GetDisplayNode().SetInvertDisplayScalarRange(state.inverted)
        for tag in self._overlays:
            self._apply_overlay(tag, state)
        self._cursor.follow(state.cursor)

    def fit(self, whole: bool = False) -> None:
        """Fit the breasts into the views, all at one scale, or the whole images."""
        fit_views([(logic, spec.chest_wall) for spec, logic in self._views()], None if whole else self._boxes.box)

    def show_actual_pixels(self, point: tuple[float, float] | None = None) -> None:
        """Show one image pixel as one screen pixel in all views.

        Parameters
        ----------
        point
            R and A of the place in the middle of the views; ``None``: what is there now.
        """
        actual_pixels([logic for _, logic in self._views()], point)

    def place_under_mouse(self) -> tuple[float, float] | None:
        """R and A of the place under the mouse while it is over an image in a view of CEMSynth."""
        return self._cursor.place()

    def step_blink(self) -> bool:
        """Show the other one of clinical and synthetic image where the synthetic image is shown.

        Returns
        -------
        bool
            Whether the synthetic image is shown now.
        """
        self._blink = not (self._blink if self._blink is not None else self.state.fade > 0)
        self.apply()
        return self._blink

    def stop_blink(self) -> None:
        """Come back to the fade that the state says."""
        if self._blink is not None:
            self._blink = None
            self.apply()

    def missing(self) -> list[tuple[str, Content]]:
        """What the views of the layout cannot show: the cell (``"R CC"``, empty for the selected one) and the image."""
        state, found = self.state, []
        for spec in VIEWS[state.layout]:
            volumes, content = self._of(spec), spec.content or state.content
            pair = volumes is not None and volumes.recombined is not None and volumes.synthetic is not None
            if not pair if content is Content.DIFFERENCE else layers_of(volumes, content)[0] is None:
                found.append((spec.cell, content))
        return found

    def presets(self) -> list[Preset]:
        """Windows to choose from for the iodine images."""
        shown = self.volumes
        volume = iodine_of(shown) if shown is not None else None
        return presets_of(volume) if volume is not None else []

    def choose_preset(self, name: str) -> None:
        """Show the iodine images of all shown acquisitions with their window of a name, where they have it."""
        choose_preset(self._shown_acquisitions(), name)

    def reset_window(self) -> None:
        """Come back to the VOI windows of the images, clinical and synthetic with the clinical one's."""
        reset_windows(self._shown_acquisitions())

    def attach(self, tag: str, logic: "vtkMRMLSliceLogic", renderer: Any, request_render: Callable[[], None]) -> None:
        """Draw labels and marks into a slice view; any of the application's, so that every one is labeled."""
        self.detach(tag)
        overlay = ViewOverlay(tag, logic, renderer, request_render)
        self._overlays[tag] = overlay
        if overlay.mark is not None:
            self._cursor.add(tag, overlay.mark)
        self._apply_overlay(tag, self.state)

    def detach(self, tag: str) -> None:
        """Take labels and marks out of a slice view."""
        overlay = self._overlays.pop(tag, None)
        if overlay is not None:
            self._cursor.remove(tag)
            overlay.release()

    def overlays(self) -> dict[str, ViewOverlay]:
        """What is drawn into the slice views, by their name."""
        return dict(self._overlays)

    def forget(self) -> None:
        """Let go of the volumes: the scene closes."""
        self._windows.release()
        self._boxes.forget()
        self._blink = None
        self._key, self._hanging, self._placed = "", {}, None

    def release(self) -> None:
        """Let go of everything."""
        self.forget()
        self._release_pan_link()
        self._cursor.follow(False)
        for tag in list(self._overlays):
            self.detach(tag)

    def _show_layout(self, layout: Layout, fitted: bool = True) -> None:
        there = layout is Layout.HANGING and bool(self._key)
        self._hanging = {cell: v.key for cell, v in self._partners(self._key).items()} if there else {}
        self._host.show_layout(layout)
        self.apply()
        self._release_pan_link()
        self._pan_link = PanLink([logic for _, logic in self._views()])
        self._host.settle()
        if fitted:
            self.fit()
        self._placed = layout

    def _views(self) -> "Iterator[tuple[ViewSpec, vtkMRMLSliceLogic]]":
        for spec in VIEWS[self.state.layout]:
            logic = self._host.slice_logic(spec.tag)
            if logic is not None:
                yield spec, logic

    def _find(self, key: str) -> AcquisitionVolumes | None:
        found = find_acquisition(self._scene, key) if key else None
        return found if found is not None and found.kinds else None

    def _of(self, spec: ViewSpec) -> AcquisitionVolumes | None:
        return self._find(self._hanging.get(spec.cell, "") if spec.cell else self._key)

    def _shown_acquisitions(self) -> list[AcquisitionVolumes]:
        there = [self._find(key) for key in dict.fromkeys((self._key, *self._hanging.values()))]
        return [volumes for volumes in there if volumes is not None]

    def _shown_images(self) -> "list[vtkMRMLScalarVolumeNode]":
        images = [(v.low_energy, v.recombined, v.synthetic) for v in self._shown_acquisitions()]
        return [image for three in images for image in three if image is not None and image.GetDisplayNode()]

    def _difference(self, volumes: AcquisitionVolumes) -> "vtkMRMLScalarVolumeNode | None":
        node = difference_volume(self._scene, volumes)
        if node is not None:
            self._windows.center(node)
        return node

    def _release_pan_link(self) -> None:
        if self._pan_link is not None:
            self._pan_link.release()
            self._pan_link = None

    def _apply_overlay(self, tag: str, state: ComparisonState) -> None:
        overlay = self._overlays[tag]
        overlay.refresh()
        if overlay.corner is not None:
            overlay.corner.show(state.corner)
        if overlay.scale_bar is not None:
            overlay.scale_bar.show(state.ruler, dark=state.inverted)
