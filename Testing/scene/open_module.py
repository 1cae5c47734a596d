"""Opens the module in a fresh process and tells what was imported and how long it took (run by test_opening.py)."""

import importlib.util
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import slicer
import slicer.util
import vtk  # noqa: F401

# What a running Slicer has imported already.
before = set(sys.modules)
spec = importlib.util.spec_from_file_location("stand_ins", Path(__file__).with_name("stand_ins.py"))
assert spec is not None
assert spec.loader is not None
stand_ins = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stand_ins)
scene = slicer.vtkMRMLScene()
application = slicer.vtkSlicerApplicationLogic()
application.SetMRMLScene(scene)
patch = pytest.MonkeyPatch()
start = time.process_time()  # of this process: other load of the machine does not count
module = stand_ins.install(patch, SimpleNamespace(scene=scene, application=application), main_window=False)
module.CEMSynth(SimpleNamespace(path=module.__file__, icon=None))
loaded = set(sys.modules) - before
seconds_load = time.process_time() - start
start = time.process_time()
widget = module.CEMSynthWidget(stand_ins.parent())
widget.setup()
widget.enter()
seconds_open = time.process_time() - start
print(
    json.dumps(
        {
            "load": seconds_load,
            "open": seconds_open,
            "library": sys.modules["CEMSynthLib"].__file__,
            "sections": sorted(widget.panel.sections),
            "at_load": sorted(loaded),
            "at_open": sorted(set(sys.modules) - before - loaded),
        }
    )
)
widget.exit()
widget.cleanup()
patch.undo()
