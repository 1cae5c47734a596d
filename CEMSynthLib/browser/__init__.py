"""The review page: a study compared and measured in a web browser, on slicer-core and trame-slicer."""
