"""Observing: callbacks on nodes that cannot crash the process.

A closure that refers to the node it observes, when Python holds no other reference to that node, is freed by the
garbage collector, and the next event is a segmentation fault (VTK 9.5 and 9.6). So the callback that VTK gets holds a
weak reference only, and the observed object is kept here.
"""

import weakref
from collections.abc import Callable
from typing import Any


class Observations:
    """The observers of one owner, removed together."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, int]] = []

    def add(self, node: Any, event: str | int, method: Callable[[Any], None], priority: float = 0.0) -> int:
        """Call a bound method with the node whenever it invokes the event.

        Parameters
        ----------
        node
            A VTK object.
        event
            Name of a VTK event, e.g. ``"ModifiedEvent"``, or the number of a MRML event: those have no names in VTK.
        method
            A bound method; its owner is not kept alive.
        priority
            Observers of higher priority are called first.

        Returns
        -------
        int
            The observer's tag; ``node.GetCommand(tag).SetAbortFlag(1)`` keeps an event from those called later.
        """
        reference = weakref.WeakMethod(method)

        def call(caller: Any, _event: str) -> None:
            bound = reference()
            if bound is not None:
                bound(caller)

        tag = int(node.AddObserver(event, call, priority))
        self._kept.append((node, tag))
        return tag

    def add_about(self, scene: Any, event: int, method: Callable[[Any], None]) -> None:
        """Call a bound method with the node that an event of a scene is about, e.g. the one that was removed.

        The method's owner is not kept alive.
        """
        import vtk

        reference = weakref.WeakMethod(method)

        def call(_scene: Any, _event: str, node: Any) -> None:
            bound = reference()
            if bound is not None:
                bound(node)

        told = vtk.calldata_type(vtk.VTK_OBJECT)(call)
        self._kept.append((scene, int(scene.AddObserver(event, told))))

    def remove(self) -> None:
        """Remove all observers."""
        for node, tag in self._kept:
            node.RemoveObserver(tag)
        self._kept.clear()

    def __del__(self) -> None:
        """Remove the observers of an owner that was dropped without `remove`.

        The garbage collector would clear the callbacks together with it while VTK still calls them.
        """
        self.remove()
