"""An output folder gets all results or none, and files of others survive everything."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.export import output_folder
from CEMSynthLib.export.errors import OutputFolderError
from CEMSynthLib.export.manifest import MANIFEST, Manifest, sha256
from CEMSynthLib.export.output_folder import OutputFolder


def run(target, names=("a.csv",), text="1", seed=1, command="measure", during=None, **options):
    with OutputFolder(target, command, {"seed": seed}, **options) as staging:
        for name in names:
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).write_text(text)
        if during is not None:
            raise during


def content(folder):
    if not folder.exists():
        return None
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_new_folder_gets_the_files_and_their_list(tmp_path):
    target = tmp_path / "deep" / "out"
    run(target, ("a.csv", "images/b.png"))
    assert set(content(target)) == {"a.csv", "images/b.png", MANIFEST}
    manifest = json.loads((target / MANIFEST).read_text())
    assert manifest["command"] == "measure"
    assert manifest["parameters"] == {"seed": 1}
    listed = {f["path"]: f["sha256"] for f in manifest["files"]}
    assert listed == {n: sha256(target / n) for n in ("a.csv", "images/b.png")}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]


def test_the_same_run_again_replaces_the_earlier_one(tmp_path):
    run(tmp_path / "out", ("a.csv", "old/b.csv"), text="1")
    run(tmp_path / "out", ("a.csv", "new/c.csv"), text="2")
    assert set(content(tmp_path / "out")) == {"a.csv", "new/c.csv", MANIFEST}
    assert (tmp_path / "out" / "a.csv").read_text() == "2"
    assert not (tmp_path / "out" / "old").exists()


def test_what_a_file_manager_leaves_behind_is_no_obstacle(tmp_path):
    run(tmp_path / "out")
    (tmp_path / "out" / ".DS_Store").write_bytes(b"x")
    run(tmp_path / "out", text="2")
    assert (tmp_path / "out" / ".DS_Store").read_bytes() == b"x"


def spoil(target, how):
    if how == "foreign":
        (target / "thesis.docx").write_text("years of work")
    elif how == "changed":
        (target / "a.csv").write_text("annotated by hand")
    elif how == "damaged list":
        (target / MANIFEST).write_text("{")
    elif how == "no list":
        (target / MANIFEST).unlink()
    elif how == "newer list":
        (target / MANIFEST).write_text((target / MANIFEST).read_text().replace('"version": 1', '"version": 2'))


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("how", ["foreign", "changed", "damaged list", "no list", "newer list"])
def test_a_folder_that_holds_anything_else_is_refused(tmp_path, how, overwrite):
    run(tmp_path / "out")
    spoil(tmp_path / "out", how)
    before = content(tmp_path / "out")
    with pytest.raises(OutputFolderError) as caught:
        run(tmp_path / "out", overwrite=overwrite)
    assert content(tmp_path / "out") == before
    named = {"foreign": "thesis.docx", "changed": "a.csv"}.get(how, "out")
    assert named in str(caught.value)
    assert str(caught.value).endswith(".")


def test_other_parameters_need_overwrite(tmp_path):
    run(tmp_path / "out", ("a.csv", "b.csv"), seed=1)
    before = content(tmp_path / "out")
    for changes in ({"seed": 2}, {"command": "simulate"}):
        with pytest.raises(OutputFolderError, match="--overwrite"):
            run(tmp_path / "out", **changes)
    assert content(tmp_path / "out") == before
    run(tmp_path / "out", seed=2, overwrite=True)
    assert set(content(tmp_path / "out")) == {"a.csv", MANIFEST}


def test_a_folder_with_files_and_no_run_is_refused(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.dcm").write_text("x")
    with pytest.raises(OutputFolderError, match=r"x\.dcm"):
        run(tmp_path / "out", overwrite=True)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputFolderError, match="is a file"):
        run(tmp_path / "out", overwrite=True)


def test_a_link_in_place_of_a_result_is_a_change(tmp_path):
    run(tmp_path / "out")
    (tmp_path / "kept").write_text("1")
    (tmp_path / "out" / "a.csv").unlink()
    (tmp_path / "out" / "a.csv").symlink_to(tmp_path / "kept")
    with pytest.raises(OutputFolderError, match=r"a\.csv was changed"):
        run(tmp_path / "out", overwrite=True)


def test_the_input_is_never_the_output(tmp_path):
    images = tmp_path / "study" / "images"
    images.mkdir(parents=True)
    for target in (images, tmp_path / "study", images / ".." / "images"):
        with pytest.raises(OutputFolderError, match="input"):
            run(target, inputs=[images])
    run(images / "results", inputs=[images])
    assert (images / "results" / "a.csv").exists()


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(1)])
@pytest.mark.parametrize("earlier", [True, False])
def test_a_failed_run_leaves_everything_as_it_was(tmp_path, error, earlier):
    target = tmp_path / "deep" / "out"
    if earlier:
        run(target, ("a.csv", "sub/b.csv"))
    before = content(tmp_path)
    with pytest.raises(type(error)):
        run(target, during=error)
    assert content(tmp_path) == before
    assert (tmp_path / "deep").exists() == earlier


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", range(7))
def test_a_move_that_fails_puts_the_earlier_run_back(tmp_path, monkeypatch, error, at):
    run(tmp_path / "out", ("a.csv", "sub/b.csv", "c.csv"))
    before = content(tmp_path)
    real, calls = os.replace, []

    def failing(source, target):
        if Path(target).name == MANIFEST and Path(source).suffix == ".json" and "partial" in Path(source).name:
            return real(source, target)  # the manifest being written, not moved
        calls.append(target)
        if len(calls) == at + 1:
            raise error
        return real(source, target)

    monkeypatch.setattr(output_folder.os, "replace", failing)
    with pytest.raises((OutputFolderError, KeyboardInterrupt)):
        run(tmp_path / "out", ("a.csv", "sub/b.csv", "sub/d.csv"), text="2")
    assert content(tmp_path) == before


def test_a_file_that_appears_meanwhile_is_not_lost(tmp_path):
    target = tmp_path / "out"
    folder = OutputFolder(target, "measure", {})
    (folder.__enter__() / "a.csv").write_text("1")
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(OutputFolderError, match="mine"):
        folder.__exit__(None, None, None)
    assert content(tmp_path) == {"out/mine.txt": b"mine"}


def test_a_full_disk_is_said_in_words(tmp_path):
    with pytest.raises(OutputFolderError, match="disk is full"):
        run(tmp_path / "out", during=OSError(errno.ENOSPC, "No space left on device"))
    assert list(tmp_path.iterdir()) == []


def test_an_error_with_another_file_is_not_called_a_write_error(tmp_path):
    with pytest.raises(FileNotFoundError):  # noqa: SIM117
        with OutputFolder(tmp_path / "out", "measure", {}):
            (tmp_path / "missing").read_text()


def test_a_parent_that_is_a_file_is_said_in_words(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFolderError, match="folder"):
        run(tmp_path / "file" / "out")


def test_a_parent_without_permission_is_said_in_words(forbidden_folder):
    with forbidden_folder() as parent, pytest.raises(OutputFolderError, match="may not write"):
        run(parent / "out")


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_ctrl_c_leaves_nothing_behind(tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from CEMSynthLib.export.output_folder import OutputFolder\n"
        "with OutputFolder(Path(sys.argv[1]), 'measure', {}) as staging:\n"
        "    (staging / 'a.csv').write_text('half'); print('ready', flush=True); time.sleep(60)\n"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", program, str(tmp_path / "deep" / "out")]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline() == b"ready\n"
        assert list((tmp_path / "deep").iterdir())
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) != 0
    assert list(tmp_path.iterdir()) == []


def test_parameters_that_are_paths_compare_equal(tmp_path):
    for _ in range(2):
        with OutputFolder(tmp_path / "out", "measure", {"path": Path("x"), "sizes": (1, 2)}) as staging:
            (staging / "a").write_text("1")
    assert Manifest.read(tmp_path / "out" / MANIFEST).parameters == {"path": "x", "sizes": [1, 2]}


class Folder(RuleBasedStateMachine):
    """Runs and a user who edits the folder between them, in any order."""

    @initialize()
    def start(self):
        self.holder = tempfile.TemporaryDirectory()
        self.root = Path(self.holder.name)
        self.target = self.root / "out"
        self.users = {}

    @rule(name=st.sampled_from(["a.csv", "b/c.csv", "notes.txt", "b/d.txt"]), text=st.sampled_from(["x", "y"]))
    def user_writes(self, name, text):
        path = self.target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"by hand {text}")
        self.users[name] = path.read_bytes()

    @rule(name=st.sampled_from(["a.csv", "b/c.csv", "notes.txt", MANIFEST]))
    def user_deletes(self, name):
        (self.target / name).unlink(missing_ok=True)
        self.users.pop(name, None)

    @rule(
        names=st.sets(st.sampled_from(["a.csv", "b/c.csv", "e.csv"])),
        seed=st.integers(1, 2),
        overwrite=st.booleans(),
        fails=st.booleans(),
    )
    def run(self, names, seed, overwrite, fails):
        before = content(self.root)
        try:
            with OutputFolder(self.target, "measure", {"seed": seed}, overwrite=overwrite) as staging:
                for name in names:
                    (staging / name).parent.mkdir(exist_ok=True)
                    (staging / name).write_text(f"result {seed}")
                if fails:
                    raise ZeroDivisionError
        except (CEMSynthError, ZeroDivisionError):
            assert content(self.root) == before
        else:
            assert set(content(self.target)) == {*names, MANIFEST}
            assert not self.users

    @invariant()
    def nothing_of_the_user_is_lost_and_nothing_is_left_beside(self):
        if hasattr(self, "root"):
            assert {p.name for p in self.root.iterdir()} <= {"out"}
            for name, text in self.users.items():
                assert (self.target / name).read_bytes() == text

    def teardown(self):
        if hasattr(self, "holder"):
            self.holder.cleanup()


TestFolder = Folder.TestCase
TestFolder.settings = settings(max_examples=150, stateful_step_count=15, deadline=None)
