"""Decoders: which package reads a compressed transfer syntax, and what to install where it is missing."""

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

_OPENJPEG = "pylibjpeg pylibjpeg-openjpeg"
#: Transfer Syntax UID -> what ``pip install`` needs (permissive licenses only; pylibjpeg-libjpeg is GPL).
PACKAGES = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "python-gdcm",
    JPEGLossless: "python-gdcm",
    JPEGLosslessSV1: "python-gdcm",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: _OPENJPEG,
    JPEG2000: _OPENJPEG,
    HTJ2KLossless: _OPENJPEG,
    HTJ2KLosslessRPCL: _OPENJPEG,
    HTJ2K: _OPENJPEG,
    RLELossless: "pydicom",
}


def advice(syntax: UID) -> str:
    """What to do about pixel data of this transfer syntax that cannot be decoded; empty where that is not the cause.

    Returns
    -------
    str
        A sentence that names the package, where no decoder for ``syntax`` is installed or exists.
    """
    if not syntax.is_valid or syntax.is_private or not syntax.is_transfer_syntax:
        shown = f" ({syntax})" if syntax.is_valid else ""
        return f"Its transfer syntax{shown} is not one of the standard; export it uncompressed."
    if not syntax.is_compressed or syntax.is_deflated:
        return ""
    packages = PACKAGES.get(syntax)
    if packages is None:
        return f"Nothing that is known decodes its compression ({syntax.name}); export it uncompressed."
    return "" if get_decoder(syntax).is_available else f"Its compression ({syntax.name}) needs: pip install {packages}"
