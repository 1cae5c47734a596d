"""Synthesis panel: model, Run that becomes Cancel, progress, and what a synthetic image says of itself."""

from typing import TYPE_CHECKING, Any

from CEMSynthLib.browser.panel import Panel
from CEMSynthLib.browser.worker_jobs import WorkerJobs
from CEMSynthLib.errors import CEMSynthError
from CEMSynthLib.generator.store import StoredModel, list_models
from CEMSynthLib.scene import attributes as names
from CEMSynthLib.scene.synthetic_volume import make_current, record_of, synthetic_volumes
from CEMSynthLib.study.model import ImageKind

if TYPE_CHECKING:
    from CEMSynthLib.browser.app import ReviewApp
    from CEMSynthLib.scene.acquisitions import AcquisitionVolumes

_RANGE = {
    "inside": "Like the images the model was trained on.",
    "outside": "UNLIKE the images the model was trained on; do not rely on it.",
    "not known": "Whether it is like the images of the training is not known.",
}


class SynthesisPanel(Panel):
    """Makes synthetic images and says where they come from."""

    name = "synthesis"
    title = "Synthesis"
    icon = "mdi-creation-outline"

    def __init__(self, app: "ReviewApp") -> None:
        super().__init__(app)
        self.jobs = WorkerJobs(app.study)
        self._models = {model.name: model for model in list_models()}
        usable = [name for name, model in self._models.items() if model.card is not None]
        self.state.synthesis_models = [_choice(model) for model in self._models.values()]
        self.state.synthesis_model = "demo" if "demo" in usable else next(iter(usable), "")
        self.state.synthesis_card = []
        self.state.synthesis_all = False
        self.state.synthesis_running = False
        self.state.synthesis_fraction = 0
        self.state.synthesis_step = ""
        self.state.synthesis_missing = ""
        self.state.synthesis_images = []
        self.state.synthesis_image = ""
        self.state.synthesis_about = []
        self.state.synthesis_warnings = []
        self.state.change("synthesis_model", "synthesis_all")(self._on_choice)

    def build(self) -> None:
        """Model, button, progress, result."""
        from trame.widgets import html
        from trame.widgets import vuetify3 as v

        v.VSelect(
            v_model=("synthesis_model",),
            items=("synthesis_models",),
            label="Model",
            density="compact",
            hide_details=True,
            disabled=("synthesis_running",),
        )
        with v.VExpansionPanels(variant="accordion", classes="mt-2", flat=True, color="surface"):
            with v.VExpansionPanel(title="About this model", bg_color="surface", classes="text-body-2"):
                with v.VExpansionPanelText():
                    with html.Div(v_for="line in synthesis_card", key="line.name", classes="mb-2"):
                        html.Div("{{ line.name }}", classes="text-caption text-medium-emphasis")
                        html.Div("{{ line.text }}", classes="text-body-2", style="overflow-wrap: anywhere")
        v.VCheckbox(
            v_model=("synthesis_all",),
            label="All acquisitions of the list",
            density="compact",
            hide_details=True,
            disabled=("synthesis_running",),
        )
        with html.Div(title=("synthesis_missing",)):
            v.VBtn(
                "{{ synthesis_running ? 'Cancel' : 'Make synthetic image' + (synthesis_all ? 's' : '') }}",
                block=True,
                color=("synthesis_running ? 'surface-bright' : 'primary'",),
                disabled=("!synthesis_running && !!synthesis_missing",),
                click=self.run_or_cancel,
                classes="cem-run mt-2",
            )
        html.Div("{{ synthesis_missing }}", classes="text-caption text-medium-emphasis mt-1")
        with html.Div(style="height: 44px", classes="mt-1"):
            with html.Div(v_show="synthesis_running"):
                v.VProgressLinear(
                    model_value=("synthesis_fraction",),
                    indeterminate=("synthesis_fraction === 0",),
                    color="primary",
                    height=6,
                    rounded=True,
                )
                html.Div("{{ synthesis_step }}", classes="text-caption mt-1")
        v.VDivider(classes="my-2")
        v.VSelect(
            v_if="synthesis_images.length > 1",
            model_value=("synthesis_image",),
            items=("synthesis_images",),
            label="Shown synthetic image",
            density="compact",
            hide_details=True,
            classes="mb-2",
            update_modelValue=(self.choose_image, "[$event]"),
        )
        html.Div(
            "No synthetic image yet.",
            v_if="!synthesis_about.length",
            classes="text-body-2 text-medium-emphasis",
        )
        with html.Div(v_for="line in synthesis_about", key="line.name", classes="mb-1"):
            html.Div("{{ line.name }}", classes="text-caption text-medium-emphasis")
            html.Div("{{ line.text }}", classes="text-body-2", style="overflow-wrap: anywhere")
        v.VAlert(
            "{{ warning }}",
            v_for="warning in synthesis_warnings",
            key="warning",
            type="warning",
            variant="tonal",
            density="compact",
            classes="mt-2 text-body-2",
        )

    def run_or_cancel(self) -> None:
        """Begin, or stop what runs."""
        if self.state.synthesis_running:
            self.state.synthesis_step = "stopping"
            self.jobs.cancel()
        elif not self._missing():
            self.state.synthesis_running = True
            self.state.synthesis_fraction = 0
            self.app.say("")
            self.app.later(self._run(self._keys(), self.state.synthesis_model))

    def choose_image(self, node_id: str) -> None:
        """Show another one of the synthetic images of the acquisition."""
        node = self.app.scene.GetNodeByID(node_id)
        if node is not None:
            make_current(node)
            self.app.renew(self.app.selected)

    def on_shown(self, volumes: "AcquisitionVolumes | None") -> None:
        """Say what is known of the synthetic image that is shown."""
        nodes = synthetic_volumes(self.app.scene, volumes.key) if volumes is not None else []
        node = volumes.synthetic if volumes is not None else None
        self.state.synthesis_images = [{"title": _image_name(one), "value": one.GetID()} for one in nodes]
        self.state.synthesis_image = node.GetID() if node is not None else ""
        self.state.synthesis_about, self.state.synthesis_warnings = _about(node)

    def refresh(self) -> None:
        """Say what is missing."""
        self.state.synthesis_missing = self._missing()
        model = self._models.get(self.state.synthesis_model)
        self.state.synthesis_card = _card_lines(model) if model is not None else []

    def close(self) -> None:
        """End the worker."""
        self.jobs.close()

    async def _run(self, keys: list[str], model: str) -> None:
        sentences = []
        try:
            report = await self.jobs.run(keys, model, self._on_step, self._on_image)
        except CEMSynthError as error:
            sentences.append(str(error))
        else:
            sentences += ["Canceled."] if report.canceled else []
            if report.made and (report.failed or report.canceled):
                sentences.append(f"Synthetic images made: {len(report.made)}.")
            sentences += report.failed
        with self.state:
            self.state.synthesis_running = False
        self.app.refresh()
        if sentences:
            self.app.say(" ".join(sentences))

    def _on_step(self, fraction: float, what: str) -> None:
        with self.state:
            self.state.synthesis_fraction = round(100 * fraction)
            self.state.synthesis_step = what

    def _on_image(self, key: str) -> None:
        self.app.renew(key)

    def _on_choice(self, **_: Any) -> None:
        self.refresh()

    def _keys(self) -> list[str]:
        rows = [row for row in self.app.study.rows() if ImageKind.LOW_ENERGY in row.kinds]
        return [row.key for row in rows if self.state.synthesis_all or row.key == self.app.selected]

    def _missing(self) -> str:
        model = self._models.get(self.state.synthesis_model)
        if model is None or model.card is None:
            return "Choose a model whose card can be read."
        if not self.app.study.rows():
            return "Open a study first."
        if not self._keys():
            return "Select an acquisition that has a low-energy image."
        return ""


def _choice(model: StoredModel) -> dict[str, Any]:
    if model.card is None:
        return {"title": f"{model.name} (unreadable)", "value": model.name, "props": {"disabled": True}}
    return {"title": f"{model.card.name} {model.card.version}", "value": model.name}


def _card_lines(model: StoredModel) -> list[dict[str, str]]:
    card = model.card
    if card is None:
        return [{"name": "Problem", "text": model.problem or ""}]
    learned = "Simulated images only, no image of a patient." if card.training.simulated_only else "Images of patients."
    lines = (
        ("Intended use", card.intended_use),
        ("Limits", card.limits_of_use),
        ("Learned from", f"{learned} {card.training.description}"),
        ("On unseen patients", card.metrics.description),
        ("License", card.license),
        ("SHA-256 of the weights", card.weights_sha256),
    )
    return [{"name": name, "text": text} for name, text in lines]


def _image_name(node: Any) -> str:
    record = record_of(node)
    return f"{record.model_name} {record.model_version}" if record is not None else "from a file"


def _about(node: Any) -> tuple[list[dict[str, str]], list[str]]:
    """Lines about a synthetic volume, and warnings."""
    if node is None:
        return [], []
    record = record_of(node)
    if record is None:
        model = node.GetAttribute(names.MODEL_NAME) or "not known"
        return [{"name": "From a file; model", "text": model}], []
    lines = [
        {"name": "Model", "text": f"{record.model_name} {record.model_version}"},
        {"name": "Made", "text": f"{record.created.replace('T', ' ')}, {record.seconds:.1f} s. {record.device_reason}"},
        {"name": "Trained on", "text": record.training_data},
        {"name": "Weights", "text": record.model_sha256[:16]},
    ]
    outside = record.training_range == "outside"
    if not outside:
        lines.append({"name": "Range", "text": _RANGE.get(record.training_range, record.training_range)})
    return lines, [*([_RANGE["outside"]] if outside else []), *record.warnings]
