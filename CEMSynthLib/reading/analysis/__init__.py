"""The analysis of a reader study: rates, differences, agreement, artifacts, reading time; tables and report."""
