"""CEMSynth: synthetic iodine images for contrast-enhanced mammography, and honest numbers about them.

Data walks in one direction: files -> study -> generator -> regions -> measurement -> table, report, DICOM.
Nothing heavy is imported here; import the room you need.
"""

__version__ = "0.1.0"
