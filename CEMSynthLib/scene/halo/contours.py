"""Contours: where a field of numbers crosses a level, as connected lines."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def contour_lines(field: NDArray[np.generic], level: float) -> list[FloatArray]:
    """Trace a level by marching squares.

    Parameters
    ----------
    field
        Shape (rows, columns), finite.
    level
        The value to trace.

    Returns
    -------
    list of ndarray, shape (n, 2)
        (row, column) with fractions along each line; a closed line ends where it begins.
    """
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    image = vtk.vtkImageData()
    image.SetDimensions(field.shape[1], field.shape[0], 1)
    scalars = numpy_to_vtk(np.ascontiguousarray(field).ravel(), deep=True)
    image.GetPointData().SetScalars(scalars)
    contour = vtk.vtkFlyingEdges2D()
    contour.SetInputData(image)
    contour.SetValue(0, level)
    stripper = vtk.vtkStripper()
    stripper.SetInputConnection(contour.GetOutputPort())
    # The default of 1000 would cut long lines.
    stripper.SetMaximumLength(field.size)
    stripper.JoinContiguousSegmentsOn()
    stripper.Update()
    found = stripper.GetOutput()
    if not found.GetNumberOfPoints():
        return []
    points = vtk_to_numpy(found.GetPoints().GetData()).astype(np.float64)[:, [1, 0]]
    lines, ids = [], vtk.vtkIdList()
    found.GetLines().InitTraversal()
    while found.GetLines().GetNextCell(ids):
        lines.append(points[[ids.GetId(i) for i in range(ids.GetNumberOfIds())]])
    return lines


def runs(chosen: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """The indices of each stretch of true values."""
    places = np.flatnonzero(chosen)
    return [run for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if run.size]
