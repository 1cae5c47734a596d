"""Self test of the reader study: one case read, marked and saved, paused in between, nothing left in the scene."""

import json
from pathlib import Path
from typing import Any


def check(logic: Any, folder: Path) -> None:
    """Make a small reader study of the simulated images and read a case of it.

    Parameters
    ----------
    logic
        A CEMSynthLogic.
    folder
        With ``study/dicom``, as `CEMSynthLib.desktop.selftest.checkStudy` left it.
    """
    import slicer

    from CEMSynthLib.scene import attributes as names

    study = writeReaderStudy(folder)
    desk = logic.reading
    desk.open(study, "R1")
    try:
        assert desk.reading
        assert desk.progress == (0, 2)
        assert [node.GetName() for node in blindedImages()] == ["CC 1", "CC 2", "MLO 1", "MLO 2"]
        assert not any(node.GetAttribute(names.KIND) for node in blindedImages())
        answers = {"bpe": "b", "lesion": "yes", "conspicuity": "high", "asymmetry": "no", "confidence": "4"}
        for question, value in (answers | {"artifacts": [], "quality": "4"}).items():
            desk.answer(question, value)
        marks = slicer.mrmlScene.GetFirstNodeByName("Marks")
        marks.AddControlPointWorld(-24.0, -36.0, 0.0)
        desk.pause()
        assert blindedImages() == []
        desk.resume()
        assert desk.answers["marks"][0]["view"] == "CC"
        desk.save_and_next()
        assert desk.progress == (1, 2)
    finally:
        desk.close()
    assert slicer.mrmlScene.GetFirstNodeByName("Marks") is None
    saved = (study / "readers" / "R1.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(saved[1])["answers"]["lesion"] == "yes"


def blindedImages() -> list[Any]:
    """The volumes that the reader sees."""
    import slicer

    from CEMSynthLib.scene import attributes as names

    scene, kind = slicer.mrmlScene, "vtkMRMLScalarVolumeNode"
    found = [scene.GetNthNodeByClass(i, kind) for i in range(scene.GetNumberOfNodesByClass(kind))]
    return [node for node in found if node.GetAttribute(names.READING) == "image"]


def writeReaderStudy(folder: Path) -> Path:
    """Write protocol and key of a study of two breasts, with their clinical images.

    Returns
    -------
    Path
        The protocol's folder.
    """
    from CEMSynthLib.reading.design import StudyDesign, design_study
    from CEMSynthLib.reading.key import KEY_FILE
    from CEMSynthLib.reading.protocol import PROTOCOL_FILE, Arm
    from CEMSynthLib.reading.questions import default_form
    from CEMSynthLib.study.reader import read_folder

    images = folder / "study" / "dicom"
    design = StudyDesign("Self test", (Arm.parse("low_energy+recombined"),), ("R1",), default_form(), 1)
    study = design_study(design, read_folder(images), None, {}, (str(images), ""))
    made = folder / "readers_study"
    made.mkdir()
    (made / KEY_FILE).write_text(study.key.to_json(), encoding="utf-8")
    (made / PROTOCOL_FILE).write_text(study.protocol.to_json(), encoding="utf-8")
    return made
