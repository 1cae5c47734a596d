"""A reader study of two breasts with image files that a test can tell apart, and the views of a reading room."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from CEMSynthLib.export.derived import read_source, synthetic_dataset
from CEMSynthLib.export.mammogram import write_dataset
from CEMSynthLib.export.provenance import ModelProvenance
from CEMSynthLib.phantom.settings import CohortSettings
from CEMSynthLib.phantom.study import write_patient
from CEMSynthLib.reading.design import StudyDesign, design_study
from CEMSynthLib.reading.key import KEY_FILE
from CEMSynthLib.reading.protocol import PROTOCOL_FILE, Arm
from CEMSynthLib.reading.questions import default_form
from CEMSynthLib.study.model import VOIWindow
from CEMSynthLib.study.reader import read_folder


def write_reader_study(base: Path, write_synthetic: Any) -> Path:
    """Simulate a patient, write a ramp as synthetic image of each view, and make a study with two arms."""
    write_patient(base, CohortSettings(7, 2.0), 1)
    found = read_folder(base / "dicom")
    for acquisition in found.studies[0].acquisitions:
        write_synthetic(acquisition, base / "made")
    arms = tuple(Arm.parse(text) for text in ("low_energy+recombined", "low_energy+synthetic"))
    design = StudyDesign("Two breasts", arms, ("R1", "R2"), default_form(), 7, washout_days=0.0)
    study = design_study(design, found, read_folder(base / "made"), {}, ("../dicom", "../made"))
    folder = base / "readers_study"
    folder.mkdir()
    (folder / KEY_FILE).write_text(study.key.to_json(), encoding="utf-8")
    (folder / PROTOCOL_FILE).write_text(study.protocol.to_json(), encoding="utf-8")
    return folder


def write_synthetic(acquisition, folder) -> None:
    """A derived image with fractions, as a generator writes it."""
    low = acquisition.low_energy
    folder.mkdir(parents=True, exist_ok=True)
    made = synthetic_dataset(
        source=read_source(low.path),
        values=(acquisition.recombined.pixels() + np.float32(0.25)),
        grid=low.grid,
        window=VOIWindow(2120.0, 320.0),
        model=ModelProvenance("test", "1", "0" * 64, "A copy.", "Test only."),
        series_uid="1.2.3",
        series_number=1,
        instance_number=1,
        created=datetime(2026, 1, 1),
    )
    write_dataset(made.dataset, folder / made.file_name)


class RoomViews:
    """A ReadingHost on slicer-core: real layout node, slice logics and renderers."""

    def __init__(self, world: Any) -> None:
        import slicer
        from vtk import vtkRenderer

        self.slicer, self.world = slicer, world
        self.layout_logic = slicer.vtkMRMLLayoutLogic()
        self.layout_logic.SetMRMLScene(world.scene)
        self.logics: dict[str, Any] = {}
        self.renderers: dict[str, Any] = {}
        self.make_renderer = vtkRenderer
        self.rendered: list[str] = []
        self.before: int | None = None

    def show_layout(self, rows: Any) -> None:
        from CEMSynthLib.scene.reading.layout import show_reading_layout

        before = show_reading_layout(self.layout_logic.GetLayoutNode(), rows)
        self.before = self.before if before is None else before

    def restore_layout(self) -> None:
        if self.before is not None:
            self.layout_logic.GetLayoutNode().SetViewArrangement(self.before)
        self.before = None

    def slice_logic(self, tag: str) -> Any:
        node = self.world.scene.GetSingletonNode(tag, "vtkMRMLSliceNode")
        if node is not None and tag not in self.logics:
            logic = self.slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(self.world.application)
            logic.SetMRMLScene(self.world.scene)
            logic.SetSliceNode(node)
            node.SetDimensions(200, 300, 1)
            logic.ResizeSliceNode(200, 300)
            self.logics[tag] = logic
        return self.logics.get(tag)

    def renderer(self, tag: str) -> Any:
        return self.renderers.setdefault(tag, self.make_renderer())

    def request_render(self, tag: str) -> None:
        self.rendered.append(tag)

    def settle(self) -> None:
        pass

    def release(self) -> None:
        """A layout logic that still holds the scene while it is cleared ends the process (slicer-core 5.11)."""
        for logic in (*self.logics.values(), self.layout_logic):
            logic.SetMRMLScene(None)


def shown(world: Any) -> list[Any]:
    """The volumes of a scene."""
    count = world.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    return [world.scene.GetNthNodeByClass(i, "vtkMRMLScalarVolumeNode") for i in range(count)]


def answer_all(desk: Any, lesion: str = "no") -> None:
    """Answer every question that is asked, marks aside."""
    values = {
        "bpe": "b", "lesion": lesion, "conspicuity": "high", "asymmetry": "no", "confidence": "4", "artifacts": [],
        "quality": "4",
    }  # fmt: skip
    for name, value in values.items():
        if name in {question.id for question in desk.questions}:
            desk.answer(name, value)


def everything_said(node: Any) -> str:
    """All texts that a node shows anywhere: name, description, attributes."""
    attributes = " ".join(f"{name} {node.GetAttribute(name)}" for name in node.GetAttributeNames())
    return f"{node.GetName()} {node.GetDescription() or ''} {attributes}".lower()
