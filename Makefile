# Two commands do everything: `make demo` and `make test`. PYTHON=python3.12 chooses another interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
.PHONY: demo test test-no-torch lint weights weights-pre-contrast clean

demo: $(VENV)/demo-ready
	$(BIN)/cemsynth demo $(ARGS)

# Two test processes, each with one thread; all tests of a file in one process.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test: $(VENV)/test-ready lint
	$(PYTEST) $(ARGS)

# The tests that need no torch, in an environment of their own (CI runs them on a second Python).
test-no-torch: $(VENV)/no-torch-ready
	$(PYTEST) -m "not slow" $(ARGS)

lint: $(VENV)/test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" \
		|| { echo "CEMSynth needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo-ready: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[generator,report]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[browser]" \
		|| echo "The review page cannot be installed on this system; the demo opens its report instead."
	touch $@

$(VENV)/test-ready: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[training,openvino,report,decoders,test]"
	touch $@

$(VENV)/no-torch-ready: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[report,decoders,test]"
	touch $@

# Trains demo weights on the present simulator (some hours on 2 cores): simulate, train (the first training is the
# reference ceiling, too), put the weights into the package, evaluate them on unseen patients. Stopped, it goes on.
weights: weights/refined.done
	$(BIN)/cemsynth simulate --seed 42 --patients 40 --processes 2 --output weights/test-cohort
	$(BIN)/cemsynth simulate --seed 42 --patients 40 --pre-contrast --processes 2 --output weights/pre-contrast/test-cohort
	$(BIN)/python Documentation/make_demo_weights.py weights/ceiling weights/refined
	$(BIN)/cemsynth evaluate weights/test-cohort/dicom --model demo --ceiling weights/ceiling \
	    --pre-contrast weights/pre-contrast/test-cohort/dicom --output weights/figures

weights/ceiling.done: | $(VENV)/test-ready
	$(BIN)/cemsynth simulate --seed 41 --patients 160 --processes 2 --output weights/training-cohort
	$(BIN)/cemsynth train weights/training-cohort/dicom --preset ceiling --seed 1 --output weights/ceiling --resume
	touch $@

weights/refined.done: weights/ceiling.done
	$(BIN)/cemsynth train weights/training-cohort/dicom --preset refine --start weights/ceiling --seed 1 \
	    --output weights/refined --resume
	touch $@

# The same training and test on low energy before injection (figures for the card, not weights to ship); then the card.
weights-pre-contrast: weights weights/pre-contrast/refined.done
	$(BIN)/cemsynth evaluate weights/pre-contrast/test-cohort/dicom --model weights/pre-contrast/refined \
	    --pre-contrast weights/pre-contrast/test-cohort/dicom --output weights/pre-contrast/figures
	$(BIN)/python Documentation/make_demo_card.py weights/figures --trained-before weights/pre-contrast/figures

weights/pre-contrast/ceiling.done: | $(VENV)/test-ready
	$(BIN)/cemsynth simulate --seed 41 --patients 160 --pre-contrast --processes 2 --output weights/pre-contrast/cohort
	$(BIN)/cemsynth train weights/pre-contrast/cohort/dicom --preset ceiling --seed 1 --output weights/pre-contrast/ceiling \
	    --resume
	touch $@

weights/pre-contrast/refined.done: weights/pre-contrast/ceiling.done
	$(BIN)/cemsynth train weights/pre-contrast/cohort/dicom --preset refine --start weights/pre-contrast/ceiling --seed 1 \
	    --output weights/pre-contrast/refined --resume
	touch $@
