"""Numbers from one view: region masks, CNR, similarity, halo."""
