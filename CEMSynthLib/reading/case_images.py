"""Case images: what a reader is shown for one reading, found in the study folders; nothing tells the image type."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from CEMSynthLib.progress import Progress, silent
from CEMSynthLib.reading.errors import ProtocolError
from CEMSynthLib.reading.key import Key, read_key
from CEMSynthLib.reading.order import ReadingItem
from CEMSynthLib.reading.protocol import read_protocol
from CEMSynthLib.study.model import Acquisition, CEMImage, ImageKind, StudyFolder, VOIWindow
from CEMSynthLib.study.reader import read_folder

LABELS = {
    ImageKind.LOW_ENERGY: "Low energy",
    ImageKind.RECOMBINED: "Iodine image",
    ImageKind.SYNTHETIC: "Iodine image",
}


@dataclass(frozen=True)
class ShownImage:
    """One image on the screen.

    Parameters
    ----------
    label
        The same for clinical and synthetic iodine images.
    image
        Its path, attributes and kind are not for the screen.
    window
        To begin with: iodine images of one view have the clinical image's window, whichever is shown.
    """

    label: str
    image: CEMImage
    window: VOIWindow


@dataclass(frozen=True)
class ShownView:
    """One view (``CC``) with its images, LE first."""

    name: str
    images: tuple[ShownImage, ...]


class CaseImages:
    """Finds the images of every case, headers only.

    Parameters
    ----------
    folder
        The protocol's folder.
    progress
        Called while the folders are read.

    Raises
    ------
    ProtocolError
        Protocol or key cannot be used, or an image of a case is no longer there.
    CEMSynthLib.study.errors.StudyFolderError
        A folder of images is gone.
    """

    def __init__(self, folder: Path, progress: Progress = silent) -> None:
        self._key = read_key(folder, read_protocol(folder))
        self._images = images_by_file(read_folder(folder / self._key.cohort, progress), synthetic=False)
        if self._key.synthetic:
            self._images |= images_by_file(read_folder(folder / self._key.synthetic, progress), synthetic=True)
        missing = missing_files(self._key, self._images)
        if missing:
            raise ProtocolError(
                f"{len(missing)} images of the study are gone from where they were; first: {missing[0]}. Put them "
                "back, or make a new protocol."
            )

    def views(self, item: ReadingItem) -> tuple[ShownView, ...]:
        """The images of one reading, view by view."""
        shown = []
        for view in self._key.cases[item.case].views:
            images = {kind: self._images[kind, file] for kind, file in view.files.items()}
            iodine = images.get(ImageKind.RECOMBINED)
            shown.append(
                ShownView(
                    view.name,
                    tuple(
                        ShownImage(
                            LABELS[kind],
                            images[kind],
                            iodine.window if iodine and kind is ImageKind.SYNTHETIC else images[kind].window,
                        )
                        for kind in item.arm.images
                    ),
                )
            )
        return tuple(shown)


def images_by_file(found: StudyFolder, synthetic: bool) -> dict[tuple[ImageKind, str], CEMImage]:
    """Acquired (or synthetic) images by kind and file, relative to the folder."""
    images = [i for s in found.studies for i in (s.synthetic if synthetic else _acquired(s.acquisitions))]
    return {(image.kind, relative(image.path, found.root)): image for image in images}


def _acquired(acquisitions: tuple[Acquisition, ...]) -> list[CEMImage]:
    return [image for acquisition in acquisitions for image in acquisition.images]


def relative(path: Path, root: Path) -> str:
    """A path under a root, with ``/``."""
    return path.relative_to(root).as_posix()


def missing_files(key: Key, images: Mapping[tuple[ImageKind, str], CEMImage]) -> list[str]:
    """Files of the key that are not there."""
    named = [(kind, file) for case in key.cases.values() for view in case.views for kind, file in view.files.items()]
    return [file for kind, file in named if (kind, file) not in images]
