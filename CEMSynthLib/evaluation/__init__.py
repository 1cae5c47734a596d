"""Numbers from several images: null baselines, statistics, figures, the HTML report."""
