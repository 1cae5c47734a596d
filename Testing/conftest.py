"""No test reads or writes the model folder of the user who runs it; tests run with Slicer 5.10's pydicom 2.4 too."""

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

if pydicom.__version__.startswith("2."):
    _save_as = Dataset.save_as

    def _save_as_pydicom_3(dataset, path, enforce_file_format=False, implicit_vr=None, little_endian=None, **options):
        """What tests write files with; `CEMSynthLib.study.pydicom_api.save` is the library's own."""
        syntax = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID", "")
        dataset.is_implicit_VR = syntax == ImplicitVRLittleEndian if implicit_vr is None else implicit_vr
        dataset.is_little_endian = syntax != ExplicitVRBigEndian if little_endian is None else little_endian
        _save_as(dataset, path, write_like_original=options.get("write_like_original", not enforce_file_format))

    Dataset.save_as = _save_as_pydicom_3


@pytest.fixture(autouse=True, scope="session")
def _models_of_the_tests(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CEMSYNTH_MODELS", str(tmp_path_factory.mktemp("models")))
        yield
