"""The halo in a scene: measured, drawn over the images, corrected by hand, as tables and charts."""
