"""Chart view: a plot in the panel, made when there is first something to plot."""

from typing import Any

import slicer

_CLASS = "vtkMRMLPlotViewNode"
_HEIGHT = 240


class ChartView:
    """A qMRMLPlotView in a frame of the panel.

    Not a qMRMLPlotWidget: the selectors in its bar, seen or not, put series into the chart and take them out while
    nodes come and go.

    Parameters
    ----------
    frame
        A QWidget with a layout; hidden while there is no chart.
    tag
        Singleton tag of the view's node.
    """

    def __init__(self, frame: Any, tag: str) -> None:
        self._frame, self._tag = frame, tag
        self._widget: Any = None
        frame.visible = False

    def show(self, chart: Any, parent: Any) -> None:
        """Show a chart node, or nothing.

        Parameters
        ----------
        chart
            A vtkMRMLPlotChartNode or ``None``.
        parent
            A node of the module: a view without a parent would be one of Slicer's own layout, so nothing is shown then.
        """
        there = chart is not None and parent is not None
        self._frame.visible = there
        if not there:
            return
        node = self._node(parent)
        if self._widget is None:
            self._widget = slicer.qMRMLPlotView()
            self._widget.setMRMLScene(slicer.mrmlScene)
            self._widget.minimumHeight = _HEIGHT
            self._frame.layout().addWidget(self._widget)
        self._widget.setMRMLPlotViewNode(node)
        node.SetPlotChartNodeID(chart.GetID())
        self._widget.fitToContent()

    def forget(self) -> None:
        """The scene closes: show nothing, and leave no node, which would lose its parent and get a view of Slicer's."""
        self._frame.visible = False
        if self._widget is not None:
            self._widget.setMRMLPlotViewNode(None)
        node = slicer.mrmlScene.GetSingletonNode(self._tag, _CLASS)
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)

    def _node(self, parent: Any) -> Any:
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(self._tag, _CLASS)
        if node is None:
            node = slicer.vtkMRMLPlotViewNode()
            node.SetSingletonTag(self._tag)
            node.SetLayoutName(self._tag)
            node.SetName(self._tag)
            node.SetSaveWithScene(False)
            node.SetHideFromEditors(True)
            node.SetAndObserveParentLayoutNodeID(parent.GetID())
            node = scene.AddNode(node)
        elif node.GetParentLayoutNode() is None:
            node.SetAndObserveParentLayoutNodeID(parent.GetID())
        return node
