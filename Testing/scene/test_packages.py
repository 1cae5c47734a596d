"""Packages: what is missing, and a real pip in a real child process, with a wheel made here and no network."""

import importlib.util
import os
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

pytest.importorskip("slicer")
pytest.importorskip("pip")
import process_stand_in as processes
import stand_ins

ROOT = Path(__file__).resolve().parents[2]
pump = processes.pump


def write_wheel(folder: Path, name: str, module: str) -> None:
    """The smallest wheel that pip takes."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "")
        wheel.writestr(f"{name}/__main__.py", module)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def packages(mrml, monkeypatch, tmp_path):
    """The room's module, with a pip that finds only wheels of this test and installs into a folder of this test."""
    stand_ins.install(monkeypatch, mrml(views=True))
    import slicer

    slicer.app.testingEnabled = lambda: False
    sys.modules["qt"].QProcess = processes.QProcess
    index, target = tmp_path / "index", tmp_path / "site"
    index.mkdir()
    target.mkdir()
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_TARGET": str(target),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PYTHONPATH": str(target),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(target))
    import CEMSynthLib.desktop.packages as room

    yield SimpleNamespace(room=room, index=index, target=target, slicer=slicer)
    processes.end_all()


def installer(packages):
    log, ended = [], []
    return packages.room.PackageInstaller(log.append, ended.append), log, ended


def slicer_packaging(packages, monkeypatch) -> list[dict]:
    """Slicer 5.12's packaging: pip in a child process, told of by call-backs."""
    asked = []

    def pip_install(requirements, **options) -> None:
        asked.append({"requirements": requirements, **options})
        child = packages.room.ChildProcess(
            lambda piece: [options["logCallback"](line) for line in piece.decode().splitlines()],
            options["logCallback"],
            lambda code, crashed: options["completedCallback"](code),
        )
        child.start(sys.executable, ["-m", "pip", "install", *requirements])

    module = ModuleType("slicer.packaging")
    module.pip_install = pip_install
    module.__spec__ = importlib.util.spec_from_loader("slicer.packaging", None)
    monkeypatch.setitem(sys.modules, "slicer.packaging", module)
    return asked


def test_requirements_are_those_of_the_library(packages) -> None:
    """Every package that the module may install, with the bound that pyproject.toml has."""
    import re
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = {*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)}
    lines = (ROOT / "CEMSynth/Resources/requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert len(wanted) == 5
    assert all(re.fullmatch(r"[a-z0-9-]+>=[0-9.]+", line) for line in wanted)
    assert set(wanted) <= known
    assert {*packages.room.SYNTHESIS, *packages.room.REPORT} == {re.split("[>=]", line)[0] for line in wanted}


@pytest.mark.parametrize(
    ("installed", "enough"),
    [("2.4", True), ("2.13.0+cpu", True), ("3.0a1", True), ("2.4.0rc1", True), ("2.3.9", False), ("1.99", False)],
)
def test_versions_are_compared_by_their_numbers(packages, monkeypatch, installed: str, enough: bool) -> None:
    monkeypatch.setattr(packages.room.metadata, "version", lambda name: installed)
    assert packages.room.missingPackages(["torch"]) == ([] if enough else ["torch>=2.4"])


def test_slicer_packaging_installs_without_waiting(packages, monkeypatch) -> None:
    write_wheel(packages.index, "cemsynth_probe", "")
    asked = slicer_packaging(packages, monkeypatch)
    install, log, ended = installer(packages)
    install.start(["cemsynth-probe>=1.0"])
    assert install.running
    assert ended == []
    assert pump(lambda: bool(ended))
    assert ended == [""]
    assert not install.running
    assert asked[0]["blocking"] is False
    assert any("Successfully installed cemsynth-probe-1.0" in line for line in log)
    assert (packages.target / "cemsynth_probe").is_dir()


def test_two_sections_do_not_install_at_once(packages, monkeypatch) -> None:
    write_wheel(packages.index, "cemsynth_probe", "")
    slicer_packaging(packages, monkeypatch)
    first, _log, ended = installer(packages)
    second, _log, ended_second = installer(packages)
    first.start(["cemsynth-probe>=1.0"])
    with pytest.raises(packages.room.PackageError, match="already"):
        second.start(["cemsynth-probe>=1.0"])
    second.stop()
    assert (first.running, second.running) == (True, False)
    assert pump(lambda: bool(ended))
    second.start(["cemsynth-probe>=1.0"])
    assert pump(lambda: bool(ended_second))


def test_a_failure_shows_the_last_lines_of_pip(packages, monkeypatch) -> None:
    slicer_packaging(packages, monkeypatch)
    install, _log, ended = installer(packages)
    install.start(["cemsynth-nowhere>=1.0"])
    assert pump(lambda: bool(ended))
    assert "No matching distribution found for cemsynth-nowhere" in ended[0]
    assert not install.running


@pytest.mark.slow
def test_slicer_5_10_waits_for_pip(packages, monkeypatch) -> None:
    import subprocess

    write_wheel(packages.index, "cemsynth_probe", "")
    monkeypatch.setattr(packages.room, "_slicerPackaging", lambda: None)

    def pip_install(requirements: str) -> None:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", *requirements.split()], check=True)

    monkeypatch.setattr(packages.slicer.util, "pip_install", pip_install, raising=False)
    install, _log, ended = installer(packages)
    install.start(["cemsynth-probe>=1.0"])
    assert ended == [""]
    install.start(["cemsynth-nowhere"])
    assert "could not be installed" in ended[1]


@pytest.mark.slow
def test_torch_comes_through_the_pytorch_extension_in_a_child_process(packages, monkeypatch) -> None:
    install, log, ended = installer(packages)
    assert importlib.util.find_spec("PyTorchUtils") is None
    with pytest.raises(packages.room.PackageError, match="Extensions Manager"):
        install.start(["torch>=2.4", "safetensors>=0.4"])
    assert not install.running
    (packages.target / "PyTorchUtils.py").write_text("")
    importlib.invalidate_caches()
    # What light-the-torch is called with; it prints as it would while it downloads.
    script = (
        "import sys; print('Collecting', *sys.argv[1:]); print('43%', file=sys.stderr); sys.exit(len(sys.argv) != 4)"
    )
    write_wheel(packages.index, "light_the_torch", script)
    write_wheel(packages.index, "cemsynth_probe", "")
    asked = slicer_packaging(packages, monkeypatch)
    install.start(["torch>=2.4", "cemsynth-probe>=1.0"])
    assert pump(lambda: bool(ended))
    assert ended == [""]
    assert [one["requirements"] for one in asked] == [["cemsynth-probe>=1.0"], ["light-the-torch>=0.5"]]
    assert "Collecting install torch>=2.4 torchvision" in log
    assert "43%" in log


def test_stopping_ends_the_child_and_tells_nobody(packages, monkeypatch) -> None:
    (packages.target / "PyTorchUtils.py").write_text("")
    (packages.target / "light_the_torch.py").write_text("import sys; print('waiting', flush=True); sys.stdin.read()")
    importlib.invalidate_caches()
    install, log, ended = installer(packages)
    install.start(["torch>=2.4"])
    assert pump(lambda: "waiting" in log)
    child = processes.QProcess.made[-1].process
    install.stop()
    assert child.poll() is not None
    assert ended == []
    assert not install.running
