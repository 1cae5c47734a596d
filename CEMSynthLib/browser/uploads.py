"""Uploads: files that the page sends, into a private folder; limited in size and count, their names never paths."""

import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aiohttp import BodyPartReader, web

from CEMSynthLib.browser.errors import UploadError
from CEMSynthLib.browser.private_folder import PrivateFolder

ROUTE = "/upload"
#: A page of another site cannot send this header without being asked first.
HEADER = "X-CEMSynth"
_CHUNK = 1 << 20
# Left free on the disk beside an upload.
_SPARE = 256 << 20
_DICOM_AT, _DICOM = 128, b"DICM"
_LONGEST_NAME = 120


@dataclass(frozen=True)
class UploadLimits:
    """How much one upload may bring.

    Parameters
    ----------
    size
        Bytes of all files together.
    count
        Files.
    """

    size: int = 4 << 30
    count: int = 5000


class Uploads:
    """Takes uploads and hands each one's folder on.

    Parameters
    ----------
    limits
        How much one upload may bring.
    folder
        Where the files are put.
    on_files
        Gets the folder of an upload that is complete, before the page is answered.
    """

    def __init__(
        self, limits: UploadLimits, folder: PrivateFolder, on_files: Callable[[Path], Awaitable[None]]
    ) -> None:
        self.limits = limits
        self._folder = folder
        self._on_files = on_files
        self._busy = False

    def add_routes(self, application: web.Application) -> None:
        """Serve the route of uploads."""
        application.router.add_post(ROUTE, self.take)

    async def take(self, request: web.Request) -> web.Response:
        """Take one upload: multipart, one part for each file."""
        if request.headers.get(HEADER) != "1" or not request.content_type.startswith("multipart/"):
            raise web.HTTPBadRequest(text="Files are sent by the page only.")
        if self._busy:
            raise web.HTTPConflict(text="Files are being sent already; wait until they are there.")
        self._busy = True
        folder = self._folder.new()
        try:
            count = await self._store(request, folder)
            await self._on_files(folder)
        except UploadError as error:
            shutil.rmtree(folder, ignore_errors=True)
            status = 413 if isinstance(error, TooMuchError) else 400
            return web.json_response({"error": str(error)}, status=status)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self._busy = False
        return web.json_response({"files": count})

    async def _store(self, request: web.Request, folder: Path) -> int:
        limit = min(self.limits.size, max(shutil.disk_usage(folder).free - _SPARE, 0))
        if request.content_length is not None and request.content_length > limit + _overhead(self.limits):
            raise TooMuchError(limit, self.limits.count)
        count = size = 0
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.filename is None:
                continue
            count += 1
            if count > self.limits.count:
                raise TooMuchError(limit, self.limits.count)
            size += await self._write(part, folder, count, limit - size, limit)
        if count == 0:
            raise UploadError("No files were sent; choose DICOM files, images or a zip archive.")
        return count

    async def _write(self, part: BodyPartReader, folder: Path, number: int, room: int, limit: int) -> int:
        first = piece = await part.read_chunk(_CHUNK)
        while piece and len(first) < _DICOM_AT + len(_DICOM):
            piece = await part.read_chunk(_CHUNK)
            first += piece
        size = 0
        with (folder / stored_name(part.filename or "", first, number, folder)).open("xb") as stream:
            piece = first
            while piece:
                size += len(piece)
                if size > room:
                    raise TooMuchError(limit, self.limits.count)
                stream.write(piece)
                piece = await part.read_chunk(_CHUNK)
        return size


class TooMuchError(UploadError):
    """An upload over the limits."""

    def __init__(self, size: int, count: int) -> None:
        super().__init__(
            f"That is too much to send: at most {_size(size)} in {count} files. "
            "Start cemsynth review with the folder instead, or raise --upload-limit-mb."
        )


def stored_name(sent: str, first: bytes, number: int, folder: Path) -> str:
    """The name that a file gets: of DICOM files a number, for their names can name the patient.

    The names of image files say what they show, so their last part is kept, of letters, digits, dot, dash, underscore.
    """
    if first[_DICOM_AT : _DICOM_AT + len(_DICOM)] == _DICOM:
        return f"{number:05d}.dcm"
    last = PurePosixPath(sent.replace("\\", "/")).name
    name = re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".-_")[-_LONGEST_NAME:]
    return name if name and not (folder / name).exists() else f"{number:05d}_{name}"


def _overhead(limits: UploadLimits) -> int:
    """What headers of parts may add to the length of a request."""
    return 1024 * (limits.count + 1)


def _size(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB" if size >= 1 << 30 else f"{size / (1 << 20):.0f} MB"
