"""Regions of interest in a scene: drawn, followed, measured on all images of their acquisition, saved and undone."""
