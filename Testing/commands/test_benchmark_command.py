"""cemsynth benchmark: one table with every line, the machine named."""

import pytest

pytest.importorskip("torch")

from CEMSynthLib.cli import main
from CEMSynthLib.generator.backends import has_openvino


@pytest.mark.slow
def test_the_table_has_every_line(capsys):
    assert main(["benchmark", "--small", "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Machine: ")
    text = "\n".join(lines)
    for name in (
        "reading",
        "preparing",
        "PyTorch eager float32 (reference)",
        "CNR",
        "halo",
        "four views by the worker",
    ):
        assert name in text
    assert has_openvino() == ("OpenVINO float32" in text)
    reference = next(line for line in lines if "reference" in line).split()
    assert [float(value) for value in reference[-2:]] == [1.0, 0.0]
    for line in lines:
        if "OpenVINO, precision auto" in line:
            assert float(line.split()[-1]) <= 0.5
