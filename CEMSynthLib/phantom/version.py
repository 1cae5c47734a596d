"""Which simulator made an image."""

#: Raised whenever the same seed gives other pixels; model cards name the version that their training images came from.
SIMULATOR_VERSION = "0.3"
