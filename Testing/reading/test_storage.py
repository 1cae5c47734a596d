"""Storage: nothing saved is lost, nothing torn counts, one window writes at a time."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CEMSynthLib.reading import lock as lock_module
from CEMSynthLib.reading.errors import AnswerError, LockedError
from CEMSynthLib.reading.lock import STALE_SECONDS, ReaderLock
from CEMSynthLib.reading.storage import Answer, AnswerFile, answers_path, read_answers

SHA = "a" * 64
WRITER = """
import sys
from pathlib import Path
from CEMSynthLib.reading.storage import Answer, AnswerFile
with AnswerFile(Path(sys.argv[1]), "a" * 64, "R1") as answers:
    start = len(answers.stored.history)
    for n in range(start, start + 10_000):
        answers.append(Answer(f"item{n}", {"text": "x" * 2000}, "o", "a", 1.0))
        print(n, flush=True)
"""


def answer(item, revision=0, **answers):
    return Answer(item, answers, "2026-03-01T09:00:00+00:00", "2026-03-01T09:01:00+00:00", 60.0, revision)


def opened(folder):
    return AnswerFile(folder, SHA, "R1", beat=False)


def test_answers_survive_and_revisions_keep_their_history(tmp_path):
    with opened(tmp_path) as file:
        file.append(answer("i1", lesion="no"))
        file.append(answer("i2", lesion="yes", other="Ä é"))
    with opened(tmp_path) as file:
        file.append(answer("i1", 1, lesion="yes"))
    stored = read_answers(answers_path(tmp_path, "R1"), SHA, "R1")
    assert [(a.item, a.revision) for a in stored.history] == [("i1", 0), ("i2", 0), ("i1", 1)]
    assert stored.latest["i1"].answers == {"lesion": "yes"}
    assert stored.latest["i2"].answers["other"] == "Ä é"
    assert stored.damaged == ()
    assert len(answers_path(tmp_path, "R1").read_bytes().splitlines()) == 4


def test_each_answer_is_synced_to_the_disk(tmp_path, monkeypatch):
    synced, real = [], os.fsync
    with opened(tmp_path) as file:
        path = answers_path(tmp_path, "R1")
        monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_ino), real(fd))[1])
        file.append(answer("i1"))
        file.append(answer("i2"))
        assert synced.count(path.stat().st_ino) == 2
        assert tmp_path.stat().st_ino in synced, "the name of the new file too"


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 700))
def test_a_torn_last_line_costs_only_itself(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("torn")
    with opened(folder) as file:
        file.append(answer("i1", lesion="no"))
        file.append(answer("i2", lesion="no"))
    path = answers_path(folder, "R1")
    whole = path.read_bytes()
    end_of_first = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    path.write_bytes(whole[: max(end_of_first, len(whole) - cut)])
    with opened(folder) as file:
        assert "i1" in file.stored.latest
        file.append(answer("i3"))
    stored = read_answers(path, SHA, "R1")
    assert {"i1", "i3"} <= set(stored.latest)
    assert ("i2" in stored.latest) == (cut <= 1)


def test_an_altered_line_does_not_count(tmp_path):
    with opened(tmp_path) as file:
        file.append(answer("i1", lesion="no"))
    path = answers_path(tmp_path, "R1")
    path.write_bytes(path.read_bytes().replace(b'"lesion": "no"', b'"lesion": "yes"'))
    stored = read_answers(path, SHA, "R1")
    assert stored.damaged == (2,)
    assert not stored.latest


def test_answers_of_another_protocol_or_reader_are_refused(tmp_path):
    with opened(tmp_path) as file:
        file.append(answer("i1"))
    for sha, reader in (("b" * 64, "R1"), (SHA, "R2")):
        with pytest.raises(AnswerError, match="another protocol or of another reader"):
            read_answers(answers_path(tmp_path, "R1"), sha, reader)


def test_a_full_disk_is_told_and_earlier_answers_stay(tmp_path, monkeypatch):
    with opened(tmp_path) as file:
        file.append(answer("i1"))
        real = os.write

        def full(descriptor, data):
            real(descriptor, data[:40])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(AnswerError, match="No space left"):
            file.append(answer("i2"))
        monkeypatch.undo()
        file.append(answer("i2"))
    stored = read_answers(answers_path(tmp_path, "R1"), SHA, "R1")
    assert set(stored.latest) == {"i1", "i2"}
    assert len(stored.damaged) == 1


def start(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_after_kill_9_every_answer_that_was_confirmed_is_there(tmp_path):
    confirmed = -1
    for _ in range(3):
        process = start(tmp_path)
        for line in process.stdout:
            confirmed = int(line)
            if confirmed % 25 == 24:
                break
        time.sleep(0.004)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        confirmed = int(rest[-1]) if rest else confirmed
        stored = read_answers(answers_path(tmp_path, "R1"), SHA, "R1")
        assert {f"item{n}" for n in range(confirmed + 1)} <= set(stored.latest)
        assert len(stored.latest) <= confirmed + 2


def test_a_second_window_is_refused_also_from_another_process(tmp_path):
    process = start(tmp_path)
    process.stdout.readline()
    with pytest.raises(LockedError, match="open in another window"), opened(tmp_path):
        pass
    process.kill()
    process.wait()
    with opened(tmp_path) as file:  # its holder is gone: this window may, a third may not
        assert file.stored.latest
        with pytest.raises(LockedError), opened(tmp_path):
            pass


def test_two_readers_do_not_lock_each_other(tmp_path):
    with opened(tmp_path), AnswerFile(tmp_path, SHA, "R1-b", beat=False), AnswerFile(tmp_path, SHA, "R10", beat=False):
        pass


def test_of_many_windows_that_open_at_once_one_holds(tmp_path):
    held, refused, barrier, done = [], [], threading.Barrier(8), threading.Event()

    def window():
        barrier.wait()
        try:
            with ReaderLock(tmp_path, "R1", beat=False):
                held.append(1)
                done.wait(10)
        except LockedError:
            refused.append(1)
        if len(refused) == 7:
            done.set()

    threads = [threading.Thread(target=window) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 7)


def on_another_computer(folder):
    """Make the newest lock look like one of another machine, whose process numbers say nothing here."""
    path = max(folder.glob("*.lock"))
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, "machine": "elsewhere", "pid": 2**22 + 1}), encoding="utf-8")
    return path


def test_a_silent_window_of_another_computer_is_taken_over_and_stops_itself(tmp_path):
    with opened(tmp_path) as slept:
        slept.append(answer("i1"))
        path = on_another_computer(tmp_path / "locks")
        with pytest.raises(LockedError, match="on another computer"), opened(tmp_path):
            pass
        old = time.time() - STALE_SECONDS - 5
        os.utime(path, (old, old))
        with opened(tmp_path) as now:
            now.append(answer("i2"))
            with pytest.raises(LockedError, match="taken over"):
                slept.append(answer("i3"))
        assert set(read_answers(answers_path(tmp_path, "R1"), SHA, "R1").latest) == {"i1", "i2"}
    with opened(tmp_path):
        pass


def test_a_living_window_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(lock_module, "BEAT_SECONDS", 0.02)
    with ReaderLock(tmp_path, "R1"):
        path = on_another_computer(tmp_path)
        old = time.time() - STALE_SECONDS - 5
        os.utime(path, (old, old))
        time.sleep(0.3)
        with pytest.raises(LockedError), ReaderLock(tmp_path, "R1"):
            pass


def test_a_lock_file_torn_by_a_crash_holds_only_until_it_is_stale(tmp_path):
    path = tmp_path / "R1.000001.lock"
    path.write_text('{"own', encoding="utf-8")
    with pytest.raises(LockedError), ReaderLock(tmp_path, "R1", beat=False):
        pass
    old = time.time() - STALE_SECONDS - 5
    os.utime(path, (old, old))
    with ReaderLock(tmp_path, "R1", beat=False):
        pass
    assert path.exists(), "no lock file is ever removed: numbers only rise"


def test_a_folder_without_rights_is_told(tmp_path):
    file = tmp_path / "readers"
    file.write_text("", encoding="utf-8")
    with pytest.raises(LockedError, match="cannot be opened for writing"), opened(file):
        pass
