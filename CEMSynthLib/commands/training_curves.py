"""Learning curves: losses, validation error beside the best null baseline, and lesion contrast, epoch by epoch."""

import io
from collections.abc import Mapping, Sequence

CURVES_FILE = "learning_curves.png"
Row = Mapping[str, float | int | str | bool | None]


def learning_curves(rows: Sequence[Row]) -> bytes:
    """Draw the table of the epochs.

    Parameters
    ----------
    rows
        Of the model card's ``training.curves``: ``epoch``, losses by name, figures that begin with ``validation_``.

    Returns
    -------
    bytes
        A PNG.
    """
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    losses, errors, contrast = figure.subplots(1, 3)
    skipped = ("epoch", "images", "seconds")
    names = dict.fromkeys(n for row in rows for n in row if n not in skipped and not n.startswith("validation_"))
    for name in names:
        losses.plot(*_series(rows, name), label=name, linewidth=1)
    losses.set(title="training losses (not weighted)", yscale="log", xlabel="epoch")
    for name, style in (
        ("validation_mae", "-"),
        ("validation_mae_averaged", "--"),
        ("validation_best_null_mae", ":"),
    ):
        errors.plot(*_series(rows, name), style, marker=".", label=name.removeprefix("validation_").replace("_", " "))
    errors.set(title="validation: masked MAE (window width)", xlabel="epoch")
    for name, style in (("validation_contrast_retained", "-"), ("validation_contrast_retained_averaged", "--")):
        contrast.plot(*_series(rows, name), style, marker=".", label=name.removeprefix("validation_").replace("_", " "))
    contrast.axhline(1.0, color="gray", linewidth=0.5)
    contrast.set(title="validation: lesion contrast retained", xlabel="epoch")
    for axes in (losses, errors, contrast):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if any(len(line.get_xdata()) for line in axes.get_lines()[:2]):
            axes.legend(fontsize=7)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()


def _series(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    found = [
        (float(row["epoch"] or 0), float(value)) for row in rows if isinstance(value := row.get(name), int | float)
    ]
    return [epoch for epoch, _ in found], [value for _, value in found]
