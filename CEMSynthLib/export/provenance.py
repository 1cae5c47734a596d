"""Which model made a synthetic image, in the words that travel with the image."""

from collections.abc import Mapping
from dataclasses import dataclass

NOTICE = "SYNTHETIC - not for diagnosis"
#: Manufacturer (0008,0070) of what CEMSynth makes: derived images and structured reports.
MANUFACTURER = "CEMSynth (research software)"


@dataclass(frozen=True)
class ModelProvenance:
    """The model that made an image.

    Parameters
    ----------
    name, version
        As in the model card.
    sha256
        SHA-256 of the weights file, 64 hexadecimal digits.
    training_data
        One plain sentence, such as "simulated images only".
    intended_use
        One plain sentence.
    """

    name: str
    version: str
    sha256: str
    training_data: str = ""
    intended_use: str = ""

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise ValueError("sha256 is 64 lower-case hexadecimal digits")

    def as_json(self) -> Mapping[str, str]:
        """Give the fields as a JSON object."""
        return {
            "name": self.name,
            "version": self.version,
            "sha256": self.sha256,
            "training_data": self.training_data,
            "intended_use": self.intended_use,
        }
