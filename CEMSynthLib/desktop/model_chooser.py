"""Model chooser: the models of the store with their cards; import, verify, remove."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from CEMSynthLib.desktop.command_process import CommandProcess
from CEMSynthLib.desktop.dialogs import agreed, chooseFile, openFolder
from CEMSynthLib.desktop.model_card_text import modelCardHTML
from CEMSynthLib.desktop.packages import SYNTHESIS, missingPackages
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.card import CARD_FILE, WEIGHTS_FILE, verify_weights
from CEMSynthLib.generator.store import StoredModel, list_models, models_folder, remove_model

DEFAULT = "demo"


class ModelChooser:
    """The part of the Synthesis section about models.

    Names, shapes and values of weights are checked by `cemsynth models` in a child process, because that needs PyTorch.

    Parameters
    ----------
    ui
        The child widgets by name.
    say
        Shows a sentence.
    log
        Shows a line in the log.
    onChanged
        Called when another model was chosen, or a child process began or ended.
    """

    def __init__(
        self, ui: Any, say: Callable[[str], None], log: Callable[[str], None], onChanged: Callable[[], None]
    ) -> None:
        self.ui = ui
        self._say, self._onChanged = say, onChanged
        self._models: list[StoredModel] = []
        self._html = ""
        self._child = CommandProcess(self._onCommandFinished, lambda done, total, what: None, log)
        self.ui.modelComboBox.connect("currentIndexChanged(int)", self.onModelChanged)
        self.ui.importModelButton.clicked.connect(self.onImportClicked)
        self.ui.verifyModelButton.clicked.connect(self.onVerifyClicked)
        self.ui.removeModelButton.clicked.connect(self.onRemoveClicked)
        self.ui.openModelFolderButton.clicked.connect(self.onOpenFolderClicked)
        self.fill(DEFAULT)

    @property
    def busy(self) -> bool:
        """Whether a model is being checked or imported."""
        return self._child.running

    def model(self) -> StoredModel | None:
        """The chosen model."""
        index = int(self.ui.modelComboBox.currentIndex)
        return self._models[index] if 0 <= index < len(self._models) else None

    def fill(self, name: str = "") -> None:
        """List the models that are there now.

        Parameters
        ----------
        name
            The one to choose; where there is no such model, the one that is chosen now, else the first.
        """
        before = self.model()
        self._models = list_models()
        names = [model.name for model in self._models]
        wanted = next((n for n in (name, before.name if before else "", DEFAULT) if n in names), "")
        wasBlocked = self.ui.modelComboBox.blockSignals(True)
        self.ui.modelComboBox.clear()
        for model in self._models:
            self.ui.modelComboBox.addItem(_label(model), model.name)
        if wanted:
            self.ui.modelComboBox.setCurrentIndex(names.index(wanted))
        self.ui.modelComboBox.blockSignals(wasBlocked)
        self.refresh()

    def refresh(self) -> None:
        """Show the chosen model's card, and which buttons can be pressed."""
        model = self.model()
        html = modelCardHTML(model) if model is not None else ""
        if self._html != html:
            self._html = self.ui.modelCardBrowser.html = html
        waiting = _("Wait until the model was checked.") if self.busy else ""
        missing = "" if model is not None else _("There is no model; import one first.")
        shipped = _("This model comes with CEMSynth and cannot be removed.") if model and model.shipped else ""
        self._enable(
            self.ui.importModelButton, waiting, _("Check a model completely and copy it into your model folder.")
        )
        self._enable(
            self.ui.verifyModelButton,
            waiting or missing,
            _("Check the card, and checksum, names and shapes of the weights."),
        )
        self._enable(
            self.ui.removeModelButton, waiting or missing or shipped, _("Delete this model from your model folder.")
        )

    def stop(self) -> None:
        """End what runs."""
        self._child.stop()

    def onModelChanged(self, index: int) -> None:
        """Another model was chosen."""
        self.refresh()
        self._onChanged()

    def onOpenFolderClicked(self) -> None:
        """Show the folder of imported models."""
        folder = models_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._say(
                _("The model folder {folder} cannot be made: {reason}.").format(folder=folder, reason=error.strerror)
            )
            return
        openFolder(str(folder))

    def onVerifyClicked(self) -> None:
        """Check the chosen model; without PyTorch its checksum only."""
        model = self.model()
        if model is None:
            return
        if not missingPackages(SYNTHESIS):
            self._command(["models", "verify", str(model.folder)])
            return
        if model.card is None:
            self._say(model.problem or "")
            return
        try:
            verify_weights(model.folder, model.card)
        except CEMSynthError as error:
            self._say(str(error))
            return
        self._say(
            _("The checksum of {name} is right; names and shapes are checked once PyTorch is installed.").format(
                name=model.name
            )
        )

    def onRemoveClicked(self) -> None:
        """Delete the chosen model, after asking."""
        model = self.model()
        if model is None:
            return
        question = _("Delete the model {name} and its folder {folder}?").format(name=model.name, folder=model.folder)
        if not agreed(question, _("Remove model")):
            return
        try:
            folder = remove_model(model.name)
        except CEMSynthError as error:
            self._say(str(error))
            return
        self._say(_("Removed {folder}.").format(folder=folder))
        self.fill()
        self._onChanged()

    def onImportClicked(self) -> None:
        """Ask for a model card, and for the weights where they do not lie beside it; import them."""
        if missingPackages(SYNTHESIS):
            self._say(_("A model is checked when it is imported, which needs PyTorch; install the packages first."))
            return
        card = chooseFile(_("Model card"), _("Model card (*.json)"))
        if not card:
            return
        path = Path(card)
        if path.name == CARD_FILE and (path.parent / WEIGHTS_FILE).is_file():
            self._command(["models", "import", str(path.parent)])
            return
        weights = chooseFile(_("Weights"), _("Weights (*.safetensors *.pth *.pt)"), str(path.parent))
        if weights:
            self._command(["models", "import", weights, "--card", card])

    def _command(self, arguments: Sequence[str]) -> None:
        self._say("")
        self._child.start(arguments)
        self.refresh()
        self._onChanged()

    def _onCommandFinished(self, code: int, sentence: str) -> None:
        self._say(sentence or _("The check of the model ended unexpectedly; the log tells more."))
        self.fill()
        self._onChanged()

    @staticmethod
    def _enable(button: Any, missing: str, toolTip: str) -> None:
        button.enabled = not missing
        button.toolTip = missing or toolTip


def _label(model: StoredModel) -> str:
    if model.card is None:
        return str(_("{name} (cannot be read)").format(name=model.name))
    text = f"{model.name}: {model.card.name} {model.card.version}"
    return f"{text} ({_('simulated images only')})" if model.card.training.simulated_only else text
