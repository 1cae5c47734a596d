"""The images of a measured acquisition as pictures for people: 8-bit PNG with a scale bar."""

from pathlib import Path

from CEMSynthLib.evaluation.content import AcquisitionReport
from CEMSynthLib.export.pictures import write_display_png


def write_pictures(folder: Path, stem: str, report: AcquisitionReport) -> list[Path]:
    """Write low-energy, recombined and synthetic image as they are shown in the report.

    Parameters
    ----------
    folder
        Made where it is missing.
    stem
        Begins the file names, such as ``001_R_CC``.
    report
        The images with their windows. The synthetic one is marked as such in its pixels; where the spacing is known
        all have a scale bar.

    Returns
    -------
    list of Path

    Raises
    ------
    CEMSynthLib.export.errors.ExportError
        A file cannot be written.
    """
    folder.mkdir(exist_ok=True)
    images = {"low_energy": report.low_energy, "recombined": report.clinical, "synthetic": report.synthetic}
    paths = []
    for word, image in images.items():
        if image is not None:
            paths.append(folder / f"{stem}_{word}.png")
            write_display_png(
                paths[-1],
                values=image.pixels,
                window=image.window,
                synthetic=word == "synthetic",
                spacing_mm=report.spacing_mm,
            )
    return paths
