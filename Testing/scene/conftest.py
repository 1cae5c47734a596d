"""A real MRML scene with slice views, from the slicer-core wheel."""

import gc
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, Laterality, PixelGrid, ViewPosition, VOIWindow

# The tests share stand-ins and test images, modules of this folder.
sys.path.append(str(Path(__file__).parent))


def _views(slicer, application, scene, dimensions):
    """Slice logics of the comparison layouts, made as a layout manager would make them; the first layout is shown."""
    import vtk

    from CEMSynthLib.scene.layout import ALL_TAGS, VIEW_TAGS, Layout, show_layout

    layout_logic = slicer.vtkMRMLLayoutLogic()
    layout_logic.SetMRMLScene(scene)
    layout_node = layout_logic.GetLayoutNode()
    for layout in reversed(Layout):
        show_layout(layout_node, layout)
    logics = {}
    collection = vtk.vtkCollection()
    sizes = dict(zip(VIEW_TAGS.values(), dimensions, strict=True))
    for tag in ALL_TAGS:
        size = sizes.get(tag, dimensions[0])
        node = scene.GetSingletonNode(tag, "vtkMRMLSliceNode")
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(application)
        logic.SetMRMLScene(scene)
        logic.SetSliceNode(node)
        node.SetDimensions(*size, 1)
        logic.ResizeSliceNode(*size)
        collection.AddItem(logic)
        logics[tag] = logic
    application.SetSliceLogics(collection)
    link = slicer.vtkMRMLSliceLinkLogic()
    link.SetMRMLApplicationLogic(application)
    link.SetMRMLScene(scene)

    def show(volumes) -> None:
        """Low-energy, recombined and synthetic image of an acquisition, each in its slice view."""
        nodes = (volumes.low_energy, volumes.recombined, volumes.synthetic)
        for tag, node in zip(VIEW_TAGS.values(), nodes, strict=True):
            composite = logics[tag].GetSliceCompositeNode()
            composite.SetBackgroundVolumeID(node.GetID() if node is not None else None)

    return SimpleNamespace(
        show=show,
        layout_logic=layout_logic,
        layout_node=layout_node,
        logics={tag: logics[tag] for tag in VIEW_TAGS.values()},
        all_logics=logics,
        linking=(collection, link),
    )


@pytest.fixture(scope="session")
def simulated_dicom(tmp_path_factory) -> Path:
    """DICOM files of one simulated study, four views of two images each; not to be changed."""
    from CEMSynthLib.phantom.settings import CohortSettings
    from CEMSynthLib.phantom.study import write_patient

    base = tmp_path_factory.mktemp("simulated")
    write_patient(base, CohortSettings(7, 2.0), 1)
    return base / "dicom"


@pytest.fixture(scope="session")
def cohort(tmp_path_factory) -> Path:
    """A simulated cohort of one patient with its truth regions; not to be changed."""
    from CEMSynthLib.phantom.cohort import simulate_cohort

    folder = tmp_path_factory.mktemp("cohort")
    simulate_cohort(folder, 1, [1], 0.8)
    return folder


@pytest.fixture
def mrml(tmp_path: Path):
    """Make scenes: ``mrml()`` is an application logic, a scene and, with ``views=True``, linked slice views.

    With ``markups=True`` the scene saves and reads markups as Slicer's does, and one that is added is the one placed.
    """
    slicer = pytest.importorskip("slicer")
    pytest.importorskip("vtk")
    made = []

    def make(views=False, dimensions=((200, 300), (200, 300), (200, 300)), markups=False) -> SimpleNamespace:
        application = slicer.vtkSlicerApplicationLogic()
        scene = slicer.vtkMRMLScene()
        application.SetMRMLScene(scene)
        application.SetTemporaryPath(str(tmp_path))
        application.GetColorLogic().SetMRMLScene(scene)
        application.GetColorLogic().AddDefaultColorNodes()
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
        remote = slicer.vtkMRMLRemoteIOLogic()
        remote.GetCacheManager().SetRemoteCacheDirectory(str(tmp_path))
        remote.SetMRMLScene(scene)
        manager = slicer.vtkDataIOManagerLogic()
        manager.SetMRMLApplicationLogic(application)
        manager.SetAndObserveDataIOManager(remote.GetDataIOManager())
        remote.AddDataIOToScene()
        world = SimpleNamespace(application=application, scene=scene, kept=(remote, manager), markups=None)
        if markups:
            world.markups = slicer.vtkSlicerMarkupsLogic()
            world.markups.SetMRMLApplicationLogic(application)
            world.markups.SetMRMLScene(scene)
        if views:
            vars(world).update(vars(_views(slicer, application, scene, dimensions)))
        made.append(world)
        return world

    yield make
    for world in made:
        if world.markups is not None:
            world.markups.SetMRMLScene(None)
        world.scene.Clear(1)
    made.clear()
    gc.collect()


@pytest.fixture
def array_of():
    """Pixels of a volume node, shape (slices, rows, columns)."""
    pytest.importorskip("slicer")
    from vtk.util.numpy_support import vtk_to_numpy

    def read(node) -> np.ndarray:
        image = node.GetImageData()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])

    return read


@pytest.fixture
def acquisition(tmp_path: Path):
    """Make an acquisition whose images are given as arrays."""

    def make(
        spacing=(0.2, 0.1), shape=(40, 30), low=True, recombined=True, sop="1.2", offset=0
    ) -> tuple[Acquisition, CEMImage]:
        def image(kind: ImageKind, pixels: np.ndarray, window: VOIWindow, **attributes: str) -> CEMImage:
            path = tmp_path / f"{sop or 'P1_R'}_{kind.value}.dcm"
            path.write_bytes(kind.value.encode() + pixels.tobytes())
            uid = None if sop is None else f"{sop}.{list(ImageKind).index(kind)}"
            return CEMImage(
                path=path,
                kind=kind,
                grid=PixelGrid(*pixels.shape, spacing),
                window=window,
                chest_wall=None,
                bits_stored=12,
                sop_instance_uid=uid,
                attributes=attributes,
                load=lambda: pixels.astype(np.float32),
            )

        ramp = np.arange(shape[0] * shape[1]).reshape(shape) + offset
        le = image(ImageKind.LOW_ENERGY, ramp, VOIWindow(600.0, 1000.0)) if low else None
        iodine = image(ImageKind.RECOMBINED, 2000 + ramp % 317, VOIWindow(2120.0, 320.0)) if recombined else None
        source = {"SourceSOPInstanceUID": f"{sop}.0"} if sop else {"SourceFile": le.path.name if le else ""}
        synthetic = image(ImageKind.SYNTHETIC, 2000 + ramp % 211 + 0.25, VOIWindow(2100.0, 300.0), **source)
        return Acquisition(Laterality.RIGHT, ViewPosition.CC, le, None, iodine), synthetic

    return make


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """Run a script of this folder that renders real slice views off-screen; gives the folder with its pictures."""
    pytest.importorskip("slicer")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    if sys.platform == "linux":
        environment.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    command = {"capture_output": True, "text": True, "check": False, "env": environment, "timeout": 300}
    # Without an OpenGL library the process ends: these tests are skipped then, and pytest lives on.
    probe = "import vtk; w = vtk.vtkRenderWindow(); w.SetOffScreenRendering(1); w.Render(); print('rendered')"
    if "rendered" not in subprocess.run([sys.executable, "-c", probe], **command).stdout:
        pytest.skip("no off-screen rendering here (Debian packages libegl1 and libgl1-mesa-dri)")

    def run(script: str) -> Path:
        folder = tmp_path_factory.mktemp("pictures")
        done = subprocess.run([sys.executable, str(Path(__file__).with_name(script)), str(folder)], **command)
        assert done.returncode == 0, done.stderr[-3000:]
        return folder

    return run
