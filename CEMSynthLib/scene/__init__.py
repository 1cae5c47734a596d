"""Scene: a CEM study in a MRML scene, the same code in desktop Slicer and on the slicer-core wheel."""
