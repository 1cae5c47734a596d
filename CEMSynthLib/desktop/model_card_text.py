"""Model card text: what a user should know about a generator before using it, as HTML."""

from collections.abc import Sequence
from html import escape

from slicer.i18n import tr as _

from CEMSynthLib.generator.card import ModelCard
from CEMSynthLib.generator.store import StoredModel


def modelCardHTML(model: StoredModel) -> str:
    """The card of a model, or why it cannot be read."""
    if model.card is None:
        return f"<p>{escape(model.problem or '')}</p>"
    card = model.card
    training, network = card.training, card.architecture
    learned = _("simulated images only, no image of a patient") if training.simulated_only else _("images of patients")
    counts = _("{training} patients ({images} images), {validation} more to choose the weights").format(
        training=training.training_patients, images=training.training_images, validation=training.validation_patients
    )
    known = _("yes") if card.training_range is not None else _("no: whether an image is unlike them is not known")
    rows = [
        (_("Intended use"), card.intended_use),
        (_("Limits"), card.limits_of_use),
        (_("Learned from"), f"{learned}. {training.description}"),
        (_("Training"), counts),
        (_("Range of training images known"), known),
        (_("On unseen patients"), card.metrics.description),
        (_("License"), card.license),
        (_("Network"), f"{network.type}, {network.depth} x {network.base_filters}, {card.working_spacing_mm:g} mm"),
        (_("SHA-256 of the weights"), card.weights_sha256),
        (_("Folder"), str(model.folder)),
    ]
    lines = [f"<p><b>{escape(card.name)} {escape(card.version)}</b></p><table width='100%'>"]
    lines += [
        f"<tr><td width='27%'><b>{escape(name)}</b>&nbsp;</td><td>{escape(text)}</td></tr>" for name, text in rows
    ]
    return "".join(
        [
            *lines,
            "</table>",
            _heldOutTable(card, "mae", _similarityColumns()),
            _heldOutTable(card, "value", _figureColumns()),
        ]
    )


# Keys of the held-out table that are worth a column, with their heading; images are compared with the clinical one.
def _similarityColumns() -> Sequence[tuple[str, str]]:
    return (
        ("compared", _("image")),
        ("low_energy", _("LE")),
        ("place", _("place")),
        ("mae", _("MAE")),
        ("psnr_db", _("PSNR (dB)")),
        ("ssim", _("SSIM")),
    )


def _figureColumns() -> Sequence[tuple[str, str]]:
    return (
        ("compared", _("figure")),
        ("low_energy", _("LE")),
        ("value", _("value")),
        ("low", _("95% from")),
        ("high", _("to")),
        ("count", _("n")),
        ("patients", _("patients")),
    )


def _heldOutTable(card: ModelCard, figure: str, known: Sequence[tuple[str, str]]) -> str:
    """The rows that have a figure."""
    rows = [row for row in card.metrics.rows if figure in row]
    columns = [(key, heading) for key, heading in known if any(key in row for row in rows)]
    if not rows:
        return ""
    head = "".join(f"<th align='left'>{escape(heading)}&nbsp;&nbsp;</th>" for _key, heading in columns)
    cells = [[_cell({"low_energy": _("after injection"), **row}.get(key)) for key, _heading in columns] for row in rows]
    body = "".join("<tr>" + "".join(f"<td>{cell}&nbsp;</td>" for cell in line) + "</tr>" for line in cells)
    return f"<table cellspacing='2'><tr>{head}</tr>{body}</table>"


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else escape(str(value))
