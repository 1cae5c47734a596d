"""Halo in the scene: measures acquisitions, writes tables and charts, draws lines and sectors over the images.

Console::

    halo = HaloInScene(scene)
    measured = halo.measure(volumes)          # some seconds at full size
    halo.show(volumes, lines=True, sectors=True)

A front end that must stay responsive takes ``halo.prepare(volumes)`` on the main thread, runs
`CEMSynthLib.scene.halo.measurement.measure` on it in another one, and gives the result to ``halo.publish``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.acquisitions import AcquisitionVolumes
from CEMSynthLib.scene.errors import SceneError
from CEMSynthLib.scene.halo import nodes as roles
from CEMSynthLib.scene.halo.stamp import halo_stamp
from CEMSynthLib.scene.halo.tables import (
    CLINICAL,
    SYNTHETIC,
    HaloRow,
    read_numbers,
    remove_profiles,
    write_numbers,
    write_profiles,
)
from CEMSynthLib.scene.halo.view_ties import ShownVolumes, slice_views_of, tie
from CEMSynthLib.scene.observing import Observations
from CEMSynthLib.study.model import ImageKind

# What computes is imported where it is used: scipy's transforms take 0.6 s, and opening the module must not.
if TYPE_CHECKING:
    from slicer import vtkMRMLMarkupsCurveNode, vtkMRMLMarkupsLineNode, vtkMRMLScene

    from CEMSynthLib.scene.halo.input import HaloInput
    from CEMSynthLib.scene.halo.line_by_hand import LineResult
    from CEMSynthLib.scene.halo.measurement import HaloMeasurement

_CURVE, _LINE, _MODEL = "vtkMRMLMarkupsCurveNode", "vtkMRMLMarkupsLineNode", "vtkMRMLModelNode"
_TABLE, _CHART = "vtkMRMLTableNode", "vtkMRMLPlotChartNode"
# Measurements kept: masks and images of one full-size acquisition take 110 MB.
_KEPT = 3


class HaloInScene:
    """The halo of the acquisitions in a scene.

    Parameters
    ----------
    scene
        The scene.
    edge_changed, line_changed
        Called with the key of the acquisition whose corrected skin edge or line was moved or removed, many times
        during a drag; a front end coalesces.
    """

    def __init__(
        self,
        scene: "vtkMRMLScene",
        edge_changed: Callable[[str], None] | None = None,
        line_changed: Callable[[str], None] | None = None,
    ) -> None:
        self._scene = scene
        self.edge_changed, self.line_changed = edge_changed, line_changed
        self._measured: dict[str, HaloMeasurement] = {}
        self._drawn: tuple[AcquisitionVolumes, bool, bool] | None = None
        self._observations = Observations()
        self._on_nodes = Observations()
        for event in (scene.NodeRemovedEvent, scene.EndBatchProcessEvent):
            self._on_nodes.add(scene, event, self._node_removed)
        self._on_nodes.add(scene, scene.StartCloseEvent, self._scene_closes)
        self._views = ShownVolumes(scene, self._tie)

    # Measuring

    def measure(self, volumes: AcquisitionVolumes, progress: Progress = silent) -> "HaloMeasurement":
        """Measure an acquisition and write its tables and chart; some seconds at full size.

        Raises
        ------
        CEMSynthLib.errors.CEMSynthError
            It cannot be measured.
        """
        from CEMSynthLib.scene.halo.measurement import measure

        measured = measure(self.prepare(volumes), progress)
        self.publish(measured)
        return measured

    def prepare(self, volumes: AcquisitionVolumes) -> "HaloInput":
        """Copy what `measure` needs out of the scene.

        Raises
        ------
        SceneError
            An image is missing.
        """
        from CEMSynthLib.scene.halo.input import halo_input

        return halo_input(volumes, self.edge(volumes.key))

    def publish(self, measured: "HaloMeasurement") -> None:
        """Write what was measured into the scene, and draw it if the acquisition is shown with lines or sectors."""
        key, name = measured.input.key, measured.input.name
        self._measured.pop(key, None)
        self._measured[key] = measured
        while len(self._measured) > _KEPT:
            del self._measured[next(iter(self._measured))]
        units = self._units(key)
        write_numbers(self._scene, measured, units)
        results = {CLINICAL: measured.clinical, SYNTHETIC: measured.synthetic}
        write_profiles(self._scene, key, name, results, (self._depth_unit(measured), units))
        self._make_drawing(measured)
        self._tie()
        self.update_line(key)

    def measured(self, volumes: AcquisitionVolumes) -> "HaloMeasurement | None":
        """What was measured, ``None`` where nothing was or images or skin edge have changed since."""
        found = self._measured.get(volumes.key)
        return found if found and found.input.stamp == halo_stamp(volumes, self.edge(volumes.key)) else None

    def rows(self, key: str) -> list[HaloRow]:
        """The numbers of an acquisition, also those of a saved scene; empty where it was not measured."""
        node = roles.find_node(self._scene, key, roles.NUMBERS, _TABLE)
        return [] if node is None else read_numbers(node)

    def chart(self, key: str, line: bool = False) -> Any:
        """The chart of the profiles; ``None`` where there is none."""
        return roles.find_node(self._scene, key, f"{roles.OF_LINE if line else ''}{roles.CHART}", _CHART)

    # Drawing

    def show(self, volumes: AcquisitionVolumes | None, lines: bool, sectors: bool) -> None:
        """Draw lines or sectors over the images of an acquisition (``None``: of none), and of no other one."""
        self._drawn = None if volumes is None else (volumes, lines, sectors)
        measured = None if volumes is None else self.measured(volumes)
        if measured is not None and not any(roles.nodes_of(self._scene, measured.input.key, roles.DISTANCE, _MODEL)):
            self._make_drawing(measured)
        self._tie()
        self._observe()

    # The skin edge by hand

    def edge(self, key: str) -> "vtkMRMLMarkupsCurveNode | None":
        """The corrected skin edge of an acquisition, ``None`` where there is none."""
        return roles.find_node(self._scene, key, roles.EDGE, _CURVE)

    def correct_edge(self, volumes: AcquisitionVolumes) -> "vtkMRMLMarkupsCurveNode":
        """Lay a curve along the skin edge that was found, whose points the user drags.

        Raises
        ------
        SceneError
            The acquisition was not measured yet.
        """
        from CEMSynthLib.scene.halo.edge import write_skin_curve

        measured = self.measured(volumes)
        if measured is None or volumes.low_energy is None:
            raise SceneError("Measure the halo first: the skin edge that is found is then laid out for correction.")
        node = self.edge(volumes.key)
        if node is None:
            node = roles.ensure_node(self._scene, volumes.key, roles.EDGE, _CURVE, f"{volumes.name} skin edge")
            write_skin_curve(node, measured.breast, volumes.low_energy)
            roles.style_drawn(node, roles.EDGE)
        self._tie()
        self._observe()
        return node

    def remove_edge(self, key: str) -> None:
        """Come back to the skin edge that is found."""
        roles.remove_nodes(self._scene, key, roles.EDGE, _CURVE)

    # The line by hand

    def line(self, key: str) -> "vtkMRMLMarkupsLineNode | None":
        """The line laid by hand, ``None`` where there is none."""
        return roles.find_node(self._scene, key, roles.LINE, _LINE)

    def add_line(self, volumes: AcquisitionVolumes) -> "vtkMRMLMarkupsLineNode":
        """Lay a line across the skin edge, or bring it back there.

        Raises
        ------
        SceneError
            The acquisition was not measured yet.
        """
        from CEMSynthLib.scene.halo.line_by_hand import new_line

        measured = self.measured(volumes)
        if measured is None:
            raise SceneError("Measure the halo first: the line is laid across the skin edge that is found.")
        start, end, width = new_line(measured)
        node = roles.ensure_node(self._scene, volumes.key, roles.LINE, _LINE, f"{volumes.name} halo line")
        was = node.StartModify()
        node.RemoveAllControlPoints()
        for x, y in (start, end):
            node.AddControlPointWorld(-x, -y, 0.0)
        if node.GetAttribute(names.BAND_WIDTH) is None:
            node.SetAttribute(names.BAND_WIDTH, f"{width:.3g}")
        node.EndModify(was)
        roles.style_drawn(node, roles.LINE)
        self._tie()
        self._observe()
        self.update_line(volumes.key)
        return node

    def set_line_width(self, key: str, width: float) -> None:
        """Width of the band around the line, scene units; 0 for the line alone."""
        node = self.line(key)
        if node is not None:
            node.SetAttribute(names.BAND_WIDTH, f"{max(0.0, width):.6g}")
            self.update_line(key)

    def remove_line(self, key: str) -> None:
        """Remove the line with its profile."""
        roles.remove_nodes(self._scene, key, roles.LINE, _LINE)
        remove_profiles(self._scene, key, line=True)

    def update_line(self, key: str) -> "LineResult | None":
        """Measure along the line again; ``None`` where there is no line or its acquisition is not measured."""
        node, measured = self.line(key), self._measured.get(key)
        if node is None and self.chart(key, line=True) is not None:
            remove_profiles(self._scene, key, line=True)
        if node is None or measured is None:
            return None
        from CEMSynthLib.scene.halo.line_by_hand import measure_line

        found = measure_line(node, measured)
        units = (self._depth_unit(measured), self._units(key))
        write_profiles(self._scene, key, measured.input.name, found.results, units, line=True)
        return found

    # Life

    def forget(self) -> None:
        """The scene closes: keep nothing of it."""
        self._observations.remove()
        self._measured.clear()
        self._drawn = None

    def release(self) -> None:
        """Stop observing."""
        self.forget()
        self._on_nodes.remove()
        self._views.release()

    def _make_drawing(self, measured: "HaloMeasurement") -> None:
        from CEMSynthLib.scene.halo.drawing import draw_lines, draw_sectors

        draw_lines(self._scene, measured)
        draw_sectors(self._scene, measured, self._units(measured.input.key))

    def _tie(self) -> None:
        """Lines, sectors, edge and line: each in the slice views of its images, and only while it is wanted."""
        volumes, lines, sectors = self._drawn or (None, False, False)
        key = volumes.key if volumes is not None else None
        views = [] if key is None else slice_views_of(self._scene, key)
        fresh = volumes is not None and self.measured(volumes) is not None
        for role, kind, wanted in (
            (roles.DISTANCE, _MODEL, lines and fresh),
            (roles.SECTORS, _MODEL, sectors and fresh),
            (roles.EDGE, _CURVE, True),
            (roles.LINE, _LINE, True),
        ):
            for node in roles.nodes_of(self._scene, None, role, kind):
                there = views if node.GetAttribute(names.ACQUISITION) == key else []
                if role == roles.SECTORS and key is not None:
                    image = next(k for k in ImageKind if node.GetAttribute(names.HALO) == f"{role} {k.value}")
                    there = slice_views_of(self._scene, key, image) if there else []
                for display in roles.displays_of(node):
                    tie(display, there, wanted)

    def _observe(self) -> None:
        self._observations.remove()
        for role, kind, method in ((roles.EDGE, _CURVE, self._edge_moved), (roles.LINE, _LINE, self._line_moved)):
            for node in roles.nodes_of(self._scene, None, role, kind):
                self._observations.add(node, node.PointModifiedEvent, method)

    def _edge_moved(self, node: Any) -> None:
        if self.edge_changed is not None:
            self.edge_changed(node.GetAttribute(names.ACQUISITION))

    def _line_moved(self, node: Any) -> None:
        if self.line_changed is not None:
            self.line_changed(node.GetAttribute(names.ACQUISITION))

    def _scene_closes(self, _scene: Any) -> None:
        self.forget()

    def _node_removed(self, _scene: Any) -> None:
        """Nodes were deleted, perhaps by hand: tell of an edge or a line that is gone."""
        if self._scene.IsClosing() or self._scene.IsBatchProcessing():
            return
        for key, measured in list(self._measured.items()):
            if measured.input.curve is not None and self.edge(key) is None and self.edge_changed is not None:
                self.edge_changed(key)

    def _units(self, key: str) -> str:
        found = roles.nodes_of_acquisition(self._scene, key)
        modality = any(node.GetAttribute(names.UNITS) == names.MODALITY_UNITS for node in found)
        return "pixel values" if modality else "gray levels"

    def _depth_unit(self, measured: "HaloMeasurement") -> str:
        return "mm" if measured.input.spacing_mm else "pixels"
