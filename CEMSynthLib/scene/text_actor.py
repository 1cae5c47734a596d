"""Text actor: words over a slice view on a dark ground, readable on bright breast and dark air alike."""

from typing import Any, Literal

Color = tuple[float, float, float]
# As vtkTextProperty.h numbers them.
_ACROSS = {"left": 0, "center": 1, "right": 2}
_UP = {"bottom": 0, "top": 2}


def text_actor(
    size: int,
    color: Color,
    opacity: float = 0.5,
    place: tuple[float, float] | None = None,
    across: Literal["left", "center", "right"] = "left",
    up: Literal["bottom", "top"] = "bottom",
) -> Any:
    """Make an actor for words.

    Parameters
    ----------
    size
        Of the letters, points.
    color
        Red, green, blue, 0 to 1.
    opacity
        Of the dark ground, 0 to 1.
    place
        In the view, 0 to 1 from its lower left; ``None`` where the caller moves it in screen pixels.
    across, up
        Which part of the words is at the place.

    Returns
    -------
    vtkTextActor
    """
    import vtk

    actor = vtk.vtkTextActor()
    style_text(actor.GetTextProperty(), size, color, opacity)
    actor.GetTextProperty().SetJustification(_ACROSS[across])
    actor.GetTextProperty().SetVerticalJustification(_UP[up])
    if place is not None:
        position = actor.GetPositionCoordinate()
        position.SetCoordinateSystemToNormalizedViewport()
        position.SetValue(*place)
    return actor


def style_text(text: Any, size: int, color: Color, opacity: float = 0.5) -> None:
    """Give a vtkTextProperty these letters on a dark ground."""
    text.SetFontSize(size)
    text.SetColor(*color)
    text.SetBackgroundColor(0.0, 0.0, 0.0)
    text.SetBackgroundOpacity(opacity)
