"""What a CEM study is and how it is read: data model, DICOM and image folders, breast mask."""
