"""A reader at work: resume, revise, washout, reading time."""

import pytest

from CEMSynthLib.reading import session as session_module
from CEMSynthLib.reading.errors import AnswerError, LockedError, ProtocolError, WashoutError
from CEMSynthLib.reading.session import ReadingSession


def opened(folder, clock, reader="R1"):
    return ReadingSession(folder, reader, clock, beat=False)


def read(session, fill, count):
    for _ in range(count):
        fill(session.open(session.current()))
        session.save()


def test_a_reader_resumes_at_the_first_case_without_an_answer(study, clock, fill):
    with opened(study, clock) as session:
        read(session, fill, 3)
    with opened(study, clock) as session:
        assert session.progress == (3, 16)
        assert session.current() == session.items[3]
        assert session.answered(session.items[2]).answers["bpe"] == "b"
    with opened(study, clock, "R2") as other:
        assert other.progress == (0, 16)


def test_an_incomplete_reading_is_refused_and_kept_on_the_screen(study, clock, fill):
    with opened(study, clock) as session:
        state = session.open(session.current())
        state.answer("lesion", "yes")
        with pytest.raises(AnswerError, match="Mark each lesion: not answered yet"):
            session.save()
        assert state.answers == {"lesion": "yes"}
        fill(state, lesion="yes")
        session.save()
        assert session.progress[0] == 1
        with pytest.raises(AnswerError, match="No reading is open"):
            session.save()


def test_a_revision_keeps_the_first_answer(study, clock, fill):
    with opened(study, clock) as session:
        read(session, fill, 2)
        item = session.items[0]
        state = session.open(item)
        assert state.complete, "the earlier answers are filled in"
        state.answer("bpe", "d")
        saved = session.save()
        assert saved.revision == 1
        assert session.answered(item).answers["bpe"] == "d"
        assert session.current() == session.items[2]


def test_the_next_session_waits_for_the_washout(study, clock, fill):
    with opened(study, clock) as session:
        with pytest.raises(WashoutError, match="begins when session 1 is read"):
            session.open(session.items[8])
        read(session, fill, 8)
        with pytest.raises(WashoutError, match="28 days after"):
            session.current()
        clock.wait(20)
        session.open(session.items[0])  # a revision does not begin the washout again
        session.save()
        clock.wait(8.1)
        read(session, fill, 8)
        assert session.current() is None


def test_without_washout_sessions_follow_each_other(tmp_path, write_study, clock, fill):
    write_study(tmp_path / "s", washout=0, repeats=2)
    with opened(tmp_path / "s", clock) as session:
        read(session, fill, 18)
        assert session.current() is None


def test_reading_time_leaves_out_pauses(study, clock, fill, monkeypatch):
    seconds = [0.0]
    monkeypatch.setattr(session_module.time, "monotonic", lambda: seconds[0])
    with opened(study, clock) as session:
        fill(session.open(session.current()))
        seconds[0] = 10
        session.pause()
        seconds[0] = 100
        session.resume()
        seconds[0] = 105
        assert session.save().seconds == 15


def test_unknown_readers_and_a_second_window_are_refused(study, clock):
    with pytest.raises(ProtocolError, match="no reader of this study"):
        opened(study, clock, "R9")
    with opened(study, clock), pytest.raises(LockedError), opened(study, clock):
        pass


def test_a_torn_line_is_asked_again(study, clock, fill):
    with opened(study, clock) as session:
        read(session, fill, 3)
    path = study / "readers/R1.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    with opened(study, clock) as session:
        assert session.damaged_lines == 1
        assert session.progress[0] == 2
        assert session.current() == session.items[2]
