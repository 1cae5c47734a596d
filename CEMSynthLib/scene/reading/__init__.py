"""The reader study in a scene: blinded images, marks on them, and a reader at work, without any window."""
