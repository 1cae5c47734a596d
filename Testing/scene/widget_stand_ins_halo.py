"""Stand-ins for the widgets of the Halo section: the plot in the panel."""

from typing import Any, ClassVar

from widget_stand_ins import Widget


class qMRMLPlotView(Widget):
    properties: ClassVar[dict[str, Any]] = {"minimumHeight": 0}

    def __init__(self, *parent: Any) -> None:
        super().__init__(*parent)
        vars(self).update(scene=None, node=None, fitted=0)

    def setMRMLScene(self, scene: Any) -> None:
        self.scene = scene

    def setMRMLPlotViewNode(self, node: Any) -> None:
        assert self.scene is not None
        self.node = node

    def fitToContent(self) -> None:
        self.fitted += 1

    def chart(self) -> Any:
        """What is plotted (a convenience of the tests)."""
        return None if self.node is None else self.node.GetScene().GetNodeByID(self.node.GetPlotChartNodeID() or "")
