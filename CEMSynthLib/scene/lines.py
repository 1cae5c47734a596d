"""Lines: bright lines with a dark outline, drawn in screen pixels, that are seen on black and on white."""

from collections.abc import Sequence
from typing import Any

Polyline = Sequence[tuple[float, float]]


def outlined_lines(lines: Sequence[Polyline], color: tuple[float, float, float]) -> Any:
    """Make an actor of lines.

    Parameters
    ----------
    lines
        Their points in screen pixels, from the actor's position.
    color
        Red, green, blue, 0 to 1.

    Returns
    -------
    vtkPropAssembly
        Its two vtkActor2D, outline and line, share their points; move both with `place`.
    """
    import vtk

    shape = vtk.vtkPolyData()
    assembly = vtk.vtkPropAssembly()
    for width, paint in ((4, (0.0, 0.0, 0.0)), (2, color)):
        mapper, actor = vtk.vtkPolyDataMapper2D(), vtk.vtkActor2D()
        mapper.SetInputData(shape)
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*paint)
        actor.GetProperty().SetLineWidth(width)
        assembly.AddPart(actor)
    set_lines(assembly, lines)
    return assembly


def set_lines(assembly: Any, lines: Sequence[Polyline]) -> None:
    """Give an actor of `outlined_lines` other lines."""
    import vtk

    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    for line in lines:
        numbers = [points.InsertNextPoint(x, y, 0) for x, y in line]
        cells.InsertNextCell(len(numbers), numbers)
    shape = _parts(assembly)[0].GetMapper().GetInput()
    shape.SetPoints(points)
    shape.SetLines(cells)
    shape.Modified()


def place(assembly: Any, x: float, y: float) -> None:
    """Move an actor of `outlined_lines` to a place on the screen."""
    for actor in _parts(assembly):
        actor.SetPosition(x, y)


def _parts(assembly: Any) -> list[Any]:
    parts = assembly.GetParts()
    return [parts.GetItemAsObject(index) for index in range(parts.GetNumberOfItems())]
