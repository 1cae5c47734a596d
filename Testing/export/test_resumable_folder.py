"""A long run goes on where it stopped, finishes once, and touches nothing of others."""

import json

import pytest

from CEMSynthLib.export.errors import OutputFolderError
from CEMSynthLib.export.manifest import MANIFEST, Manifest, sha256
from CEMSynthLib.export.resumable_folder import ResumableFolder

NAMES = ("a.csv", "sub/b.csv")


def run(target, stop_after=2, seed=1, **options):
    made = []
    with ResumableFolder(target, "simulate", {"seed": seed}, lambda name: name in NAMES, **options) as folder:
        for number, name in enumerate(NAMES):
            path = folder.target / name
            if number == stop_after:
                raise KeyboardInterrupt
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                path.write_text(f"{seed}")
                made.append(name)
        folder.finish({name: sha256(folder.target / name) for name in NAMES})
    return made


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_run_in_one_go(tmp_path):
    target = tmp_path / "deep" / "out"
    assert run(target) == list(NAMES)
    manifest = Manifest.read(target / MANIFEST)
    assert manifest.finished
    assert set(manifest.files) == set(NAMES)
    assert run(target) == []


def test_a_run_that_was_stopped_goes_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", stop_after=1)
    manifest = Manifest.read(tmp_path / "out" / MANIFEST)
    assert (manifest.finished, manifest.files) == ("", {})
    (tmp_path / "out" / ".0123456789ab.partial.dcm").write_text("killed")
    assert run(tmp_path / "out") == ["sub/b.csv"]
    assert set(content(tmp_path / "out")) == {*NAMES, MANIFEST}


def test_a_run_that_wrote_nothing_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "deep" / "out", stop_after=0)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine" / "empty").mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "mine", stop_after=0)
    assert [p.name for p in tmp_path.rglob("*")] == ["mine", "empty"]


@pytest.mark.parametrize("stop_after", [1, 2])
@pytest.mark.parametrize("spoil", ["foreign", "other seed", "damaged list", "no list"])
def test_what_is_not_of_this_run_is_refused_and_kept(tmp_path, spoil, stop_after):
    target = tmp_path / "out"
    if stop_after == 1:
        with pytest.raises(KeyboardInterrupt):
            run(target, stop_after=1)
    else:
        run(target)
    if spoil == "foreign":
        (target / "thesis.docx").write_text("years of work")
    elif spoil == "damaged list":
        (target / MANIFEST).write_text("{")
    elif spoil == "no list":
        (target / MANIFEST).unlink()
    before = content(target)
    with pytest.raises(OutputFolderError) as caught:
        run(target, seed=2 if spoil == "other seed" else 1)
    assert {"foreign": "thesis.docx", "other seed": "other parameters"}.get(spoil, "out") in str(caught.value)
    assert str(caught.value).endswith(".")
    assert content(target) == before


def test_a_finished_run_that_was_changed_is_refused(tmp_path):
    run(tmp_path / "out")
    (tmp_path / "out" / "a.csv").write_text("annotated by hand")
    for options in ({}, {"seed": 2, "overwrite": True}):
        with pytest.raises(OutputFolderError, match=r"a\.csv was changed"):
            run(tmp_path / "out", **options)
    assert (tmp_path / "out" / "a.csv").read_text() == "annotated by hand"


def test_overwrite_replaces_a_finished_run_only(tmp_path):
    run(tmp_path / "done")
    assert run(tmp_path / "done", seed=2, overwrite=True) == list(NAMES)
    assert Manifest.read(tmp_path / "done" / MANIFEST).parameters == {"seed": 2}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "open", stop_after=1)
    before = content(tmp_path / "open")
    with pytest.raises(OutputFolderError, match="unfinished run"):
        run(tmp_path / "open", seed=2, overwrite=True)
    assert content(tmp_path / "open") == before


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputFolderError, match="is a file"):
        run(tmp_path / "out")
    with pytest.raises(OutputFolderError, match="not a folder"):
        run(tmp_path / "out" / "below")


def test_a_run_killed_before_its_manifest_was_there_is_begun_again(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".0123456789ab.partial.json").write_text("{")
    assert run(tmp_path / "out") == list(NAMES)
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["finished"]


def test_a_folder_without_permission_is_said_in_words(forbidden_folder):
    with forbidden_folder() as parent, pytest.raises(OutputFolderError, match="may not write"):
        run(parent / "out")
