"""A bare trame-slicer page with the same images, which the review page is measured against; see review.py."""

import os
import sys
from pathlib import Path

os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
os.environ["TRAME_ARGS"] = ""

import vtk
from trame.ui.vuetify3 import VAppLayout
from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server import Server
from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import Layout, LayoutDirection, ViewLayoutDefinition, ViewProps, ViewType

from CEMSynthLib.scene.study import StudyInScene
from CEMSynthLib.study.reader import read_folder

PANEL, BAR = 376, 48


def main(study: Path, synthetic: Path) -> None:
    """Serve three linked slice views as trame-slicer makes them, without its eight samples a pixel."""
    server = Server("bare")
    server.client_type = "vue3"
    application = SlicerApp()
    vtk.vtkOutputWindow.GetInstance().SetDisplayModeToNever()
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_ERROR)
    images = StudyInScene(application.scene)
    rows = images.open(read_folder(study), read_folder(synthetic))
    volumes = images.load(rows[0].key)
    register_rca_factories(application.view_manager, server, slice_view_ui_f=lambda *_: None)
    layouts = LayoutManager(application.scene, application.view_manager, server)
    tags = ("LE", "Clinical", "Synthetic")
    views = [
        ViewLayoutDefinition(tag, ViewType.SLICE_VIEW, ViewProps(orientation="Axial", label=tag, group=1))
        for tag in tags
    ]
    layouts.register_layout("Three", Layout(LayoutDirection.Horizontal, views))
    for tag, node in zip(tags, volumes.nodes, strict=True):
        view = application.view_manager.get_view(tag)
        view.render_window().SetMultiSamples(0)
        view.set_background_volume_id(node.GetID())
        composite = view._logic.GetSliceCompositeNode()
        composite.SetLinkedControl(1)
        composite.SetHotLinkedControl(1)
        own = composite.BackgroundVolumeFlag | composite.ForegroundVolumeFlag | composite.ForegroundOpacityFlag
        composite.SetInteractionFlagsModifier(composite.GetInteractionFlagsModifier() & ~own)
        view.interactor().AddObserver("WindowResizeEvent", lambda *_, view=view: view.fit_view_to_content())
    node = application.markups_logic.interaction_node
    node.SetCurrentInteractionMode(node.AdjustWindowLevel)
    with VAppLayout(server) as page:
        v.VAppBar(density="compact", height=BAR)
        v.VNavigationDrawer(model_value=True, permanent=True, width=PANEL)
        with v.VMain(style="height: 100vh"), html.Div(style="height: 100%; display: flex"):
            layouts.initialize_layout_grid(page)
    layouts.set_layout("Three")
    server.controller.on_server_ready.add(lambda **_: print(f"http://127.0.0.1:{server.port}/", flush=True))
    server.start(port=0, host="127.0.0.1", open_browser=False, show_connection_info=False, timeout=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
