"""The command as a child of another program: progress as lines, and the end of stdin stops it and leaves nothing."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from CEMSynthLib.commands.child import main; "
    "sys.exit(main(sys.argv[1:]))"
)


def start(*arguments: str) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", CODE, *arguments], stdin=pipe, stdout=pipe, stderr=pipe)


def test_progress_comes_as_lines_and_the_end_of_stdin_stops_it(tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start("simulate", "--patients", "200", "--pixel-spacing-mm", "2", "--seed", "1", "--output", str(output))
    assert process.stdin is not None
    assert process.stderr is not None
    steps = []
    while len(steps) < 2:
        line = process.stderr.readline()
        assert line, "it ended before its second step"
        if line.startswith(b"@progress "):
            steps.append(json.loads(line.removeprefix(b"@progress ")))
    assert [step[0] for step in steps] == [1, 2]
    assert {step[1] for step in steps} == {200}
    _out, error = process.communicate(timeout=60)  # closes its stdin first
    assert process.returncode == 130
    assert b"stopped; nothing half-written was left" in error


def test_its_exit_code_and_sentence_are_those_of_the_command(tmp_path: Path) -> None:
    process = start("models", "info", "nowhere")
    assert process.stderr is not None
    error = process.stderr.readline()
    assert process.wait(60) == 2
    process.communicate()
    assert error.startswith(b"cemsynth: There is no model 'nowhere'")
