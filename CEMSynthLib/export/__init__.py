"""What leaves: DICOM, PNG, CSV, markups, and the folder they are put in."""
