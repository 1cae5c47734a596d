"""The reader study in a scene: blinded images, marks, a reader at work, and nothing left behind."""

import gc
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer")
from reading_study import RoomViews, answer_all, everything_said, shown, write_reader_study, write_synthetic

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.reading.errors import AnswerError, LockedError
from CEMSynthLib.scene.reading.desk import ReadingDesk, readers_of
from CEMSynthLib.scene.reading.layout import LAYOUT_BASE, reading_layout_xml, reading_views
from CEMSynthLib.scene.reading.notice import TEXT
from CEMSynthLib.scene.reading.room import ReadingRoom
from CEMSynthLib.study.model import ImageKind


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return write_reader_study(tmp_path_factory.mktemp("reading"), write_synthetic)


@pytest.fixture
def study(made) -> Path:
    """The study without answers."""
    for path in (made / "readers").glob("*.jsonl"):
        path.unlink()
    return made


@pytest.fixture
def room(mrml):
    world = mrml()
    world.views = RoomViews(world)
    world.told = []
    world.desk = ReadingDesk(
        lambda changed: ReadingRoom(world.scene, world.views, changed), lambda: world.told.append(1)
    )
    yield world
    world.desk.close()
    world.views.release()


def pixels(node) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    image = node.GetImageData()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[1::-1])


def read_case(room) -> None:
    answer_all(room.desk)
    room.desk.save_and_next()


def test_title_and_readers_are_known_before(study) -> None:
    assert readers_of(study) == ("Two breasts", ("R1", "R2"))


def test_nothing_in_the_scene_tells_the_image_type(room, study) -> None:
    room.desk.open(study, "R1")
    seen = {}
    for _ in range(4):
        arm = room.desk._item.arm.name
        nodes = shown(room)
        assert [node.GetName() for node in nodes] == ["CC 1", "CC 2", "MLO 1", "MLO 2"]
        for node in nodes:
            said = everything_said(node)
            assert not any(
                word in said for word in ("synth ", "synthetic", "clinical", "recombined", "sim-", ".dcm", "1.2")
            )
            assert not node.GetSaveWithScene()
            assert node.GetHideFromEditors()
            assert node.GetStorageNode() is None
        seen[arm] = {
            (
                n.GetImageData().GetScalarTypeAsString(),
                n.GetDisplayNode().GetWindowLevelMin(),
                n.GetIJKToRASDirectionMatrixName() if hasattr(n, "GetIJKToRASDirectionMatrixName") else "",
            )
            for n in nodes
        }
        read_case(room)
    assert len(seen) == 2
    assert len({frozenset(kinds) for kinds in seen.values()}) == 1, "pixel type and window are the same for both arms"


def test_images_are_the_windowed_ones_to_a_thousandth(room, study) -> None:
    room.desk.open(study, "R1")
    views = room.desk._images.views(room.desk._item)
    for node, image in zip(shown(room), [image for view in views for image in view.images], strict=True):
        low, high = image.window.low, image.window.high
        expected = 10000 + 1000 * (image.image.pixels() - low) / (high - low)
        assert np.abs(pixels(node) - np.clip(expected, 0, 65535)).max() <= 0.51


def test_each_view_shows_its_image_under_the_same_notice(room, study) -> None:
    room.desk.open(study, "R1")
    tags = ["CEMSynthReading11", "CEMSynthReading12", "CEMSynthReading21", "CEMSynthReading22"]
    for tag, node in zip(tags, shown(room), strict=True):
        logic = room.views.logics[tag]
        assert logic.GetSliceCompositeNode().GetBackgroundVolumeID() == node.GetID()
        assert logic.GetSliceNode().GetSliceToRAS().GetElement(2, 3) == node.GetOrigin()[2]
        props = room.views.renderers[tag].GetViewProps()
        assert [props.GetItemAsObject(i).GetInput() for i in range(props.GetNumberOfItems())] == [TEXT]
    assert len({room.views.logics[tag].GetSliceNode().GetViewGroup() for tag in tags}) == 2, (
        "rows are linked in themselves"
    )
    assert room.views.layout_logic.GetLayoutNode().GetViewArrangement() == LAYOUT_BASE + 22


def test_a_row_is_framed_alike_in_its_own_plane_whatever_its_images_are(room, study) -> None:
    room.desk.open(study, "R1")
    for row in (1, 2):
        nodes = [room.views.slice_logic(f"CEMSynthReading{row}{column}").GetSliceNode() for column in (1, 2)]
        frames = [
            (*node.GetFieldOfView()[:2], *(node.GetSliceToRAS().GetElement(i, 3) for i in range(3))) for node in nodes
        ]
        assert frames[0] == frames[1]
        assert frames[0][4] == 100.0 * (row - 1)
        # The breast alone is framed, by the first image: the whole image is wider.
        images = [node for node in shown(room) if node.GetName() == f"{('CC', 'MLO')[row - 1]} 1"]
        assert frames[0][0] < 0.9 * images[0].GetImageData().GetDimensions()[0] * images[0].GetSpacing()[0]


def test_marks_are_stored_in_pixels_of_their_view(room, study) -> None:
    room.desk.open(study, "R1")
    answer_all(room.desk, lesion="yes")
    assert room.desk.missing == {"Mark each lesion": "not answered yet"}
    with pytest.raises(AnswerError, match="Mark each lesion"):
        room.desk.save_and_next()
    node = room.scene.GetFirstNodeByName("Marks")
    node.AddControlPointWorld(-20.0, -30.0, 0.0)
    node.AddControlPointWorld(-8.0, -50.0, 100.0)
    node.AddControlPointWorld(40.0, -50.0, 100.0)  # beside the image
    assert room.told
    assert room.desk.answers["marks"] == [
        {"view": "CC", "row": 15.0, "column": 10.0}, {"view": "MLO", "row": 25.0, "column": 4.0},
    ]  # fmt: skip
    node.SetNthControlPointPositionWorld(0, -22.0, -30.0, 0.0)
    assert room.desk.answers["marks"][0]["column"] == 11.0
    gc.collect()
    room.desk.room.marks.remove_last()
    room.desk.room.marks.remove_last()
    assert len(room.desk.answers["marks"]) == 1
    code = room.desk._item.code
    room.desk.save_and_next()
    assert room.desk.answers == {}
    assert room.desk.room.marks.positions() == []
    line = json.loads((study / "readers/R1.jsonl").read_text().splitlines()[1])
    assert (line["item"], line["answers"]["marks"]) == (code, [{"view": "CC", "row": 15.0, "column": 11.0}])


def test_placing_is_slicers_place_mode_and_ends_with_the_case(room, study) -> None:
    room.desk.open(study, "R1")
    marks, mode = room.desk.room.marks, room.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    marks.start_placing()
    assert marks.placing
    assert mode.GetPlaceModePersistence() == 1
    marks.stop_placing()
    assert mode.GetCurrentInteractionMode() == mode.ViewTransform
    marks.start_placing()
    read_case(room)
    assert mode.GetCurrentInteractionMode() == mode.ViewTransform


def test_pause_takes_the_images_away_and_keeps_the_answers(room, study) -> None:
    room.desk.open(study, "R1")
    answer_all(room.desk, lesion="yes")
    room.scene.GetFirstNodeByName("Marks").AddControlPointWorld(-20.0, -30.0, 0.0)
    before = room.desk.answers
    room.desk.pause()
    assert room.desk.paused
    assert shown(room) == []
    assert room.views.layout_logic.GetLayoutNode().GetViewArrangement() < LAYOUT_BASE
    room.desk.resume()
    assert room.desk.reading
    assert len(shown(room)) == 4
    assert room.desk.answers == before
    assert room.desk.room.marks.positions() == before["marks"]


def test_reading_goes_on_at_the_first_case_without_an_answer(room, study) -> None:
    room.desk.open(study, "R1")
    read_case(room)
    code = room.desk._item.code
    room.desk.close()
    room.desk.open(study, "R1")
    assert room.desk.progress == (1, 4)
    assert room.desk._item.code == code


def test_all_read_is_told_and_the_scene_is_as_before(room, study) -> None:
    room.views.layout_logic.GetLayoutNode().SetViewArrangement(3)
    room.desk.open(study, "R1")
    room.desk.close()
    # The slice views that were made stay, as Slicer's do.
    before = [room.scene.GetNthNode(i).GetID() for i in range(room.scene.GetNumberOfNodes())]
    room.desk.open(study, "R1")
    for _ in range(4):
        read_case(room)
    assert room.desk.finished
    assert not room.desk.reading
    room.desk.close()
    assert shown(room) == []
    assert [room.scene.GetNthNode(i).GetID() for i in range(room.scene.GetNumberOfNodes())] == before
    assert room.views.layout_logic.GetLayoutNode().GetViewArrangement() == 3
    props = room.views.renderers["CEMSynthReading11"].GetViewProps()
    assert props.GetNumberOfItems() == 0


def test_a_reader_has_one_window(room, study, mrml) -> None:
    room.desk.open(study, "R1")
    world = mrml()
    views = RoomViews(world)
    other = ReadingDesk(lambda changed: ReadingRoom(world.scene, views, changed))
    with pytest.raises(LockedError):
        other.open(study, "R1")
    assert not other.is_open
    other.open(study, "R2")
    other.close()
    views.release()


def test_an_image_that_is_gone_is_said_and_the_case_can_be_tried_again(room, study) -> None:
    room.desk.open(study, "R1")
    item = room.desk._session.items[1]
    path = room.desk._images.views(item)[0].images[0].image.path
    hidden = path.with_suffix(".away")
    path.rename(hidden)
    try:
        answer_all(room.desk)
        with pytest.raises(CEMSynthError):
            room.desk.save_and_next()
        assert room.desk.is_open
        assert not room.desk.reading
        assert room.desk.progress == (1, 4), "what was answered is saved"
    finally:
        hidden.rename(path)
    room.desk.resume()
    assert room.desk.reading


def test_the_layout_has_a_row_for_each_view_and_neutral_labels() -> None:
    xml = reading_layout_xml(reading_views(["CC", "MLO"], [2, 2]))
    assert xml.count("<view ") == 4
    assert "CC 1" in xml
    assert not any(kind.value in xml.lower() for kind in ImageKind)
    assert not any(word in xml for word in ("LE", "Clin", "Syn<"))
    assert xml.count("#808080") == 4
    assert reading_layout_xml(reading_views(["CC", "MLO"], [1, 1])).startswith('<layout type="horizontal"')
