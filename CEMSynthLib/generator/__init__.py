"""From a low-energy image to a synthetic iodine image: model card, preprocessing, network, predictor."""
