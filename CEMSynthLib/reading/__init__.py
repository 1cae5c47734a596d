"""The reader study: form, blinding and storage without any window, and apart from them the analysis."""
