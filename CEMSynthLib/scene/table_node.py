"""Table node: columns of text and numbers as Slicer shows and saves them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from slicer import vtkMRMLTableNode


def fill_table(node: "vtkMRMLTableNode", columns: "Mapping[str, Sequence[str] | NDArray[np.float64]]") -> None:
    """Give a table node these columns, by title, in place of what it has; observers hear of it once."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    before = node.StartModify()
    node.RemoveAllColumns()
    for title, values in columns.items():
        if isinstance(values, np.ndarray):
            column: Any = numpy_to_vtk(values, deep=True)
        else:
            column = vtk.vtkStringArray()
            for value in values:
                column.InsertNextValue(value)
        column.SetName(title)
        node.AddColumn(column)
    node.EndModify(before)
