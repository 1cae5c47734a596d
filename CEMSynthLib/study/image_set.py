"""Image set: the image files of a folder together with the tables that lie among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from CEMSynthLib.study.annotation_table import is_annotation_table, read_annotation_table
from CEMSynthLib.study.errors import ImageTableError
from CEMSynthLib.study.found import FoundImage
from CEMSynthLib.study.image_folder import SUFFIXES, read_image_file
from CEMSynthLib.study.image_names import name_key
from CEMSynthLib.study.image_table import TABLE_NAME, ImageEntry, read_image_tables
from CEMSynthLib.study.model import FileReason


@dataclass(frozen=True)
class ImageSet:
    """What tables tell of the image files of a folder.

    Parameters
    ----------
    entries
        From ``cemsynth-images.csv``, by path.
    annotations
        From the annotation workbook, by `name_key`.
    tables
        The tables that were read; they are no images.
    skipped
        Annotation workbooks that could not be read, and why.
    """

    entries: Mapping[Path, ImageEntry] = field(default_factory=dict)
    annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tables: frozenset[Path] = frozenset()
    skipped: tuple[FileReason, ...] = ()

    @classmethod
    def of(cls, files: Sequence[Path]) -> "ImageSet":
        """Read the tables among files.

        Raises
        ------
        ImageTableError
            A ``cemsynth-images.csv`` is damaged: without it the images would be skipped or misread. An annotation
            workbook that cannot be read is only reported.
        """
        entries = read_image_tables(files)
        annotations: dict[str, Mapping[str, str]] = {}
        skipped: list[FileReason] = []
        tables = {file for file in files if file.name.casefold() == TABLE_NAME}
        for file in files:
            if is_annotation_table(file):
                try:
                    annotations |= read_annotation_table(file)
                    tables.add(file)
                except ImageTableError as error:
                    skipped.append(FileReason(file, str(error)))
        return cls(entries, annotations, frozenset(tables), tuple(skipped))

    def handles(self, file: Path) -> bool:
        """True where a file is an image by its suffix or by a table."""
        return file in self.entries or file.suffix.lower() in SUFFIXES

    def read(self, file: Path) -> FoundImage:
        """Describe one image file, with what the tables tell of it.

        Raises
        ------
        UnreadableImageError
            See `read_image_file`.
        """
        found = read_image_file(file, self.entries.get(file))
        noted = self.annotations.get(name_key(file.name))
        if not noted:
            return found
        return replace(found, image=replace(found.image, attributes={**found.image.attributes, **noted}))
