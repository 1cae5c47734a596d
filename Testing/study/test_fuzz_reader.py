"""A short run of the fuzzer, which ends with 1 on any finding; the long one is run by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).with_name("fuzz_reader.py")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of memory and time are set by POSIX calls")
@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_files_end_in_a_result_or_in_a_clear_error(seed):
    command = [sys.executable, str(FUZZER), "--count", "600", "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "600 files" in done.stdout
