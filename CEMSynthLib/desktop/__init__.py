"""Desktop: Qt panels of the Slicer module; imported only inside Slicer."""
