"""Parts of the page that need no browser: autosave, names of uploads, private folders, OpenGL check, the command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("aiohttp")

from CEMSynthLib.browser.autosave import Autosave, state_folder, study_mark
from CEMSynthLib.browser.errors import OpenGLMissingError
from CEMSynthLib.browser.opengl_check import OpenGLCheck
from CEMSynthLib.browser.private_folder import PREFIX, PrivateFolder, remove_left_behind
from CEMSynthLib.browser.server import Address
from CEMSynthLib.browser.uploads import TooMuchError, stored_name
from CEMSynthLib.cli import main

ROOT = Path(__file__).resolve().parents[2]
DICOM = b"\0" * 128 + b"DICM"


def test_work_is_saved_and_found_again(tmp_path):
    mark = study_mark(["1.2.3", "1.2.4"])
    assert mark == study_mark(["1.2.4", "1.2.3"])
    assert "1.2" not in mark
    file = Autosave(mark, tmp_path / "review")
    assert file.load() is None
    assert file.save({"regions": [1, 2]})
    assert not file.save({"regions": [1, 2]}), "the same work is not written again"
    assert file.path.stat().st_mode & 0o077 == 0
    work, saved = Autosave(mark, tmp_path / "review").load()
    assert work == {"regions": [1, 2]}
    assert len(saved) == 16
    assert [path.name for path in (tmp_path / "review").iterdir()] == [file.path.name]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99, "work": {}, "saved": ""}'])
def test_work_that_cannot_be_read_is_put_aside(tmp_path, content):
    file = Autosave("mark", tmp_path)
    file.path.write_text(content)
    assert file.load() is None
    assert file.path.with_suffix(".unreadable.json").read_text() == content
    assert file.save({"a": 1})


def test_a_full_disk_keeps_what_was_saved(tmp_path, monkeypatch):
    file = Autosave("mark", tmp_path)
    file.save({"a": 1})

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.save({"a": 2})
    assert json.loads(file.path.read_text())["work"] == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of Linux")
def test_the_state_folder_is_the_systems(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "cemsynth" / "review"


@pytest.mark.parametrize(
    ("sent", "first", "stored"),
    [
        ("Smith^Jane.dcm", DICOM, "00007.dcm"),
        ("../../P12_L_DM_CC.png", b"\x89PNG", "P12_L_DM_CC.png"),
        ("C:\\study\\P12_L_CM_CC.jpg", b"x", "P12_L_CM_CC.jpg"),
        ("/etc/passwd", b"x", "passwd"),
        (".bashrc", b"x", "bashrc"),
        ("..", b"x", "00007_"),
        ("a b;c\0d\n.png", b"x", "a_b_c_d_.png"),
        ("", b"x", "00007_"),
        ("taken.png", b"x", "00007_taken.png"),
        ("x" * 500 + ".png", b"x", "x" * 116 + ".png"),
    ],
)
def test_stored_names_stay_in_their_folder(tmp_path, sent, first, stored):
    (tmp_path / "taken.png").touch()
    name = stored_name(sent, first, 7, tmp_path)
    assert name == stored
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()


def test_too_much_is_said_with_the_limits():
    assert "at most 2.0 GB in 10 files" in str(TooMuchError(2 << 30, 10))


@pytest.mark.skipif(os.name == "nt", reason="processes are asked by signal")
def test_folders_of_processes_that_are_gone_are_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f"{PREFIX}{ended.pid}-abc"
    own = tmp_path / f"{PREFIX}{os.getpid()}-abc"
    foreign = tmp_path / f"{PREFIX}notes-abc"
    for folder in (left, own, foreign):
        folder.mkdir()
        (folder / "image.dcm").touch()
    remove_left_behind(tmp_path)
    assert not left.exists()
    assert own.exists()
    assert foreign.exists()


def test_a_private_folder_is_private_and_ends(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = PrivateFolder()
    assert folder.path.stat().st_mode & 0o077 == 0
    assert folder.new() != folder.new()
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_computer_that_cannot_draw_is_told_what_to_install():
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)" if os.name != "nt" else "raise SystemExit(9)"
    with pytest.raises(OpenGLMissingError, match=r"signal 11|code 9") as told:
        OpenGLCheck((sys.executable, "-c", crash)).wait()
    if sys.platform == "linux":
        assert "apt-get install libegl1 libgl1-mesa-dri" in str(told.value)
    OpenGLCheck((sys.executable, "-c", "")).wait()


def test_each_start_has_a_key_of_its_own():
    one, other = Address(), Address()
    assert one.key != other.key
    assert len(one.key) >= 32
    assert one.local
    assert not Address("0.0.0.0").local
    assert "10.0.0.5" in Address("10.0.0.5").names


def test_other_computers_only_with_an_acknowledgment(capsys, tmp_path):
    assert main(["review", str(tmp_path), "--host", "0.0.0.0", "--no-browser"]) == 2
    told = capsys.readouterr().err
    assert "unencrypted" in told
    assert "--i-know-that-others-can-reach-it" in told
    assert main(["review", str(tmp_path), "--host", "0.0.0.0", "--i-know-that-others-can-reach-it"]) == 2
    assert "all addresses at once" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="the choice of VTK's window is Linux's")
def test_the_demo_falls_back_to_its_report_where_nothing_can_be_drawn(tmp_path):
    pytest.importorskip("slicer")
    from CEMSynthLib.phantom.cohort import simulate_cohort

    (tmp_path / "synthetic").mkdir()
    (tmp_path / "study").mkdir()
    simulate_cohort(tmp_path / "study", 2026, [267], 1.6)
    source = sorted((tmp_path / "study/dicom").rglob("*.dcm"))[0]
    (tmp_path / "synthetic" / source.name).write_bytes(source.read_bytes())
    code = "import sys; from pathlib import Path; from CEMSynthLib.commands.demo_command import open_review; "
    done = subprocess.run(
        [sys.executable, "-c", code + "print(open_review(Path(sys.argv[1])))", str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "VTK_DEFAULT_OPENGL_WINDOW": "none"},
        timeout=60,
    )
    assert "OpenGL cannot draw" in done.stdout, done.stderr


def test_the_page_names_no_other_host():
    for path in (ROOT / "CEMSynthLib/browser/page").iterdir():
        if path.suffix in (".js", ".css"):
            assert "//" not in path.read_text().replace("// ", "").replace("http://www.w3.org", ""), path.name


@pytest.mark.parametrize(("cursor", "told"), [(0, [True, False]), (9, [False])])
def test_a_window_drag_is_told_but_no_drag_of_a_region(cursor, told):
    """Over markups the cursor is a hand: all views then show the region where it is, as often as the dragged one."""
    rendering = pytest.importorskip("vtkmodules.vtkRenderingCore")
    pytest.importorskip("vtkmodules.vtkRenderingOpenGL2")
    from CEMSynthLib.browser.mouse import Tool, ViewMouse

    window, interactor = rendering.vtkRenderWindow(), rendering.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    window.SetCurrentCursor(cursor)
    heard = []
    view = SimpleNamespace(interactor=lambda: interactor, _logic=None)
    mouse = ViewMouse(view, lambda: Tool.WINDOW, lambda: None, heard.append)
    interactor.InvokeEvent("LeftButtonPressEvent")
    interactor.InvokeEvent("LeftButtonReleaseEvent")
    mouse.release()
    assert heard == told
