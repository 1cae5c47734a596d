"""Real slice views, rendered off-screen with Slicer's own displayable managers; run in a process of its own.

Where no OpenGL library is installed VTK ends the process, which a test must survive: see rendering() of
test_rendering.py.
"""

import os
import sys
from types import SimpleNamespace
from typing import Any

if sys.platform == "linux":
    # No X server is asked for (EGL with Mesa: packages libegl1, libgl1-mesa-dri). Before vtk is imported.
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from CEMSynthLib.scene.layout import ALL_TAGS, Layout, show_layout

MANAGERS = (
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
)


def make_world(folder: str) -> SimpleNamespace:
    """A scene as an application sets it up, with readers of .mrb."""
    application = slicer.vtkSlicerApplicationLogic()
    scene = slicer.vtkMRMLScene()
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    application.SetMRMLScene(scene)
    application.SetTemporaryPath(folder)
    application.GetColorLogic().SetMRMLScene(scene)
    application.GetColorLogic().AddDefaultColorNodes()
    application.SetSliceLogics(vtk.vtkCollection())
    slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance().SetMRMLApplicationLogic(application)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.GetCacheManager().SetRemoteCacheDirectory(folder)
    remote.SetMRMLScene(scene)
    manager = slicer.vtkDataIOManagerLogic()
    manager.SetMRMLApplicationLogic(application)
    manager.SetAndObserveDataIOManager(remote.GetDataIOManager())
    remote.AddDataIOToScene()
    layouts = slicer.vtkMRMLLayoutLogic()
    layouts.SetMRMLScene(scene)
    link = slicer.vtkMRMLSliceLinkLogic()
    link.SetMRMLApplicationLogic(application)
    link.SetMRMLScene(scene)
    return SimpleNamespace(application=application, scene=scene, layouts=layouts, kept=(remote, manager, link))


class RenderedView:
    """One slice view."""

    def __init__(self, world: SimpleNamespace, tag: str, size: tuple[int, int]) -> None:
        self.tag = tag
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self.interactor.Initialize()
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        for manager in MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        self.group.SetRenderer(self.renderer)
        self.group.Initialize(factory, self.renderer)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(world.application)
        self.logic.SetMRMLScene(world.scene)
        node = world.scene.GetSingletonNode(tag, "vtkMRMLSliceNode")
        self.logic.SetSliceNode(node) if node is not None else self.logic.AddSliceNode(tag)
        world.application.GetSliceLogics().AddItem(self.logic)
        self.group.SetMRMLDisplayableNode(self.logic.GetSliceNode())
        self.style = slicer.vtkMRMLSliceViewInteractorStyle()
        self.style.SetSliceLogic(self.logic)
        self.style.SetDisplayableManagers(self.group)
        self.style.SetInteractor(self.interactor)
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        self.image = vtk.vtkActor2D()
        self.image.SetMapper(self.mapper)
        self.image.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(self.image)
        self.requests = 0
        self.resize(*size)

    def resize(self, width: int, height: int) -> None:
        self.window.SetSize(width, height)
        self.logic.ResizeSliceNode(width, height)

    def request_render(self) -> None:
        self.requests += 1

    def picture(self) -> np.ndarray:
        """What a user sees, (rows, columns, 3), from the top left."""
        connection = self.logic.GetImageDataConnection()
        self.image.SetVisibility(connection is not None)
        self.mapper.SetInputConnection(connection)
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.ShouldRerenderOff()
        grab.Update()
        image = grab.GetOutput()
        columns, rows, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1, :, :3].copy()

    def mouse(self, x: int, y: int, *events: str, shift: bool = False) -> None:
        """Events at a place, counted from the lower left corner as VTK does."""
        for event in events:
            self.interactor.SetEventInformation(x, y, 0, int(shift), "\0", 0, None)
            self.interactor.InvokeEvent(event)


class RenderedViews:
    """All slice views of CEMSynth and one of another kind, as a `ViewHost`."""

    def __init__(self, world: SimpleNamespace, sizes: dict[Layout, tuple[int, int]]) -> None:
        from CEMSynthLib.scene.layout import VIEWS

        self.world = world
        self.sizes = sizes
        self.specs = VIEWS
        for layout in reversed(Layout):
            show_layout(world.layouts.GetLayoutNode(), layout)
        self.views = {tag: RenderedView(world, tag, (200, 200)) for tag in (*ALL_TAGS, "Red")}
        self.shown: list[Layout] = []

    def attach_all(self, comparison: Any) -> None:
        for tag, view in self.views.items():
            comparison.attach(tag, view.logic, view.renderer, view.request_render)

    def slice_logic(self, tag: str) -> Any:
        return self.views[tag].logic

    def show_layout(self, layout: Layout) -> None:
        self.shown.append(layout)
        show_layout(self.world.layouts.GetLayoutNode(), layout)

    def settle(self) -> None:
        for spec in self.specs[self.shown[-1]]:
            self.views[spec.tag].resize(*self.sizes[self.shown[-1]])

    def pictures(self, layout: Layout) -> dict[str, np.ndarray]:
        return {spec.tag: self.views[spec.tag].picture() for spec in self.specs[layout]}
