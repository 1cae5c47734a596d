"""No test reads or writes the model folder of the user who runs it."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _models_of_the_tests(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CEMSYNTH_MODELS", str(tmp_path_factory.mktemp("models")))
        yield
